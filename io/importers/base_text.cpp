// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/importers/base_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace expertscope {

namespace {

std::array<std::int8_t, 256> valuesOf(std::string_view alphabet)
{
    std::array<std::int8_t, 256> values;
    values.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    return values;
}

} // namespace

std::optional<std::string> fromBase64(std::string_view text)
{
    static const auto values = valuesOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    if (text.size() % 4 != 0)
        return {};
    while (!text.empty() && text.size() % 4 != 2 && text.back() == '=')
        text.remove_suffix(1);
    std::string bytes;
    std::uint32_t bits = 0;
    int held = 0;
    for (const char c : text) {
        const int value = values[static_cast<unsigned char>(c)];
        if (value < 0)
            return {};
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes += static_cast<char>(bits >> held & 0xffu);
        }
    }
    return bytes;
}

std::optional<std::string> fromBase85(std::string_view text)
{
    static const auto values = valuesOf("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~");
    std::string bytes;
    for (std::size_t at = 0; at < text.size(); at += 5) {
        const std::size_t count = std::min<std::size_t>(5, text.size() - at);
        if (count == 1)
            return {};
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < 5; ++i) {
            const int value = i < count ? values[static_cast<unsigned char>(text[at + i])] : 84;
            if (value < 0)
                return {};
            word = word * 85 + static_cast<std::uint64_t>(value);
        }
        if (word > 0xffffffffu)
            return {};
        for (std::size_t i = 0; i + 1 < count; ++i)
            bytes += static_cast<char>(word >> (24 - 8 * i) & 0xffu);
    }
    return bytes;
}

} // namespace expertscope
