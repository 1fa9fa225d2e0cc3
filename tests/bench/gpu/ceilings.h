// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the GPU can do at most, measured in the same run as what is compared with it: bf16 products by cuBLAS and a copy in its memory.
#pragma once

#include <cstdint>

namespace expertscope {

struct Ceilings {
    double matrixFlops = 0; ///< FLOP/s of a bf16 product with f32 sums, size x size x size, random numbers; 0 = not measured
    double bandwidth = 0; ///< bytes/s of a copy from device memory to device memory, read and written bytes counted
};

/// Medians of some runs after a warm-up. Throws std::runtime_error where the device refuses.
Ceilings measureCeilings(std::int64_t matrixSize, std::int64_t copyBytes);

} // namespace expertscope
