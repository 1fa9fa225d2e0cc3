// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How HDF5 files are written: a file driver that remembers a failed write instead of reporting it to the library.
// libhdf5 cannot close a file after a failed write: it leaks the file and crashes when the next one is opened. Here it always
// closes in peace, and the wrappers of hdf5_lib.h report the remembered failure.
#pragma once

#include <atomic>
#include <hdf5.h>

namespace expertscope::h5 {

/// A file access property list that uses the driver. `writeError` gets the errno of the first failed write and must outlive the file.
/// Enter with the lane held; a negative result is an error of the library.
hid_t makeOutputAccess(std::atomic<int> *writeError);

} // namespace expertscope::h5
