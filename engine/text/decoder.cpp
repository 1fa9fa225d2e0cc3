// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/text/decoder.h"

#include "engine/text/byte_level.h"
#include "engine/text/pattern.h"
#include "engine/text/unicode.h"

#include <charconv>

namespace expertscope::text {

namespace {

using Tokens = std::vector<std::string>;

/// The byte of "<0xE4>", or -1.
int spelledByte(const std::string &token)
{
    int value = -1;
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>')
        return -1;
    const auto [end, error] = std::from_chars(token.data() + 3, token.data() + 5, value, 16);
    return error == std::errc{} && end == token.data() + 5 ? value : -1;
}

std::string fused(const Tokens &tokens)
{
    std::string all;
    for (const std::string &token : tokens)
        all += token;
    return all;
}

std::string withoutEdges(std::string text, const std::string &content, std::int64_t start, std::int64_t stop)
{
    for (; start > 0 && !content.empty() && text.starts_with(content); --start)
        text.erase(0, content.size());
    for (; stop > 0 && !content.empty() && text.ends_with(content); --stop)
        text.erase(text.size() - content.size());
    return text;
}

} // namespace

Decoder Decoder::fromJson(const Json *json)
{
    Decoder decoder;
    if (json)
        decoder.add(*json, 0);
    return decoder;
}

void Decoder::add(const Json &json, int depth)
{
    const std::string where = "decoder";
    const auto type = field<std::string>(json, "type", where);
    const auto each = [this](auto change) {
        m_steps.push_back({[change](Tokens tokens, bool) {
            for (std::string &token : tokens)
                token = change(token);
            return tokens;
        }});
    };
    if (depth > 8)
        fail("sequences are nested too deeply", where);
    if (type == "Sequence") {
        for (const Json &step : list(json, "decoders", where))
            add(step, depth + 1);
    } else if (type == "ByteLevel") {
        each(fromByteLevel);
    } else if (type == "ByteFallback") {
        each([](const std::string &token) {
            const int byte = spelledByte(token);
            return byte < 0 ? token : std::string(1, static_cast<char>(byte));
        });
    } else if (type == "Fuse") {
        m_steps.push_back({[](const Tokens &tokens, bool) { return Tokens{fused(tokens)}; }});
    } else if (type == "Replace") {
        each(
            [pattern = Pattern::fromJson(field<Json>(json, "pattern", where), where), content = field<std::string>(json, "content", where)](
                const std::string &token) { return pattern.replaced(token, content); });
    } else if (type == "Strip") {
        m_steps.push_back({[content = field<std::string>(json, "content", where), start = field<std::int64_t>(json, "start", where),
                               stop = field<std::int64_t>(json, "stop", where)](Tokens tokens, bool atTextStart) {
            for (std::string &token : tokens)
                token = withoutEdges(std::move(token), content, atTextStart ? start : 0, stop);
            return tokens;
        }});
    } else if (type == "Metaspace") {
        const auto mark = field<std::string>(json, "replacement", where);
        const bool prefixed =
            fieldOr<std::string>(json, "prepend_scheme", fieldOr(json, "add_prefix_space", true, where) ? "always" : "never", where)
            != "never";
        if (mark.empty())
            fail("\"replacement\" is empty", where);
        m_steps.push_back({[mark, prefixed](Tokens tokens, bool atTextStart) {
            for (std::size_t i = 0; i < tokens.size(); ++i) {
                const std::string with = i == 0 && prefixed && atTextStart ? "" : " ";
                for (std::size_t at = tokens[i].find(mark); at != std::string::npos; at = tokens[i].find(mark, at + with.size()))
                    tokens[i].replace(at, mark.size(), with);
            }
            return tokens;
        }});
    } else {
        unsupported("a decoder", type);
    }
}

std::string Decoder::joined(Tokens tokens, bool atTextStart) const
{
    for (const Step &step : m_steps)
        tokens = step.run(std::move(tokens), atTextStart);
    return fused(tokens);
}

std::string Decoder::decode(Tokens tokens) const
{
    if (m_steps.empty()) {
        std::string text;
        for (std::size_t i = 0; i < tokens.size(); ++i)
            text += (i ? " " : "") + tokens[i];
        return text;
    }
    return joined(std::move(tokens), true);
}

std::string Decoder::inside(std::string token) const
{
    return joined({std::move(token)}, false);
}

} // namespace expertscope::text
