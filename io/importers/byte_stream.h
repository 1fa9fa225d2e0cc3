// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Bytes that are read from front to back and may be begun again, stored or deflated, so that nothing has to be unpacked into memory.
// All throw Error (Input) on data that is cut short or damaged.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace expertscope {

class ByteStream {
public:
    virtual ~ByteStream() = default;
    virtual void rewind() = 0;
    /// Exactly as many bytes as there is room for.
    virtual void read(std::span<char> to) = 0;
    std::uint64_t sizeBytes() const { return m_sizeBytes; } ///< of all there is to read

protected:
    explicit ByteStream(std::uint64_t sizeBytes)
        : m_sizeBytes{sizeBytes}
    {
    }

private:
    std::uint64_t m_sizeBytes;
};

/// A mapped file: the bytes live as long as someone holds `owner`.
struct MappedBytes {
    std::shared_ptr<void> owner;
    std::string_view bytes;
};
MappedBytes mapFile(const std::filesystem::path &file);

/// Of bytes in memory. `crc` (of zip; 0 = none is known) is compared when the end is reached.
std::unique_ptr<ByteStream> storedStream(MappedBytes bytes, std::uint32_t crc, std::string where);
/// Of deflated bytes (RFC 1951) that unpack to `sizeBytes`.
std::unique_ptr<ByteStream> inflatingStream(MappedBytes deflated, std::uint64_t sizeBytes, std::uint32_t crc, std::string where);

} // namespace expertscope
