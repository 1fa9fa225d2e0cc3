// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a tokenizer.json calls a pattern: a literal string or a regular expression.
#pragma once

#include "engine/text/json_fields.h"
#include "engine/text/regex.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace expertscope::text {

class Pattern {
public:
    /// From {"String": "..."} or {"Regex": "..."}.
    static Pattern fromJson(const Json &json, const std::string &where);
    static Pattern regex(std::string_view pattern);

    /// Byte ranges of all matches, in order.
    std::vector<std::pair<std::size_t, std::size_t>> matches(std::string_view text) const;
    std::string replaced(std::string_view text, std::string_view with) const;

private:
    std::string m_literal;
    std::optional<Regex> m_regex;
};

} // namespace expertscope::text
