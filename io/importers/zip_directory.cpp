// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/importers/zip_directory.h"

#include "engine/core/error.h"
#include "io/utf8.h"

#include <algorithm>
#include <unordered_set>

namespace expertscope {

namespace {

constexpr std::uint64_t endBytes = 22, locatorBytes = 20, end64Bytes = 56, entryBytes = 46, localBytes = 30;
constexpr std::uint64_t longestComment = 65535;
constexpr std::uint32_t all32 = 0xffffffff;

class Reader {
public:
    Reader(std::string_view file, const std::string &where)
        : m_file{file}
        , m_where{where}
    {
    }

    std::uint64_t number(std::uint64_t at, unsigned bytes) const
    {
        const std::string_view from = part(at, bytes);
        std::uint64_t value = 0;
        for (unsigned i = bytes; i-- > 0;)
            value = value << 8 | static_cast<unsigned char>(from[i]);
        return value;
    }
    std::uint32_t word(std::uint64_t at) const { return static_cast<std::uint32_t>(number(at, 4)); }
    std::uint16_t half(std::uint64_t at) const { return static_cast<std::uint16_t>(number(at, 2)); }
    std::string_view part(std::uint64_t at, std::uint64_t bytes) const
    {
        if (at > m_file.size() || bytes > m_file.size() - at)
            bad("points outside the file");
        return m_file.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(bytes));
    }
    [[noreturn]] void bad(const std::string &what) const
    {
        throw Error{ErrorKind::Input, "the zip directory " + what, m_where, "The file is damaged or was cut short: copy it again"};
    }

private:
    std::string_view m_file;
    const std::string &m_where;
};

struct Directory {
    std::uint64_t entries = 0, at = 0;
};

Directory findDirectory(std::string_view file, const Reader &reader)
{
    if (file.size() < endBytes)
        reader.bad("is missing");
    const std::size_t from = file.size() - std::min<std::uint64_t>(file.size(), endBytes + longestComment);
    const std::size_t end = file.rfind("PK\x05\x06");
    if (end == std::string_view::npos || end < from || file.size() - end < endBytes)
        reader.bad("is missing");
    const bool isSplit = reader.half(end + 4) != 0 || reader.half(end + 6) != 0;
    if (isSplit)
        reader.bad("belongs to a file in several parts");
    Directory directory{reader.half(end + 10), reader.word(end + 16)};
    const bool isLarge = directory.entries == 0xffff || directory.at == all32;
    if (isLarge && end >= locatorBytes && file.substr(end - locatorBytes, 4) == "PK\x06\x07") {
        const std::uint64_t end64 = reader.number(end - locatorBytes + 8, 8);
        if (reader.part(end64, end64Bytes).substr(0, 4) != "PK\x06\x06")
            reader.bad("is missing its zip64 part");
        directory = {reader.number(end64 + 32, 8), reader.number(end64 + 48, 8)};
    }
    if (directory.entries > file.size() / entryBytes)
        reader.bad("says it has more entries than the file could hold");
    return directory;
}

/// Sizes and place of an entry, those that do not fit 32 bits from its zip64 field.
struct Extent {
    std::uint64_t sizeBytes, storedBytes, localAt;
};

Extent extentOf(const Reader &reader, std::uint64_t at, std::uint64_t extraAt, std::uint64_t extraBytes)
{
    Extent extent{reader.word(at + 24), reader.word(at + 20), reader.word(at + 42)};
    for (std::uint64_t field = extraAt; field + 4 <= extraAt + extraBytes;) {
        const std::uint64_t size = reader.half(field + 2), fieldEnd = field + 4 + size;
        if (fieldEnd > extraAt + extraBytes)
            reader.bad("has a broken extra field");
        if (reader.half(field) == 1) {
            std::uint64_t next = field + 4;
            for (std::uint64_t *value : {&extent.sizeBytes, &extent.storedBytes, &extent.localAt}) {
                if (*value != all32)
                    continue;
                if (next + 8 > fieldEnd)
                    reader.bad("has a broken zip64 field");
                *value = reader.number(next, 8);
                next += 8;
            }
        }
        field = fieldEnd;
    }
    return extent;
}

} // namespace

std::vector<ZipEntry> zipEntries(std::string_view file, const std::string &where)
{
    const Reader reader{file, where};
    const Directory directory = findDirectory(file, reader);
    std::vector<ZipEntry> entries;
    std::unordered_set<std::string> names;
    std::uint64_t at = directory.at;
    for (std::uint64_t i = 0; i < directory.entries; ++i) {
        if (reader.part(at, entryBytes).substr(0, 4) != "PK\x01\x02")
            reader.bad("has an entry that is none");
        const std::uint64_t nameBytes = reader.half(at + 28), extraBytes = reader.half(at + 30), commentBytes = reader.half(at + 32);
        ZipEntry entry;
        entry.name = reader.part(at + entryBytes, nameBytes);
        const std::uint16_t flags = reader.half(at + 8), method = reader.half(at + 10);
        if (flags & 1u)
            reader.bad("has an encrypted entry, " + shown(entry.name));
        if (method != 0 && method != 8)
            reader.bad("has an entry of an unknown compression, " + shown(entry.name));
        if (!names.insert(entry.name).second)
            reader.bad("has two entries called " + shown(entry.name));
        reader.part(at + entryBytes + nameBytes, extraBytes);
        const Extent extent = extentOf(reader, at, at + entryBytes + nameBytes, extraBytes);
        if (reader.part(extent.localAt, localBytes).substr(0, 4) != "PK\x03\x04")
            reader.bad("leads to no entry for " + shown(entry.name));
        const std::uint64_t dataAt = extent.localAt + localBytes + reader.half(extent.localAt + 26) + reader.half(extent.localAt + 28);
        entry.isDeflated = method == 8;
        entry.crc = reader.word(at + 16);
        entry.sizeBytes = extent.sizeBytes;
        entry.bytes = reader.part(dataAt, extent.storedBytes);
        if (!entry.isDeflated && extent.sizeBytes != extent.storedBytes)
            reader.bad("gives two sizes for " + shown(entry.name));
        entries.push_back(std::move(entry));
        at += entryBytes + nameBytes + extraBytes + commentBytes;
    }
    return entries;
}

std::unique_ptr<ByteStream> openZipEntry(const MappedBytes &file, const ZipEntry &entry, const std::string &where)
{
    const MappedBytes bytes{file.owner, entry.bytes};
    const std::string place = where + ": " + shown(entry.name);
    return entry.isDeflated ? inflatingStream(bytes, entry.sizeBytes, entry.crc, place) : storedStream(bytes, entry.crc, place);
}

} // namespace expertscope
