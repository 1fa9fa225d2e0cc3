// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/text/added_tokens.h"

#include "engine/text/unicode.h"

#include <algorithm>

namespace expertscope::text {

AddedTokens AddedTokens::fromJson(const Json *json, const Normalizer &normalizer)
{
    AddedTokens added;
    if (!json)
        return added;
    if (!json->is_array())
        fail("\"added_tokens\" is not a list", "added_tokens");
    for (std::size_t i = 0; i < json->size(); ++i) {
        const std::string where = "added token " + std::to_string(i);
        const Json &entry = (*json)[i];
        AddedToken token;
        const auto id = field<std::int64_t>(entry, "id", where);
        if (id < 0 || id > 10'000'000)
            fail("\"id\" is not a number from 0 to 10000000", where);
        token.id = static_cast<std::int32_t>(id);
        token.content = field<std::string>(entry, "content", where);
        token.singleWord = fieldOr(entry, "single_word", false, where);
        token.lstrip = fieldOr(entry, "lstrip", false, where);
        token.rstrip = fieldOr(entry, "rstrip", false, where);
        token.special = fieldOr(entry, "special", false, where);
        token.normalized = fieldOr(entry, "normalized", !token.special, where);
        if (token.content.empty())
            continue;
        const std::string needle = token.normalized ? normalizer(token.content) : token.content;
        if (!needle.empty())
            (token.normalized ? added.m_normalized : added.m_plain)[static_cast<unsigned char>(needle[0])].push_back({needle, token.id});
        added.m_byId.insert_or_assign(token.id, token);
    }
    for (auto *needles : {&added.m_plain, &added.m_normalized})
        for (auto &[first, list] : *needles)
            std::stable_sort(list.begin(), list.end(), [](const Needle &a, const Needle &b) { return a.text.size() > b.text.size(); });
    return added;
}

const AddedToken *AddedTokens::find(std::int32_t id) const
{
    const auto found = m_byId.find(id);
    return found == m_byId.end() ? nullptr : &found->second;
}

std::vector<Stretch> AddedTokens::split(std::string_view text, bool normalized) const
{
    const auto &needles = normalized ? m_normalized : m_plain;
    std::vector<Stretch> stretches;
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size() && !needles.empty();) {
        const auto candidates = needles.find(static_cast<unsigned char>(text[at]));
        const Needle *match = nullptr;
        if (candidates != needles.end())
            for (const Needle &needle : candidates->second)
                if (text.substr(at).starts_with(needle.text)) {
                    match = &needle;
                    break;
                }
        if (!match) {
            ++at;
            continue;
        }
        std::size_t begin = at;
        std::size_t end = at + match->text.size();
        at = end; // the search goes on behind the match itself, whatever the rules below make of it
        const AddedToken &token = m_byId.at(match->id);
        if (token.singleWord) {
            const bool wordBefore = begin > 0 && isWordCharacter(codePointAt(text, previousCharacter(text, begin)));
            const bool wordAfter = end < text.size() && isWordCharacter(codePointAt(text, end));
            if (wordBefore || wordAfter)
                continue;
        }
        if (token.lstrip) // takes the white space before it, but not what an earlier token took
            while (begin > done) {
                const std::size_t before = previousCharacter(text, begin);
                if (before < done || !isWhiteSpace(codePointAt(text, before)))
                    break;
                begin = before;
            }
        if (token.rstrip)
            while (end < text.size() && isWhiteSpace(codePointAt(text, end)))
                end += utf8Length(text, end);
        if (done < begin)
            stretches.push_back({-1, done, begin});
        stretches.push_back({match->id, begin, end});
        done = end;
    }
    if (done < text.size())
        stretches.push_back({-1, done, text.size()});
    return stretches;
}

} // namespace expertscope::text
