// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The bf16 matrix instruction in shuffles: for cards that have none (before Ampere), slow but right.
// Register layout of mma.m16n8k16 as in the PTX manual, "Matrix Fragments for mma.m16n8k16 with floating point type".
#pragma once

#include <cstdint>
#include <cuda_runtime.h>

namespace expertscope::cuda {

/// See mmaBf16 in mma.h.
__device__ inline void mmaByShuffles(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2])
{
    const int lane = static_cast<int>(threadIdx.x % 32);
    const int group = lane / 4;
    const int pair = lane % 4;
    float low[4] = {0, 0, 0, 0};
    for (int k = 0; k < 16; ++k) {
        const int half = k / 8; // which register of the pair along k
        const int from = k % 8 / 2; // lane of the quad
        const int shift = k % 2 * 16;
        const auto value = [shift](std::uint32_t two) { return __uint_as_float((two >> shift & 0xffffu) << 16); };
        float rows[2];
        float columns[2];
        for (int i = 0; i < 2; ++i) {
            rows[i] = value(__shfl_sync(0xffffffffu, a[2 * half + i], group * 4 + from));
            columns[i] = value(__shfl_sync(0xffffffffu, b[half], (2 * pair + i) * 4 + from));
        }
        for (int i = 0; i < 4; ++i)
            low[i] += rows[i / 2] * columns[i % 2];
    }
    for (int i = 0; i < 4; ++i)
        d[i] += low[i];
}

} // namespace expertscope::cuda
