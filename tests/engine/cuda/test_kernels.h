// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Small right and wrong kernels, for the emulator's own tests.
#pragma once

#include <cuda_runtime.h>

__global__ void sumOfBlock(const float *in, float *out); ///< right; 64 threads
__global__ void sumWithoutBarrier(const float *in, float *out); ///< wrong: reads what other threads may not have written
__global__ void copyAllButLast(const float *in, float *out, int count); ///< wrong: leaves the last element as it was
__global__ void sumOfHalfWarpWithWholeMask(const float *in, float *out); ///< wrong: the mask names lanes that do not come
__global__ void sumOfOthers(const float *in, float *out); ///< wrong: the mask leaves the caller out
__global__ void barrierInBranch(float *out); ///< wrong: half of the block is not at the barrier
__global__ void copyWithoutWaiting(const float *in, float *out); ///< wrong: cp.async is not waited for; 32 threads
__global__ void copyAndWait(const float *in, float *out); ///< right
__global__ void multiplyTiles(const unsigned *a, const unsigned *b, float *direct, float *shuffled); ///< mma of a warp, both ways
__global__ void readMatrices(const unsigned *from, unsigned *straight, unsigned *transposed); ///< ldmatrix of [32, 8] 16-bit numbers
