// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the lanes of a warp do together beside the f32 sums of numbers.h. Every lane of the warp calls, and every lane gets the result.
#pragma once

#include "engine/cuda/numbers.h"

namespace expertscope::cuda {

__device__ inline int laneNumber()
{
    return static_cast<int>(threadIdx.x % 32);
}

__device__ inline double warpSum(double value)
{
    for (int bits = 16; bits > 0; bits /= 2)
        value += __shfl_xor_sync(wholeWarp, value, bits);
    return value;
}
__device__ inline int warpSum(int value)
{
    for (int bits = 16; bits > 0; bits /= 2)
        value += __shfl_xor_sync(wholeWarp, value, bits);
    return value;
}
template<class T>
__device__ T warpMin(T value)
{
    for (int bits = 16; bits > 0; bits /= 2)
        value = min(value, __shfl_xor_sync(wholeWarp, value, bits));
    return value;
}

/// The sum of the values of the lanes before this one.
__device__ inline int warpSumBefore(int value)
{
    int sum = value;
    for (unsigned by = 1; by < 32; by *= 2) {
        const int before = __shfl_up_sync(wholeWarp, sum, by);
        if (threadIdx.x % 32 >= by)
            sum += before;
    }
    return sum - value;
}

/// chosen[k] = the places of the k largest of values[n], descending, lower place first among equals; k <= n <= 1024.
/// Returns which are taken: bit i of a lane stands for place 32 i + lane. Whatever is not a number is taken somewhere, once.
__device__ inline unsigned warpTopK(const float *values, int n, int k, std::int32_t *chosen)
{
    const int lane = laneNumber();
    unsigned taken = 0;
    for (int i = 0; i < k; ++i) {
        float best = 0;
        int at = n; // none yet
        for (int place = lane; place < n; place += 32)
            if ((taken >> (place / 32) & 1) == 0 && (at == n || values[place] > best)) {
                best = values[place];
                at = place;
            }
        for (int bits = 16; bits > 0; bits /= 2) {
            const float other = __shfl_xor_sync(wholeWarp, best, bits);
            const int otherAt = __shfl_xor_sync(wholeWarp, at, bits);
            if (otherAt < n && (at == n || other > best || (other == best && otherAt < at))) {
                best = other;
                at = otherAt;
            }
        }
        at = __shfl_sync(wholeWarp, at, 0); // lanes may differ where a value is not a number
        if (at % 32 == lane)
            taken |= 1u << (at / 32);
        if (lane == 0)
            chosen[i] = at;
    }
    __syncwarp();
    return taken;
}

} // namespace expertscope::cuda
