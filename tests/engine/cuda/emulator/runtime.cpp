// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "emulator.h"

#include "cuda_runtime.h"

#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <vector>

namespace emulator {

struct Event {
    Stream *stream = nullptr;
    std::uint64_t ticket = 0; ///< of the work before the last record
};

struct Graph {
    std::vector<std::function<void()>> work;
    std::vector<std::shared_ptr<void>> memory; ///< allocated inside; freed with the graph
};

struct Stream {
    std::deque<std::function<void()>> queue;
    std::uint64_t queued = 0, done = 0;
    std::unique_ptr<Graph> capture;
};

namespace {

constexpr int poison = 0xff;

std::size_t memoryBytes = std::size_t{64} << 30;
std::size_t used = 0;
Counts counted;
std::map<void *, std::size_t> deviceBlocks;
std::map<const void *, std::size_t> pinned;
std::map<void *, Graph *> graphBlocks;

void runUntil(Stream &stream, std::uint64_t ticket)
{
    while (stream.done < ticket) {
        const std::function<void()> work = std::move(stream.queue.front());
        stream.queue.pop_front();
        ++stream.done;
        work();
    }
}

bool isPinned(const void *memory)
{
    auto after = pinned.upper_bound(memory);
    if (after == pinned.begin())
        return false;
    --after;
    return static_cast<const std::byte *>(memory) < static_cast<const std::byte *>(after->first) + after->second;
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

void enqueue(cudaStream_t stream, std::function<void()> work)
{
    if (stream->capture) {
        stream->capture->work.push_back(std::move(work));
        return;
    }
    ++counted.launches;
    stream->queue.push_back(std::move(work));
    ++stream->queued;
}

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

Counts counts()
{
    return counted;
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
    return cudaSuccess; // streams are waited for one by one
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
    if (stream->capture) {
        graphBlocks[block] = stream->capture.get();
        stream->capture->memory.emplace_back(block, release);
        stream->capture->work.emplace_back([block, bytes] { std::memset(block, poison, bytes); });
    }
    return cudaSuccess;
}

cudaError_t cudaFreeAsync(void *memory, cudaStream_t stream)
{
    const auto found = graphBlocks.find(memory);
    if (found == graphBlocks.end())
        enqueue(stream, [memory] { release(memory); });
    else if (stream->capture.get() == found->second) // the graph keeps it; what is used after this would be seen as NaN
        stream->capture->work.emplace_back([memory, bytes = deviceBlocks.at(memory)] { std::memset(memory, poison, bytes); });
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **memory, std::size_t bytes)
{
    if (posix_memalign(memory, 64, bytes) != 0)
        return cudaErrorMemoryAllocation;
    std::memset(*memory, poison, bytes);
    pinned[*memory] = bytes;
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *memory)
{
    pinned.erase(memory);
    std::free(memory);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
    if (kind == cudaMemcpyHostToDevice && !isPinned(from)) {
        const auto *first = static_cast<const std::byte *>(from);
        enqueue(stream, [to, copy = std::vector<std::byte>{first, first + bytes}] { std::memcpy(to, copy.data(), copy.size()); });
        return cudaSuccess;
    }
    enqueue(stream, [to, from, bytes] { std::memcpy(to, from, bytes); });
    return kind == cudaMemcpyDeviceToHost && !isPinned(to) && !stream->capture ? cudaStreamSynchronize(stream) : cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int value, std::size_t bytes, cudaStream_t stream)
{
    enqueue(stream, [memory, value, bytes] { std::memset(memory, value, bytes); });
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    *stream = new Stream;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    runUntil(*stream, stream->queued);
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    if (stream->capture)
        return cudaErrorInvalidValue;
    ++counted.waits;
    runUntil(*stream, stream->queued);
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    if (Stream *const other = event->stream)
        enqueue(stream, [other, ticket = event->ticket] { runUntil(*other, ticket); });
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    *event = new Event;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    *event = {stream, stream->queued};
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    ++counted.waits;
    if (event->stream)
        runUntil(*event->stream, event->ticket);
    return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    return !event->stream || event->stream->done >= event->ticket ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode)
{
    if (stream->capture)
        return cudaErrorInvalidValue;
    stream->capture = std::make_unique<Graph>();
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    if (!stream->capture)
        return cudaErrorInvalidValue;
    *graph = stream->capture.release();
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status)
{
    *status = stream->capture ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long)
{
    *exec = new Graph{*graph};
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    ++counted.graphLaunches;
    enqueue(stream, [exec] {
        for (const std::function<void()> &work : exec->work)
            work();
    });
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    delete exec;
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    for (auto it = graphBlocks.begin(); it != graphBlocks.end();)
        it = it->second == graph ? graphBlocks.erase(it) : std::next(it);
    delete graph;
    return cudaSuccess;
}
