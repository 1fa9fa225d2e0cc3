// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/core/npz.h"

#include "engine/core/error.h"

#include <zlib.h>

#include <fstream>
#include <iterator>

namespace expertscope::test {

namespace {

[[noreturn]] void bad(const std::string &file, const std::string &what)
{
    throw Error{ErrorKind::Input, what, file, "Get the file again"};
}

std::uint32_t number(const std::string &bytes, std::size_t at, std::size_t size)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
        value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes.at(at + i))) << (8 * i);
    return value;
}

std::string inflated(const std::string &file, std::string from, std::size_t size)
{
    std::string to(size, '\0');
    z_stream stream{};
    stream.next_in = reinterpret_cast<Bytef *>(from.data());
    stream.avail_in = static_cast<uInt>(from.size());
    stream.next_out = reinterpret_cast<Bytef *>(to.data());
    stream.avail_out = static_cast<uInt>(to.size());
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        bad(file, "zlib does not start");
    const int status = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    if (status != Z_STREAM_END)
        bad(file, "a member cannot be inflated");
    return to;
}

} // namespace

Npz::Npz(const std::filesystem::path &file)
    : m_name{file.string()}
{
    std::ifstream in{file, std::ios::binary};
    const std::string zip{std::istreambuf_iterator<char>{in}, {}};
    const std::size_t end = zip.rfind("PK\5\6");
    if (end == std::string::npos)
        bad(m_name, "not a zip archive");
    std::size_t at = number(zip, end + 16, 4);
    for (std::uint32_t left = number(zip, end + 10, 2); left > 0; --left) {
        const std::uint32_t method = number(zip, at + 10, 2), packed = number(zip, at + 20, 4), size = number(zip, at + 24, 4);
        const std::uint32_t nameSize = number(zip, at + 28, 2), local = number(zip, at + 42, 4);
        const std::size_t begin = local + 30 + number(zip, local + 26, 2) + number(zip, local + 28, 2);
        std::string bytes = zip.substr(begin, packed);
        m_members[zip.substr(at + 46, nameSize)] = method == 0 ? bytes : inflated(m_name, std::move(bytes), size);
        at += 46 + nameSize + number(zip, at + 30, 2) + number(zip, at + 32, 2);
    }
}

std::string Npz::data(const std::string &member, const std::string &dtype) const
{
    const auto found = m_members.find(member);
    if (found == m_members.end())
        bad(m_name, "no " + member);
    const std::string &npy = found->second;
    const std::size_t begin = 10 + number(npy, 8, 2);
    const std::string header = npy.substr(0, begin);
    if (npy.compare(1, 5, "NUMPY") != 0 || npy.at(6) != 1 || header.find("'descr': '" + dtype + "'") == std::string::npos
        || header.find("'fortran_order': False") == std::string::npos)
        bad(m_name, member + " is not a C-ordered array of " + dtype);
    return npy.substr(begin);
}

} // namespace expertscope::test
