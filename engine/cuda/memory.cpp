// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/memory.h"

#include "engine/core/error.h"
#include "engine/cuda/check.h"

#include <algorithm>
#include <limits>

namespace expertscope::cuda {

std::string sizeText(std::uint64_t bytes)
{
    const bool large = bytes >= 1'000'000'000;
    const std::uint64_t tenths = (bytes + (large ? 50'000'000 : 50'000)) / (large ? 100'000'000 : 100'000);
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + (large ? " GB" : " MB");
}

DeviceMemory deviceMemory(int device)
{
    DeviceMemory memory;
    ES_CUDA(cudaMemGetInfo(&memory.free, &memory.total));
    cudaMemPool_t pool = nullptr;
    std::uint64_t reserved = 0;
    std::uint64_t used = 0;
    ES_CUDA(cudaDeviceGetDefaultMemPool(&pool, device));
    ES_CUDA(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved));
    ES_CUDA(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
    memory.free += static_cast<std::size_t>(reserved - std::min(used, reserved));
    return memory;
}

void keepFreedMemory(int device)
{
    cudaMemPool_t pool = nullptr;
    std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
    ES_CUDA(cudaDeviceGetDefaultMemPool(&pool, device));
    ES_CUDA(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all));
}

void *allocateBytes(int device, std::size_t bytes, cudaStream_t stream, const std::string &what)
{
    void *memory = nullptr;
    const cudaError_t status = cudaMallocAsync(&memory, std::max<std::size_t>(bytes, 1), stream);
    if (status == cudaErrorMemoryAllocation) {
        cudaGetLastError(); // else the next call would report it again
        const DeviceMemory now = deviceMemory(device);
        throw Error{ErrorKind::Device,
            "the GPU has no room for " + what + ": that needs " + sizeText(bytes) + ", and " + sizeText(now.free) + " of its "
                + sizeText(now.total) + " are free",
            "allocating GPU memory",
            "Use a smaller batch or a shorter context, close other programs on the GPU, or use the CPU (--device cpu)"};
    }
    check(status, "cudaMallocAsync");
    return memory;
}

} // namespace expertscope::cuda
