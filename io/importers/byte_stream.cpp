// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/importers/byte_stream.h"

#include "engine/core/error.h"
#include "io/input_file.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace expertscope {

namespace {

constexpr std::size_t largestStep = 1 << 30; // zlib counts in 32 bits

[[noreturn]] void damaged(const std::string &what, const std::string &where)
{
    throw Error{ErrorKind::Input, what, where, "The file is damaged or was cut short: copy it again from where it came"};
}

class CheckedStream : public ByteStream {
protected:
    CheckedStream(std::uint64_t sizeBytes, std::uint32_t crc, std::string where)
        : ByteStream{sizeBytes}
        , m_where{std::move(where)}
        , m_crc{crc}
    {
    }
    void rewindSum()
    {
        m_at = 0;
        m_sum = crc32(0, nullptr, 0);
    }
    void requireRoom(std::size_t bytes) const
    {
        if (bytes > sizeBytes() - m_at)
            damaged("the data ends too early", m_where);
    }
    void took(std::span<const char> bytes)
    {
        for (std::size_t done = 0; m_crc != 0 && done < bytes.size(); done += largestStep)
            m_sum = crc32(
                m_sum, reinterpret_cast<const Bytef *>(bytes.data() + done), static_cast<uInt>(std::min(largestStep, bytes.size() - done)));
        m_at += bytes.size();
        if (m_crc != 0 && m_at == sizeBytes() && static_cast<std::uint32_t>(m_sum) != m_crc)
            damaged("the checksum of the data is wrong", m_where);
    }
    std::uint64_t at() const { return m_at; }

    std::string m_where;

private:
    std::uint32_t m_crc;
    std::uint64_t m_at = 0;
    uLong m_sum = 0;
};

class StoredStream final : public CheckedStream {
public:
    StoredStream(MappedBytes bytes, std::uint32_t crc, std::string where)
        : CheckedStream{bytes.bytes.size(), crc, std::move(where)}
        , m_bytes{std::move(bytes)}
    {
        rewindSum();
    }
    void rewind() override { rewindSum(); }
    void read(std::span<char> to) override
    {
        requireRoom(to.size());
        std::memcpy(to.data(), m_bytes.bytes.data() + at(), to.size());
        took(to);
    }

private:
    MappedBytes m_bytes;
};

class InflatingStream final : public CheckedStream {
public:
    InflatingStream(MappedBytes deflated, std::uint64_t sizeBytes, std::uint32_t crc, std::string where)
        : CheckedStream{sizeBytes, crc, std::move(where)}
        , m_deflated{std::move(deflated)}
    {
        if (inflateInit2(&m_zlib, -MAX_WBITS) != Z_OK)
            throw Error{ErrorKind::Device, "there is no memory to unpack the file", m_where, "Close other programs"};
        rewind();
    }
    ~InflatingStream() override { inflateEnd(&m_zlib); }
    InflatingStream(const InflatingStream &) = delete;
    InflatingStream &operator=(const InflatingStream &) = delete;

    void rewind() override
    {
        inflateReset(&m_zlib);
        m_zlib.avail_in = 0;
        m_given = 0;
        rewindSum();
    }
    void read(std::span<char> to) override
    {
        requireRoom(to.size());
        std::size_t done = 0;
        while (done < to.size()) {
            if (m_zlib.avail_in == 0) {
                const std::size_t step = std::min(largestStep, m_deflated.bytes.size() - m_given);
                m_zlib.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(m_deflated.bytes.data() + m_given));
                m_zlib.avail_in = static_cast<uInt>(step);
                m_given += step;
            }
            const std::size_t room = std::min(largestStep, to.size() - done);
            m_zlib.next_out = reinterpret_cast<Bytef *>(to.data() + done);
            m_zlib.avail_out = static_cast<uInt>(room);
            const int result = inflate(&m_zlib, Z_NO_FLUSH);
            const std::size_t got = room - m_zlib.avail_out;
            done += got;
            if ((result != Z_OK && result != Z_STREAM_END) || (done < to.size() && (result == Z_STREAM_END || got == 0)))
                damaged("the data cannot be unpacked", m_where);
        }
        took(to);
    }

private:
    MappedBytes m_deflated;
    z_stream m_zlib{};
    std::size_t m_given = 0;
};

} // namespace

MappedBytes mapFile(const std::filesystem::path &file)
{
    const InputFile input{file};
    if (input.sizeBytes() == 0)
        return {nullptr, {}};
    const std::shared_ptr<void> owner = input.map();
    return {owner, {static_cast<const char *>(owner.get()), static_cast<std::size_t>(input.sizeBytes())}};
}

std::unique_ptr<ByteStream> storedStream(MappedBytes bytes, std::uint32_t crc, std::string where)
{
    return std::make_unique<StoredStream>(std::move(bytes), crc, std::move(where));
}

std::unique_ptr<ByteStream> inflatingStream(MappedBytes deflated, std::uint64_t sizeBytes, std::uint32_t crc, std::string where)
{
    return std::make_unique<InflatingStream>(std::move(deflated), sizeBytes, crc, std::move(where));
}

} // namespace expertscope
