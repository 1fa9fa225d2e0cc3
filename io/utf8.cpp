// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/utf8.h"

#include <cstdint>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace expertscope {
namespace {

/// The code point at `i`, which moves past it; negative if it is ill-formed.
UChar32 next(std::string_view bytes, std::size_t &i)
{
    // The macro wants a 32-bit index; a code point needs four bytes of look-ahead.
    const std::string_view window = bytes.substr(i, 4);
    const auto length = static_cast<std::int32_t>(window.size());
    std::int32_t step = 0;
    UChar32 c = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion" // inside the macro
    U8_NEXT(window.data(), step, length, c);
#pragma GCC diagnostic pop
    i += static_cast<std::size_t>(step);
    return c;
}

} // namespace

std::string shown(std::string_view foreign)
{
    constexpr std::size_t longest = 80;
    std::string out = "\"";
    for (std::size_t i = 0; i < foreign.size();) {
        if (i >= longest)
            return out + "…\"";
        const std::size_t start = i;
        const UChar32 c = next(foreign, i);
        out += c < 0 || u_iscntrl(c) ? std::string_view{"\uFFFD"} : foreign.substr(start, i - start);
    }
    return out + '"';
}

} // namespace expertscope
