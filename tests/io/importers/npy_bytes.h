// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// NumPy and zip files made in memory, sound and damaged ones.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace expertscope::test {

inline std::string bytesOf(std::uint64_t number, int count)
{
    std::string bytes;
    for (int i = 0; i < count; ++i)
        bytes += static_cast<char>(number >> (8 * i) & 0xffu);
    return bytes;
}

inline std::string npyBytes(std::string_view type, std::string_view shape, std::string_view data)
{
    std::string header = "{'descr': '" + std::string{type} + "', 'fortran_order': False, 'shape': " + std::string{shape} + ", }";
    header += std::string(63 - (10 + header.size()) % 64, ' ') + '\n';
    return std::string{"\x93NUMPY\x01\0", 8} + bytesOf(header.size(), 2) + header + std::string{data};
}

template<typename T>
std::string raw(const std::vector<T> &values)
{
    std::string bytes(values.size() * sizeof(T), '\0');
    if (!values.empty())
        std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}

/// A zip file of stored entries without checksums.
inline std::string zipBytes(const std::vector<std::pair<std::string, std::string>> &entries)
{
    std::string file, directory;
    for (const auto &[name, data] : entries) {
        const std::string common = std::string(4, '\0') + std::string(4, '\0') + bytesOf(0, 4) + bytesOf(data.size(), 4)
            + bytesOf(data.size(), 4) + bytesOf(name.size(), 2) + bytesOf(0, 2);
        directory += "PK\x01\x02" + bytesOf(20, 2) + bytesOf(20, 2) + common + std::string(10, '\0') + bytesOf(file.size(), 4) + name;
        file += "PK\x03\x04" + bytesOf(20, 2) + common + name + data;
    }
    return file + directory + "PK\x05\x06" + bytesOf(0, 4) + bytesOf(entries.size(), 2) + bytesOf(entries.size(), 2)
        + bytesOf(directory.size(), 4) + bytesOf(file.size(), 4) + bytesOf(0, 2);
}

} // namespace expertscope::test
