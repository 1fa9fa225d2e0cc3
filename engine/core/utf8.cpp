// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/utf8.h"

#include <cstdint>
#include <unicode/utf8.h>

namespace expertscope {

namespace {

/// Moves `i` past the next code point or ill-formed subsequence; false for the latter.
bool next(std::string_view bytes, std::int64_t &i)
{
    const auto *data = reinterpret_cast<const std::uint8_t *>(bytes.data());
    const auto size = static_cast<std::int64_t>(bytes.size());
    UChar32 c = 0;
    U8_NEXT(data, i, size, c);
    return c >= 0;
}

} // namespace

std::optional<std::size_t> firstInvalidUtf8(std::string_view bytes)
{
    for (std::int64_t i = 0; i < std::ssize(bytes);) {
        const std::int64_t start = i;
        if (!next(bytes, i))
            return static_cast<std::size_t>(start);
    }
    return std::nullopt;
}

std::string wellFormedUtf8(std::string_view bytes)
{
    std::string out;
    out.reserve(bytes.size());
    for (std::int64_t i = 0; i < std::ssize(bytes);) {
        const std::int64_t start = i;
        out += next(bytes, i) ? bytes.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(i - start)) : "\uFFFD";
    }
    return out;
}

} // namespace expertscope
