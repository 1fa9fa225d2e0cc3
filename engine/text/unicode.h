// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Unicode the tokenizer needs, from ICU: normalisation forms, case, character classes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace expertscope {

/// Length in bytes of the character that starts at `at`; the text must be well formed.
std::size_t utf8Length(std::string_view text, std::size_t at);
char32_t codePointAt(std::string_view text, std::size_t at);
/// Start of the character that ends at `end` (end > 0).
std::size_t previousCharacter(std::string_view text, std::size_t end);
void appendUtf8(std::string &to, char32_t codePoint);

enum class NormalForm { Nfc, Nfd, Nfkc, Nfkd };
std::string normalise(std::string_view text, NormalForm form);
/// Full lower-case mapping of each character by itself (no final sigma), as the reference library does.
std::string lowerCase(std::string_view text);
std::string withoutCombiningMarks(std::string_view text);

bool isWhiteSpace(char32_t c); ///< White_Space property
bool isNumeric(char32_t c); ///< general category N
bool isPunctuation(char32_t c); ///< ASCII punctuation or general category P
bool isWordCharacter(char32_t c); ///< what \w matches: alphabetic, mark, decimal digit, connector, join control

} // namespace expertscope
