// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Instructions that C++ has no words for: bf16 matrix products, matrix loads, asynchronous copies. All lanes of a warp take part.
// Replaced by another of the same name where kernels are emulated (tests/engine/cuda/emulator).
#pragma once

#include "engine/cuda/mma_shuffles.h"

#include <cstdint>
#include <cuda_runtime.h>

namespace expertscope::cuda {

/// d[16, 8] += a[16, 16] b[16, 8] with sums in f32 (mma.m16n8k16). With g = lane / 4, p = lane % 4, lower half first:
/// a[0] = A[g][2p, 2p+1], a[1] = A[g+8][2p..], a[2] = A[g][2p+8..], a[3] = A[g+8][2p+8..]; b[0] = B[2p, 2p+1][g], b[1] = B[2p+8..][g];
/// d[0, 1] = D[g][2p, 2p+1], d[2, 3] = D[g+8][2p, 2p+1].
__device__ __forceinline__ void mmaBf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2])
{
#if __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    mmaByShuffles(d, a, b);
#endif
}

__device__ __forceinline__ unsigned sharedAddress(const void *shared)
{
    return static_cast<unsigned>(__cvta_generic_to_shared(shared));
}

/// Four 8 x 8 matrices of 16-bit numbers: lane 8i + j gives the address of row j of matrix i (16-byte aligned, shared memory);
/// r[i] = matrix i [lane / 4][2 (lane % 4), and the next] (ldmatrix.x4).
__device__ __forceinline__ void loadMatrices(std::uint32_t (&r)[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(sharedAddress(row))
                 : "memory");
}

/// As loadMatrices, transposed: r[i] = matrix i [2 (lane % 4), and the next][lane / 4].
__device__ __forceinline__ void loadMatricesTransposed(std::uint32_t (&r)[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(sharedAddress(row))
                 : "memory");
}

/// Begins to copy 16 bytes from global to shared memory, or zeros where not valid (`global` is not read then). Both 16-byte aligned.
__device__ __forceinline__ void copyAsync16(void *shared, const void *global, bool valid)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(shared)), "l"(global), "r"(valid ? 16 : 0) : "memory");
#else
    *static_cast<uint4 *>(shared) = valid ? *static_cast<const uint4 *>(global) : uint4{0, 0, 0, 0};
#endif
}

/// Makes the calling thread's copies since the last call one group.
__device__ __forceinline__ void commitCopies()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/// Waits until at most this many of the calling thread's last groups are under way; other threads' need __syncthreads() after it.
template<int groupsLeft>
__device__ __forceinline__ void waitForCopies()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(groupsLeft) : "memory");
#endif
}

} // namespace expertscope::cuda
