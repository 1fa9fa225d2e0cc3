// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "emulator.h"

#include "cuda_runtime.h"
#include "streams.h"

#include <cstdlib>
#include <map>
#include <vector>

namespace emulator {

namespace {

constexpr int poison = 0xff;

std::size_t memoryBytes = std::size_t{64} << 30;
std::size_t used = 0;
std::map<void *, std::size_t> deviceBlocks;
std::map<const void *, std::size_t> pinned;
std::size_t pinnableBytes = std::size_t{64} << 30; ///< that are left
bool uploadsHurry = false;

/// Whether all of it lies in one piece that was allocated and not freed.
template<class Memory>
bool liesIn(const std::map<Memory, std::size_t> &pieces, const void *memory, std::size_t bytes)
{
    auto after = pieces.upper_bound(const_cast<void *>(memory));
    if (after == pieces.begin())
        return false;
    --after;
    return static_cast<const std::byte *>(memory) + bytes <= static_cast<const std::byte *>(after->first) + after->second;
}

void release(void *memory)
{
    const auto found = deviceBlocks.find(memory);
    if (found == deviceBlocks.end())
        throw Fault{"device memory is freed that is not allocated"};
    used -= found->second;
    deviceBlocks.erase(found);
    std::free(memory);
}

} // namespace

cudaError_t checkLaunch(const cudaLaunchConfig_t &config)
{
    const dim3 &grid = config.gridDim;
    const dim3 &block = config.blockDim;
    const bool fits = block.count() >= 1 && block.count() <= 1024 && block.z <= 64 && grid.count() >= 1 && grid.x <= 0x7fffffffu
        && grid.y <= 65535 && grid.z <= 65535 && config.dynamicSmemBytes <= 227 * 1024;
    return fits ? cudaSuccess : cudaErrorInvalidValue;
}

void setMemoryBytes(std::size_t bytes)
{
    memoryBytes = bytes;
}

std::size_t usedBytes()
{
    return used;
}

void setPinnableBytes(std::size_t bytes)
{
    pinnableBytes = bytes;
}

void hurryUploads(bool hurry)
{
    uploadsHurry = hurry;
}

} // namespace emulator

using namespace emulator;

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaSuccess:
        return "no error";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorInvalidValue:
        return "invalid argument";
    case cudaErrorStreamCaptureUnsupported:
        return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
        return "operation failed due to a previous error during capture";
    default:
        return "an error that the emulator does not imitate";
    }
}

cudaError_t cudaGetLastError()
{
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = 1;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int)
{
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int)
{
    *properties = {"an emulated GPU, on the processor", 9, 0, 4, memoryBytes};
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int)
{
    *value = attribute == cudaDevAttrMultiProcessorCount ? 4 : 1;
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize()
{
    return isCapturing() ? forbidden("cudaDeviceSynchronize", cudaErrorStreamCaptureUnsupported)
                         : cudaSuccess; // streams wait for themselves
}

cudaError_t cudaMemGetInfo(std::size_t *free, std::size_t *total)
{
    *free = memoryBytes - std::min(used, memoryBytes);
    *total = memoryBytes;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int)
{
    *pool = nullptr;
    return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void *)
{
    return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr, void *value)
{
    const std::uint64_t bytes = used;
    std::memcpy(value, &bytes, sizeof bytes);
    return cudaSuccess;
}

cudaError_t cudaMallocAsync(void **memory, std::size_t bytes, cudaStream_t stream)
{
    if (bytes == 0)
        return cudaErrorInvalidValue;
    if (used + bytes > memoryBytes)
        return cudaErrorMemoryAllocation;
    void *block = nullptr;
    if (posix_memalign(&block, 256, bytes) != 0) // exactly this much, so that AddressSanitizer sees what lies beyond
        return cudaErrorMemoryAllocation;
    used += bytes;
    std::memset(block, poison, bytes);
    deviceBlocks[block] = bytes;
    *memory = block;
    if (Graph *const graph = capturedBy(stream)) {
        graph->memory.emplace_back(block, release);
        enqueue(stream, [block, bytes] { std::memset(block, poison, bytes); });
    }
    return cudaSuccess;
}

cudaError_t cudaFreeAsync(void *memory, cudaStream_t stream)
{
    Graph *const graph = capturedBy(stream);
    if (!graph && !isGraphMemory(memory))
        enqueue(stream, [memory] { release(memory); });
    else if (graph && graph->owns(memory)) // the graph keeps it; what is used after this would be seen as NaN
        enqueue(stream, [memory, bytes = deviceBlocks.at(memory)] { std::memset(memory, poison, bytes); });
    else if (graph)
        return forbidden("cudaFreeAsync of memory from outside", cudaErrorInvalidValue);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **memory, std::size_t bytes)
{
    if (isStrictlyCapturing())
        return forbidden("cudaMallocHost", cudaErrorStreamCaptureUnsupported);
    if (bytes > pinnableBytes || posix_memalign(memory, 64, bytes) != 0)
        return cudaErrorMemoryAllocation;
    pinnableBytes -= bytes;
    std::memset(*memory, poison, bytes);
    pinned[*memory] = bytes;
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *memory)
{
    if (isStrictlyCapturing())
        return forbidden("cudaFreeHost", cudaErrorStreamCaptureUnsupported);
    if (const auto found = pinned.find(memory); found != pinned.end()) {
        pinnableBytes += found->second;
        pinned.erase(found);
    }
    std::free(memory);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
    const bool onTheHost = kind != cudaMemcpyDeviceToDevice;
    const void *const host = kind == cudaMemcpyHostToDevice ? from : to;
    const bool isPinned = onTheHost && liesIn(pinned, host, bytes);
    if (capturedBy(stream)) {
        if (onTheHost && !isPinned)
            return forbidden("a copy of host memory that is not pinned", cudaErrorInvalidValue);
        enqueue(stream, [=] {
            const auto isThere = [bytes](const void *memory, bool isHost) {
                return isHost ? liesIn(pinned, memory, bytes) : liesIn(deviceBlocks, memory, bytes);
            };
            if (!isThere(from, kind == cudaMemcpyHostToDevice) || !isThere(to, kind == cudaMemcpyDeviceToHost))
                throw Fault{"a graph copies memory that has been freed"};
            std::memcpy(to, from, bytes);
        });
        return cudaSuccess;
    }
    if (kind == cudaMemcpyHostToDevice && !isPinned) {
        const auto *first = static_cast<const std::byte *>(from);
        enqueue(stream, [to, copy = std::vector<std::byte>{first, first + bytes}] { std::memcpy(to, copy.data(), copy.size()); });
        return cudaSuccess;
    }
    enqueue(stream, [to, from, bytes] { std::memcpy(to, from, bytes); });
    if (kind == cudaMemcpyHostToDevice && uploadsHurry)
        stream->until(stream->queued);
    return kind == cudaMemcpyDeviceToHost && !isPinned ? cudaStreamSynchronize(stream) : cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int value, std::size_t bytes, cudaStream_t stream)
{
    enqueue(stream, [memory, value, bytes] { std::memset(memory, value, bytes); });
    return cudaSuccess;
}
