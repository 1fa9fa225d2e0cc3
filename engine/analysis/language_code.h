// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a language code says: the language, its script, its family. Reads BCP 47 ("zh-Hant-TW", "pt-BR") and FLORES ("kas_Arab") alike.
#pragma once

#include <string>
#include <string_view>

namespace expertscope {

struct LanguageCode {
    std::string language; ///< "zh", "kas"; lower case, ISO 639-1 or 639-3 as given
    std::string script; ///< ISO 15924, "Hant"; of a Chinese region where none is given; else empty = not said
    bool operator==(const LanguageCode &) const = default;
};
LanguageCode languageCode(std::string_view code);

/// Whether two codes are one spoken language in two scripts: "sr-Cyrl" and "sr-Latn", "zh-CN" and "zh-TW", and Hindi and Urdu.
bool sameLanguageInTwoScripts(std::string_view a, std::string_view b);
/// Branch of a language's family ("Romance", "Indo-Aryan"); empty where it is not in the list of larger languages.
std::string_view languageFamily(std::string_view code);

} // namespace expertscope
