// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What CUDA devices there are and whether this build's kernels run on one.
// No CUDA header here, so that the backend's wiring stays plain C++.
#pragma once

#include <string>

namespace expertscope::cuda {

struct Device {
    int index = 0;
    std::string name;
    int major = 0; ///< compute capability
    int minor = 0;
    int multiprocessors = 0;
};

/// The device to use: the first. Runs a kernel on it to see that it works.
/// Throws Error (Device) in words where there is no driver, no device, or one this build has no code for.
Device openDevice();

} // namespace expertscope::cuda
