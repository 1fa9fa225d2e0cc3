// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/text/unicode.h"

#include "engine/core/error.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include <vector>

namespace expertscope {

namespace {

std::u16string toUtf16(std::string_view text)
{
    std::u16string out(text.size(), u'\0');
    int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8(out.data(), static_cast<int32_t>(out.size()), &length, text.data(), static_cast<int32_t>(text.size()), &status);
    if (U_FAILURE(status))
        throw Error{ErrorKind::Input, "text is not valid UTF-8", "normalising text", "Give UTF-8 text"};
    out.resize(static_cast<std::size_t>(length));
    return out;
}

std::string toUtf8(std::u16string_view text)
{
    std::string out(text.size() * 3, '\0');
    int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strToUTF8(out.data(), static_cast<int32_t>(out.size()), &length, text.data(), static_cast<int32_t>(text.size()), &status);
    if (U_FAILURE(status))
        throw Error{ErrorKind::Input, "text cannot be normalised", "normalising text", "Report the text that causes this"};
    out.resize(static_cast<std::size_t>(length));
    return out;
}

} // namespace

std::size_t utf8Length(std::string_view text, std::size_t at)
{
    const auto lead = static_cast<unsigned char>(text[at]);
    return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

char32_t codePointAt(std::string_view text, std::size_t at)
{
    const auto *data = reinterpret_cast<const uint8_t *>(text.data());
    UChar32 c = 0;
    auto i = static_cast<std::int64_t>(at);
    U8_NEXT(data, i, static_cast<std::int64_t>(text.size()), c);
    return c < 0 ? U'\uFFFD' : static_cast<char32_t>(c);
}

std::size_t previousCharacter(std::string_view text, std::size_t end)
{
    do
        --end;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
    return end;
}

void appendUtf8(std::string &to, char32_t codePoint)
{
    char bytes[U8_MAX_LENGTH];
    int32_t length = 0;
    U8_APPEND_UNSAFE(bytes, length, static_cast<UChar32>(codePoint));
    to.append(bytes, static_cast<std::size_t>(length));
}

std::string normalise(std::string_view text, NormalForm form)
{
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *normaliser = form == NormalForm::Nfc ? unorm2_getNFCInstance(&status)
        : form == NormalForm::Nfd                            ? unorm2_getNFDInstance(&status)
        : form == NormalForm::Nfkc                           ? unorm2_getNFKCInstance(&status)
                                                             : unorm2_getNFKDInstance(&status);
    const std::u16string from = toUtf16(text);
    if (U_SUCCESS(status) && unorm2_isNormalized(normaliser, from.data(), static_cast<int32_t>(from.size()), &status) && U_SUCCESS(status))
        return std::string{text};
    std::u16string to(from.size() + 16, u'\0');
    for (;;) {
        status = U_ZERO_ERROR;
        const int32_t length = unorm2_normalize(
            normaliser, from.data(), static_cast<int32_t>(from.size()), to.data(), static_cast<int32_t>(to.size()), &status);
        if (status == U_BUFFER_OVERFLOW_ERROR) {
            to.resize(static_cast<std::size_t>(length) + 1);
            continue;
        }
        if (U_FAILURE(status))
            throw Error{ErrorKind::Input, "text cannot be normalised", u_errorName(status), "Report the text that causes this"};
        return toUtf8(std::u16string_view{to}.substr(0, static_cast<std::size_t>(length)));
    }
}

std::string lowerCase(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); i += utf8Length(text, i)) {
        const char32_t c = codePointAt(text, i);
        if (c == U'\u0130') // the only character whose lower case is two characters
            out += "i\xCC\x87";
        else
            appendUtf8(out, static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))));
    }
    return out;
}

std::string withoutCombiningMarks(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8Length(text, i);
        if (!(U_GET_GC_MASK(static_cast<UChar32>(codePointAt(text, i))) & U_GC_M_MASK))
            out.append(text.substr(i, length));
        i += length;
    }
    return out;
}

bool isWhiteSpace(char32_t c)
{
    return u_isUWhiteSpace(static_cast<UChar32>(c));
}

bool isNumeric(char32_t c)
{
    return U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_N_MASK;
}

bool isPunctuation(char32_t c)
{
    if (c < 0x80)
        return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
    return U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_P_MASK;
}

bool isWordCharacter(char32_t c)
{
    const auto code = static_cast<UChar32>(c);
    return u_isUAlphabetic(code) || (U_GET_GC_MASK(code) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK))
        || u_hasBinaryProperty(code, UCHAR_JOIN_CONTROL);
}

} // namespace expertscope
