// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Number types of the device and sums over a warp or a block. Sums run in a fixed order: the same numbers give the same bits.
#pragma once

#include <cstdint>
#include <cuda_bf16.h>
#include <cuda_runtime.h>

namespace expertscope::cuda {

using Bf16 = __nv_bfloat16;

constexpr unsigned wholeWarp = 0xffffffffu;

__device__ inline float toFloat(float value)
{
    return value;
}
__device__ inline float toFloat(Bf16 value)
{
    return __bfloat162float(value);
}
/// Two neighbouring bf16 numbers as one register holds them, the first in the lower half.
__device__ inline float2 unpackBf16(std::uint32_t two)
{
    return make_float2(__uint_as_float(two << 16), __uint_as_float(two & 0xffff0000u));
}
__device__ inline std::uint32_t packBf16(float first, float second)
{
    const Bf16 both[2] = {__float2bfloat16_rn(first), __float2bfloat16_rn(second)};
    std::uint32_t two;
    memcpy(&two, both, sizeof two);
    return two;
}

/// The sum over the lanes of a warp, in all of them.
__device__ inline float warpSum(float value)
{
    for (int bits = 16; bits > 0; bits /= 2)
        value += __shfl_xor_sync(wholeWarp, value, bits);
    return value;
}
__device__ inline float warpMax(float value)
{
    for (int bits = 16; bits > 0; bits /= 2)
        value = fmaxf(value, __shfl_xor_sync(wholeWarp, value, bits));
    return value;
}

/// A step of warpSums: each lane gives half of its numbers away and adds the other lane's to the rest.
template<int half, int count>
__device__ inline void halveSums(float (&values)[count])
{
    constexpr int bits = 32 * half / count;
    const bool upper = (threadIdx.x & bits) != 0;
#pragma unroll
    for (int i = 0; i < half; ++i) {
        const float given = upper ? values[i] : values[i + half];
        const float kept = upper ? values[i + half] : values[i];
        values[i] = kept + __shfl_xor_sync(wholeWarp, given, bits);
    }
    if constexpr (half > 1)
        halveSums<half / 2>(values);
}

/// Many sums at once: afterwards values[0] of lane l is the sum of values[l / (32 / count)] over the lanes of the warp.
/// count: a power of 2, at most 32. About as many shuffles as numbers, where a warpSum() each would take five times as many.
template<int count>
__device__ inline void warpSums(float (&values)[count])
{
    if constexpr (count > 1)
        halveSums<count / 2>(values);
#pragma unroll
    for (int bits = 16 / count; bits > 0; bits /= 2)
        values[0] += __shfl_xor_sync(wholeWarp, values[0], bits);
}

/// The sum over all threads of a block of `threads` (a multiple of 32), in all of them. Called by all; `partial`: shared memory.
template<int threads>
__device__ float blockSum(float value, float (&partial)[threads / 32])
{
    value = warpSum(value);
    if constexpr (threads == 32)
        return value;
    __syncthreads(); // an earlier sum may still be read
    if (threadIdx.x % 32 == 0)
        partial[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = 0;
    for (int w = 0; w < threads / 32; ++w)
        sum += partial[w];
    return sum;
}

} // namespace expertscope::cuda
