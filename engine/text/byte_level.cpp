// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/text/byte_level.h"

#include "engine/text/unicode.h"

#include <array>

namespace expertscope::text {

namespace {

/// Printable Latin-1 bytes stand for themselves, the other 68 for U+0100 and up, in byte order.
std::array<char32_t, 256> alphabet()
{
    std::array<char32_t, 256> characters{};
    char32_t next = 256;
    for (char32_t byte = 0; byte < 256; ++byte) {
        const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        characters[byte] = printable ? byte : next++;
    }
    return characters;
}

const std::array<char32_t, 256> characterOf = alphabet();

/// Byte of each character below U+0180; -1 where it is not of the alphabet.
std::array<int, 384> inverse()
{
    std::array<int, 384> bytes{};
    bytes.fill(-1);
    for (std::size_t byte = 0; byte < 256; ++byte)
        bytes[alphabet()[byte]] = static_cast<int>(byte);
    return bytes;
}

const std::array<int, 384> byteOf = inverse();

} // namespace

std::string toByteLevel(std::string_view bytes)
{
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char byte : bytes)
        appendUtf8(out, characterOf[static_cast<unsigned char>(byte)]);
    return out;
}

std::string fromByteLevel(std::string_view token)
{
    std::string out;
    for (std::size_t i = 0; i < token.size(); i += utf8Length(token, i)) {
        const char32_t c = codePointAt(token, i);
        if (c >= byteOf.size() || byteOf[c] < 0)
            return std::string{token};
        out += static_cast<char>(byteOf[c]);
    }
    return out;
}

} // namespace expertscope::text
