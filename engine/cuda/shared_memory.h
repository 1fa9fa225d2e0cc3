// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// sharedMemory<T>(): the shared memory that a launch asked for, 16-byte aligned.
// Replaced by another of the same name where kernels are emulated (tests/engine/cuda/emulator).
#pragma once

#include <cuda_runtime.h>

namespace expertscope::cuda {

template<class T>
__device__ __forceinline__ T *sharedMemory()
{
    extern __shared__ __align__(16) unsigned char memoryOfTheLaunch[];
    return reinterpret_cast<T *>(memoryOfTheLaunch);
}

} // namespace expertscope::cuda
