// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// launch(): the one way kernels are started; a refused launch becomes an Error.
#pragma once

#include "engine/cuda/check.h"

#include <cstdint>
#include <cuda_runtime.h>
#include <type_traits>
#include <utility>

namespace expertscope::cuda {

/// Blocks of `each` items that cover `count`.
inline unsigned blocksFor(std::int64_t count, std::int64_t each)
{
    return static_cast<unsigned>((count + each - 1) / each);
}

/// Puts kernel(arguments...) on the stream; a grid of no blocks is nothing to do. sharedBytes: dynamic shared memory of a block.
template<class... Parameters>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t sharedBytes, cudaStream_t stream,
    std::type_identity_t<Parameters>... arguments)
{
    constexpr std::size_t withoutAsking = 48 * 1024;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0)
        return;
    if (sharedBytes > withoutAsking)
        ES_CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(sharedBytes)));
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = sharedBytes;
    config.stream = stream;
    ES_CUDA(cudaLaunchKernelEx(&config, kernel, std::move(arguments)...));
}

} // namespace expertscope::cuda
