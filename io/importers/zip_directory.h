// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The directory of a zip file (.npz, .pt), zip64 too: where each entry's bytes lie. Stored and deflated entries only.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7 to 4.3.16 and 4.5.3.
#pragma once

#include "io/importers/byte_stream.h"

#include <vector>

namespace expertscope {

struct ZipEntry {
    std::string name;
    bool isDeflated = false;
    std::uint32_t crc = 0;
    std::uint64_t sizeBytes = 0; ///< unpacked
    std::string_view bytes; ///< as they lie in the file
};

/// The entries in the order of the directory. Throws Error (Input) naming `where` on anything that is no zip file, encrypted, split, of
/// another compression, outside the file, or named twice.
std::vector<ZipEntry> zipEntries(std::string_view file, const std::string &where);

/// Reads an entry of the mapped file that holds it.
std::unique_ptr<ByteStream> openZipEntry(const MappedBytes &file, const ZipEntry &entry, const std::string &where);

} // namespace expertscope
