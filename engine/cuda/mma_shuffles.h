// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The bf16 matrix instruction in shuffles: for cards that have none (before Ampere), slow but right.
// Register layout of mma.m16n8k16 as in the PTX manual, "Matrix Fragments for mma.m16n8k16 with floating point type".
#pragma once

#include <cstdint>
#include <cuda_runtime.h>

namespace expertscope::cuda {

/// A function of its own, its numbers in registers: copied into every place that multiplies, it would take minutes to compile.
__device__ [[gnu::noinline]] inline float4 sumByShuffles(uint4 a, uint2 b)
{
    const int lane = static_cast<int>(threadIdx.x % 32);
    const int group = lane / 4;
    const int pair = lane % 4;
    const std::uint32_t left[4] = {a.x, a.y, a.z, a.w};
    const std::uint32_t right[2] = {b.x, b.y};
    float low[4] = {0, 0, 0, 0};
#pragma unroll
    for (int k = 0; k < 16; ++k) {
        const int half = k / 8; // which register of the pair along k
        const int from = k % 8 / 2; // lane of the quad
        const int shift = k % 2 * 16;
        const auto value = [shift](std::uint32_t two) { return __uint_as_float((two >> shift & 0xffffu) << 16); };
        float rows[2];
        float columns[2];
        for (int i = 0; i < 2; ++i) {
            rows[i] = value(__shfl_sync(0xffffffffu, left[2 * half + i], group * 4 + from));
            columns[i] = value(__shfl_sync(0xffffffffu, right[half], (2 * pair + i) * 4 + from));
        }
        for (int i = 0; i < 4; ++i)
            low[i] += rows[i / 2] * columns[i % 2];
    }
    return make_float4(low[0], low[1], low[2], low[3]);
}

/// See mmaBf16 in mma.h.
__device__ inline void mmaByShuffles(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2])
{
    const float4 sum = sumByShuffles(make_uint4(a[0], a[1], a[2], a[3]), make_uint2(b[0], b[1]));
    d[0] += sum.x;
    d[1] += sum.y;
    d[2] += sum.z;
    d[3] += sum.w;
}

} // namespace expertscope::cuda
