// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What every fuzz target demands of a parser of foreign bytes: a value or an Error that helps, nothing else.
#pragma once

#include "engine/core/error.h"
#include "engine/core/utf8.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace expertscope {

/// Ends the program, which is how a fuzz target reports that something does not hold.
inline void require(bool holds)
{
    if (!holds)
        std::abort();
}

/// Runs `parse`. An Error is a good answer if it can be shown to a person; any other exception ends the program.
template<typename Parse>
void parseOrExplain(Parse &&parse)
{
    try {
        parse();
    } catch (const Error &error) {
        require(!error.message.empty() && !error.remedy.empty());
        require(!firstInvalidUtf8(error.what()));
    }
}

inline std::string_view text(const std::uint8_t *data, std::size_t size)
{
    return {reinterpret_cast<const char *>(data), size};
}

} // namespace expertscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
