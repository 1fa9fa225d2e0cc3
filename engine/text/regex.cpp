// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/text/regex.h"

#include "engine/core/error.h"
#include "engine/core/utf8.h"
#include "engine/text/unicode.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <string>

namespace expertscope {

namespace {

// White_Space, and what \w means in Oniguruma; PCRE2's own classes differ by U+180E and by marks and connectors.
constexpr std::string_view space = R"(\t-\r\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view word = R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc})";

std::string translated(std::string_view pattern)
{
    std::string out;
    bool inClass = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (c == '\\' && i + 1 < pattern.size()) {
            const char next = pattern[++i];
            const std::string_view members = next == 's' || next == 'S' ? space : next == 'w' || next == 'W' ? word : std::string_view{};
            const bool negated = next == 'S' || next == 'W';
            if (members.empty() || (negated && inClass)) {
                out += c;
                out += next;
            } else if (inClass) {
                out += members;
            } else {
                out += negated ? "[^" : "[";
                out += members;
                out += ']';
            }
            continue;
        }
        if (c == '[' && !inClass)
            inClass = true;
        else if (c == ']' && inClass)
            inClass = false;
        out += c;
    }
    return out;
}

} // namespace

const Regex::Owner Regex::ofTokenizer{"a pattern of the tokenizer", "tokenizer.json", "Use the tokenizer.json published with the model"};
const Regex::Owner Regex::ofRecipe{"the pattern that chooses tokens", "tokens", "Correct the regular expression"};

Regex::Regex(std::string_view pattern, const Owner &owner)
    : m_owner{&owner}
{
    const std::string source = translated(pattern);
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(),
        PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C, &code, &at, nullptr);
    if (!compiled) {
        PCRE2_UCHAR message[256];
        pcre2_get_error_message(code, message, sizeof message);
        throw Error{ErrorKind::Input, owner.pattern + (" does not compile: " + std::string{reinterpret_cast<char *>(message)}),
            owner.file + (", pattern \"" + wellFormedUtf8(pattern.substr(0, 80)) + '"'), owner.remedy};
    }
    pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE); // where it fails, matching is slower but the same
    m_code = std::shared_ptr<void>{compiled, [](void *p) { pcre2_code_free(static_cast<pcre2_code *>(p)); }};
}

std::vector<std::pair<std::size_t, std::size_t>> Regex::matches(std::string_view text) const
{
    std::vector<std::pair<std::size_t, std::size_t>> found;
    const auto *code = static_cast<const pcre2_code *>(m_code.get());
    const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data *)> data{
        pcre2_match_data_create_from_pattern(code, nullptr), pcre2_match_data_free};
    for (std::size_t at = 0; at <= text.size();) {
        const int count =
            pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at, PCRE2_NO_UTF_CHECK, data.get(), nullptr);
        if (count == PCRE2_ERROR_NOMATCH)
            break;
        if (count < 0)
            throw Error{ErrorKind::Input, m_owner->pattern + std::string{" needs too much backtracking on this text"}, m_owner->file,
                std::string{"Split the text into shorter sequences. "} + m_owner->remedy};
        const PCRE2_SIZE *range = pcre2_get_ovector_pointer(data.get());
        if (range[1] > range[0])
            found.emplace_back(range[0], range[1]);
        if (range[1] > at) {
            at = range[1];
        } else { // an empty match: step over one character
            ++at;
            while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80)
                ++at;
        }
    }
    return found;
}

} // namespace expertscope
