// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What tests ask of the emulated GPU, beside what CUDA has.
#pragma once

#include "fibers.h"

#include <string>

namespace emulator {

/// Device memory in all, from here on; more gives cudaErrorMemoryAllocation.
void setMemoryBytes(std::size_t bytes);
std::size_t usedBytes();
/// Of the host, that can be pinned, from here on.
void setPinnableBytes(std::size_t bytes);
/// Work on streams waits as long as it may; copies of pinned memory to the device do not, from here on, but run as soon as they may.
void hurryUploads(bool hurry);

/// From here on there is no room for graphs that can be launched, or there is again.
void refuseGraphs(bool refuse);

struct Counts {
    std::uint64_t waits = 0; ///< of the host for a stream, an event or a copy
    std::uint64_t launches = 0; ///< of kernels and copies by the host; a graph is one
    std::uint64_t graphLaunches = 0;
};
Counts counts();

/// What was done during a capture that CUDA forbids there, since the last call; empty = nothing. Such a capture is invalid.
std::string captureFaults();

} // namespace emulator
