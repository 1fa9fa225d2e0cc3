// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Runs a CUDA grid on the processor: every thread of a block is a fiber, woken in an order shuffled by a seed, so that what
// depends on the order shows. Blocks follow one another, shuffled too; shared memory holds NaN bytes when a block begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>

namespace emulator {

struct Index {
    unsigned x = 0, y = 0, z = 0;
};
struct Extent {
    unsigned x = 1, y = 1, z = 1;
    std::size_t count() const { return std::size_t{x} * y * z; }
};

/// A kernel did what a GPU would hang on or leave undefined; what() says which thread did what.
struct Fault : std::logic_error {
    using std::logic_error::logic_error;
};

/// Runs `thread` for each thread of the grid. Throws Fault.
void runGrid(Extent grid, Extent block, std::size_t sharedBytes, const std::function<void()> &thread);

/// Another order of threads and blocks from here on.
void setSeed(std::uint64_t seed);

// What a kernel asks, valid inside runGrid.

/// __syncthreads: waits for all threads of the block; Fault if one has ended or waits elsewhere.
void syncThreads();
constexpr std::size_t exchangeBytes = 24;
/// What the lanes of a warp brought; NaN bytes where the mask has no such lane.
struct Brought {
    std::byte at[32][exchangeBytes];
};
/// Waits for the lanes of `mask` to come to the same `operation`; what they brought is there until the calling thread's next exchange.
const Brought &exchange(unsigned mask, const char *operation, const void *mine, std::size_t bytes);
unsigned lane();
/// Ends the grid with a Fault that names the calling thread.
[[noreturn]] void fail(const char *what);
std::byte *dynamicShared(); ///< 16-byte aligned
/// cp.async of the calling thread: bytes reach `to` only when it waits for them; before that `to` holds NaN bytes.
void copyLater(void *to, const void *from, std::size_t bytes, std::size_t zeroBytes);
void commitCopies();
void waitForCopies(std::size_t groupsLeft);

} // namespace emulator

// Where a kernel's thread is, under CUDA's names.
extern emulator::Index threadIdx, blockIdx;
extern emulator::Extent blockDim, gridDim;
