// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/memory.h"

#include "engine/core/error.h"
#include "engine/cuda/check.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace expertscope::cuda {

namespace {

/// Of the device that may be used.
std::size_t memoryLimit()
{
    const char *const set = std::getenv("EXPERTSCOPE_CUDA_MEMORY");
    if (!set || *set == '\0')
        return std::numeric_limits<std::size_t>::max();
    char *end = nullptr;
    const double gigabytes = std::strtod(set, &end);
    if (*end != '\0' || !(gigabytes > 0) || gigabytes > 1e6)
        throw Error{ErrorKind::Usage, "\"" + std::string{set} + "\" is no size of memory", "EXPERTSCOPE_CUDA_MEMORY",
            "Set it to a number of GB, such as 24, or leave the variable unset"};
    return static_cast<std::size_t>(gigabytes * 1e9);
}

} // namespace

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
    const std::size_t limit = memoryLimit();
    memory.total = std::min(memory.total, limit);
    memory.free = std::min(memory.free, limit - std::min<std::size_t>(limit, used));
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
