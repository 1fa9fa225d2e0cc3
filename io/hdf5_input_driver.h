// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How foreign HDF5 files are read: a file driver that looks at the tables of variable-length text before the library does.
// libhdf5 checks checksums of all its other tables, but follows a damaged text table out of its memory.
#pragma once

#include <cstddef>
#include <hdf5.h>
#include <span>

namespace expertscope::h5 {

/// A file access property list that uses the driver. Enter with the lane held; a negative result is an error of the library.
hid_t makeInputAccess();

/// False if `bytes` begin with a text table ("global heap collection") whose entries do not fill it exactly, each index once. Entries
/// that were deleted leave gaps among the indices: they are filled with empty ones, so that no index below the largest is missing.
bool mendTextTable(std::span<std::byte> bytes);

} // namespace expertscope::h5
