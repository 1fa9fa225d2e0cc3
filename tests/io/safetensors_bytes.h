// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Safetensors files made in memory, sound and damaged ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace expertscope {

inline std::string littleEndian(std::uint64_t number)
{
    std::string bytes;
    for (int i = 0; i < 8; ++i)
        bytes += static_cast<char>(number >> (8 * i) & 0xffu);
    return bytes;
}

inline std::string safetensorsBytes(std::string_view header, std::string_view data)
{
    return littleEndian(header.size()) + std::string{header} + std::string{data};
}

/// "name":{...} of a header, without the braces around all.
inline std::string entryJson(std::string_view name, std::string_view dtype, std::string_view shape, std::uint64_t begin, std::uint64_t end)
{
    return '"' + std::string{name} + R"(":{"dtype":")" + std::string{dtype} + R"(","shape":)" + std::string{shape} + R"(,"data_offsets":[)"
        + std::to_string(begin) + ',' + std::to_string(end) + "]}";
}

} // namespace expertscope
