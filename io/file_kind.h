// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a file is by its first bytes, and what opens it: for a person who gave it in the wrong place.
#pragma once

#include <filesystem>
#include <string_view>

namespace expertscope {

struct FileKind {
    std::string_view what; ///< "an HDF5 file"; empty if the first bytes say nothing, as those of any text
    std::string_view remedy; ///< what to do with such a file, without a full stop
};

inline constexpr std::string_view hdf5Kind = "an HDF5 file";

FileKind fileKind(std::string_view firstBytes);
inline constexpr std::size_t fileKindBytes = 16; ///< that it looks at
/// The same of a file; nothing is said of one that cannot be read, of a folder or a pipe.
FileKind fileKind(const std::filesystem::path &file);

} // namespace expertscope
