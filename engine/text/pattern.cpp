// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/text/pattern.h"

namespace expertscope::text {

namespace {

constexpr std::size_t largestReplaced = 1'000'000'000;

} // namespace

Pattern Pattern::fromJson(const Json &json, const std::string &where)
{
    Pattern pattern;
    if (json.is_object() && json.contains("Regex"))
        return regex(field<std::string>(json, "Regex", where));
    pattern.m_literal = field<std::string>(json, "String", where);
    return pattern;
}

Pattern Pattern::regex(std::string_view source)
{
    Pattern pattern;
    pattern.m_regex.emplace(source);
    return pattern;
}

std::vector<std::pair<std::size_t, std::size_t>> Pattern::matches(std::string_view text) const
{
    if (m_regex)
        return m_regex->matches(text);
    std::vector<std::pair<std::size_t, std::size_t>> found;
    if (m_literal.empty())
        return found;
    for (std::size_t at = text.find(m_literal); at != std::string_view::npos; at = text.find(m_literal, at + m_literal.size()))
        found.emplace_back(at, at + m_literal.size());
    return found;
}

std::string Pattern::replaced(std::string_view text, std::string_view with) const
{
    const auto found = matches(text);
    if (found.size() * with.size() > largestReplaced)
        fail("a replacement would make a text of more than 1 GB", "pattern");
    std::string out;
    std::size_t done = 0;
    for (const auto &[begin, end] : found) {
        out.append(text.substr(done, begin - done));
        out.append(with);
        done = end;
    }
    return out.append(text.substr(done));
}

} // namespace expertscope::text
