// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/token_text.h"

#include <algorithm>

namespace expertscope {

namespace {

bool isContinuation(char c)
{
    return (static_cast<unsigned char>(c) & 0xc0u) == 0x80;
}

/// Bytes that the character starting with this byte has; 1 for anything that starts none.
std::size_t characterBytes(char first)
{
    const auto c = static_cast<unsigned char>(first);
    return c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc0 && c < 0xe0 ? 2 : 1;
}

/// Removes the rest of a character whose beginning is missing.
void trimStart(std::string &text)
{
    std::size_t cut = 0;
    while (cut < text.size() && cut < 3 && isContinuation(text[cut]))
        ++cut;
    text.erase(0, cut);
}

/// Removes the beginning of a character whose rest is missing.
void trimEnd(std::string &text)
{
    std::size_t start = text.size();
    while (start > 0 && text.size() - start < 3 && isContinuation(text[start - 1]))
        --start;
    if (start > 0 && characterBytes(text[start - 1]) > text.size() - (start - 1))
        text.erase(start - 1);
}

} // namespace

TokenContext contextOf(const RoutingTrace &trace, std::int64_t token, std::int64_t around)
{
    const TraceMeta &meta = trace.meta();
    TokenContext context;
    context.token = token;
    const int sequence = meta.sequenceOf(token);
    if (!meta.fields.tokenText || sequence < 0)
        return context;
    const TokenRange whole = meta.sequences[static_cast<std::size_t>(sequence)].range();
    const TokenRange range{std::max(whole.begin, token - around), std::min(whole.end, token + around + 1)};
    const TokenColumns columns = trace.tokens(range);
    for (std::int64_t t = range.begin; t < range.end; ++t) {
        std::string &to = t < token ? context.before : t == token ? context.text : context.after;
        to += columns.bytes[static_cast<std::size_t>(t - range.begin)];
    }
    if (range.begin > whole.begin)
        trimStart(context.before);
    if (range.end < whole.end)
        trimEnd(context.after);
    return context;
}

} // namespace expertscope
