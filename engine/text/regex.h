// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A regular expression of a tokenizer.json or of a person, run by PCRE2 with the reference library's (Oniguruma) meaning of \s and \w.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace expertscope {

class Regex {
public:
    /// Whose pattern it is, for errors.
    struct Owner {
        const char *pattern; ///< "a pattern of the tokenizer"
        const char *file;
        const char *remedy;
    };
    static const Owner ofTokenizer, ofRecipe;

    /// Throws Error (Input) if the pattern does not compile. The owner must outlive this.
    explicit Regex(std::string_view pattern, const Owner &owner = ofTokenizer);

    /// Byte ranges [begin, end) of all non-overlapping matches in well-formed UTF-8, in order. Throws Error (Input) if the pattern
    /// needs more backtracking than any sane one does.
    std::vector<std::pair<std::size_t, std::size_t>> matches(std::string_view text) const;

private:
    std::shared_ptr<void> m_code;
    const Owner *m_owner;
};

} // namespace expertscope
