// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/exporters/array_file.h"

#include <nlohmann/json.hpp>
#include <zlib.h>

#include <bit>
#include <cstdint>

namespace expertscope {

namespace {

void appendNumber(std::string &to, std::uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; ++i)
        to += static_cast<char>(value >> (8 * i) & 0xff);
}

void appendValues(std::string &to, const std::vector<float> &values)
{
    for (float value : values)
        appendNumber(to, std::bit_cast<std::uint32_t>(value), 4);
}

std::string npyBytes(const std::vector<float> &values)
{
    constexpr std::size_t prefix = 10; // magic, version, length
    constexpr std::size_t alignment = 64;
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(values.size()) + ",), }";
    header.append(alignment - (prefix + header.size() + 1) % alignment, ' ');
    header += '\n';
    std::string out = "\x93NUMPY\x01";
    out += '\0';
    appendNumber(out, header.size(), 2);
    out += header;
    appendValues(out, values);
    return out;
}

/// What the local header and the directory say alike of a stored member: version 2.0, no flags, 1 January 1980, its sum and sizes.
void appendMember(std::string &to, const std::string &name, std::uint64_t crc, std::size_t bytes)
{
    constexpr unsigned version = 20, firstDay = 0x21;
    appendNumber(to, version, 2);
    appendNumber(to, 0, 6); // flags, method, time
    appendNumber(to, firstDay, 2);
    appendNumber(to, crc, 4);
    appendNumber(to, bytes, 4);
    appendNumber(to, bytes, 4);
    appendNumber(to, name.size(), 2);
    appendNumber(to, 0, 2); // no extra field
}

} // namespace

std::string npzBytes(std::span<const NamedArray> arrays)
{
    std::string out;
    std::string directory;
    for (const NamedArray &array : arrays) {
        const std::string name = array.name + ".npy";
        const std::string data = npyBytes(array.values);
        const auto crc = crc32(0, reinterpret_cast<const Bytef *>(data.data()), static_cast<uInt>(data.size()));
        const std::size_t at = out.size();
        out += "PK\x03\x04";
        appendMember(out, name, crc, data.size());
        out += name + data;
        directory += "PK\x01\x02";
        appendNumber(directory, 20, 2); // made by: the same version
        appendMember(directory, name, crc, data.size());
        appendNumber(directory, 0, 10); // no comment, first disk, no attributes
        appendNumber(directory, at, 4);
        directory += name;
    }
    const std::size_t at = out.size();
    out += directory + "PK\x05\x06";
    appendNumber(out, 0, 4); // the only disk
    appendNumber(out, arrays.size(), 2);
    appendNumber(out, arrays.size(), 2);
    appendNumber(out, directory.size(), 4);
    appendNumber(out, at, 4);
    appendNumber(out, 0, 2); // no comment
    return out;
}

std::string safetensorsBytes(std::span<const NamedArray> arrays, const std::map<std::string, std::string> &metadata)
{
    nlohmann::ordered_json header;
    header["__metadata__"] = metadata;
    std::string data;
    for (const NamedArray &array : arrays) {
        const std::size_t begin = data.size();
        appendValues(data, array.values);
        header[array.name] = {{"dtype", "F32"}, {"shape", {array.values.size()}}, {"data_offsets", {begin, data.size()}}};
    }
    std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    text.append((8 - text.size() % 8) % 8, ' '); // so that the numbers lie on a multiple of their size
    std::string out;
    appendNumber(out, text.size(), 8);
    return out + text + data;
}

} // namespace expertscope
