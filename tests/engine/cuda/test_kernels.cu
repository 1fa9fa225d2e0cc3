// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "test_kernels.h"

#include "engine/cuda/mma.h"
#include "engine/cuda/shared_memory.h"

using namespace expertscope::cuda;

__global__ void sumOfBlock(const float *in, float *out)
{
    __shared__ float values[64];
    values[threadIdx.x] = in[threadIdx.x];
    __syncthreads();
    float sum = 0;
    for (float value : values)
        sum += value;
    out[threadIdx.x] = sum;
}

__global__ void sumWithoutBarrier(const float *in, float *out)
{
    __shared__ float values[64];
    values[threadIdx.x] = in[threadIdx.x];
    float sum = 0;
    for (float value : values)
        sum += value;
    out[threadIdx.x] = sum;
}

__global__ void copyAllButLast(const float *in, float *out, int count)
{
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < count - 1)
        out[i] = in[i];
}

__global__ void sumOfHalfWarpWithWholeMask(const float *in, float *out)
{
    float value = in[threadIdx.x];
    if (threadIdx.x < 16)
        for (int bits = 8; bits > 0; bits /= 2)
            value += __shfl_xor_sync(0xffffffffu, value, bits);
    out[threadIdx.x] = value;
}

__global__ void sumOfOthers(const float *in, float *out)
{
    out[threadIdx.x] = __shfl_sync(0xfffffffeu, in[threadIdx.x], 1);
}

__global__ void barrierInBranch(float *out)
{
    if (threadIdx.x < 16)
        __syncthreads();
    out[threadIdx.x] = 1;
}

__global__ void copyWithoutWaiting(const float *in, float *out)
{
    auto *const values = sharedMemory<float>();
    copyAsync16(values + 4 * threadIdx.x, in + 4 * threadIdx.x, true);
    commitCopies();
    __syncthreads();
    out[threadIdx.x] = values[threadIdx.x];
}

__global__ void copyAndWait(const float *in, float *out)
{
    auto *const values = sharedMemory<float>();
    copyAsync16(values + 4 * threadIdx.x, in + 4 * threadIdx.x, threadIdx.x != 0);
    commitCopies();
    waitForCopies<0>();
    __syncthreads();
    out[threadIdx.x] = values[threadIdx.x];
}

__global__ void multiplyTiles(const unsigned *a, const unsigned *b, float *direct, float *shuffled)
{
    const unsigned lane = threadIdx.x;
    const unsigned row = lane / 4;
    const unsigned pair = lane % 4; // a [16, 16] in pairs: 8 to a row; b the same as [8 columns, 16]
    const std::uint32_t left[4] = {a[row * 8 + pair], a[(row + 8) * 8 + pair], a[row * 8 + pair + 4], a[(row + 8) * 8 + pair + 4]};
    const std::uint32_t right[2] = {b[row * 8 + pair], b[row * 8 + pair + 4]};
    float sums[2][4] = {};
    mmaBf16(sums[0], left, right);
    mmaByShuffles(sums[1], left, right);
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned to = (row + i / 2 * 8) * 8 + 2 * pair + i % 2; // d [16, 8]
        direct[to] = sums[0][i];
        shuffled[to] = sums[1][i];
    }
}

__global__ void readMatrices(const unsigned *from, unsigned *straight, unsigned *transposed)
{
    auto *const rows = sharedMemory<std::uint32_t>();
    for (unsigned i = threadIdx.x; i < 128; i += 32)
        rows[i] = from[i];
    __syncwarp();
    std::uint32_t r[4];
    loadMatrices(r, rows + 4 * threadIdx.x);
    for (unsigned i = 0; i < 4; ++i)
        straight[i * 32 + threadIdx.x] = r[i];
    loadMatricesTransposed(r, rows + 4 * threadIdx.x);
    for (unsigned i = 0; i < 4; ++i)
        transposed[i * 32 + threadIdx.x] = r[i];
}
