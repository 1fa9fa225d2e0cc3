// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Stands in for NVIDIA's header where kernels are emulated: the part of the language and of the runtime that engine/cuda uses.
// Work on a stream waits in a queue until the host waits for it, as late as it may, so that a forgotten wait shows.
#pragma once

#include "fibers.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)
// In a section of its own, so that it can be poisoned before each block.
#define __shared__ static __attribute__((section("emulated_shared")))

struct dim3 : emulator::Extent {
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1)
        : Extent{x_, y_, z_}
    {
    }
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
inline float2 make_float2(float x, float y)
{
    return {x, y};
}
inline float4 make_float4(float x, float y, float z, float w)
{
    return {x, y, z, w};
}
inline uint2 make_uint2(unsigned x, unsigned y)
{
    return {x, y};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w)
{
    return {x, y, z, w};
}
inline int2 make_int2(int x, int y)
{
    return {x, y};
}

using std::max;
using std::min;
inline float rsqrtf(float x)
{
    return 1.0f / std::sqrt(x);
}
template<class T>
T __ldg(const T *p)
{
    return *p;
}
template<class To, class From>
To bitsAs(From from)
{
    To to;
    static_assert(sizeof to == sizeof from);
    std::memcpy(&to, &from, sizeof to);
    return to;
}
inline float __uint_as_float(unsigned bits)
{
    return bitsAs<float>(bits);
}
inline unsigned __float_as_uint(float value)
{
    return bitsAs<unsigned>(value);
}
inline float __int_as_float(int bits)
{
    return bitsAs<float>(bits);
}
inline int __float_as_int(float value)
{
    return bitsAs<int>(value);
}
inline int __popc(unsigned bits)
{
    return __builtin_popcount(bits);
}
inline int __ffs(int bits)
{
    return __builtin_ffs(bits);
}
inline int __clz(int bits)
{
    return bits == 0 ? 32 : __builtin_clz(static_cast<unsigned>(bits));
}
template<class T>
T atomicAdd(T *at, T value)
{
    const T old = *at;
    *at = old + value;
    return old;
}
template<class T>
T atomicMax(T *at, T value)
{
    const T old = *at;
    *at = std::max(old, value);
    return old;
}
template<class T>
T atomicMin(T *at, T value)
{
    const T old = *at;
    *at = std::min(old, value);
    return old;
}
template<class T>
T atomicOr(T *at, T value)
{
    const T old = *at;
    *at = old | value;
    return old;
}
inline void __threadfence() { }
inline void __syncthreads()
{
    emulator::syncThreads();
}

namespace emulator {
/// What lane `from` of the mask brought; Fault-free but NaN bytes where the mask has no such lane.
template<class T>
T shuffle(unsigned mask, const char *operation, T value, unsigned from)
{
    static_assert(sizeof(T) <= exchangeBytes);
    const Brought &all = exchange(mask, operation, &value, sizeof value);
    std::memcpy(&value, all.at[from % 32], sizeof value);
    return value;
}
/// Source lane of a shuffle inside segments of `width` lanes; the lane itself where it would leave its segment.
inline unsigned inSegment(int from, int width)
{
    const int self = static_cast<int>(lane());
    return static_cast<unsigned>(from / width == self / width && from >= 0 ? from : self);
}
} // namespace emulator

template<class T>
T __shfl_sync(unsigned mask, T value, int from, int width = 32)
{
    const int self = static_cast<int>(emulator::lane());
    return emulator::shuffle(mask, "__shfl_sync", value, static_cast<unsigned>(self / width * width + from % width));
}
template<class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32)
{
    return emulator::shuffle(mask, "__shfl_xor_sync", value, emulator::inSegment(static_cast<int>(emulator::lane()) ^ bits, width));
}
template<class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32)
{
    return emulator::shuffle(mask, "__shfl_down_sync", value, emulator::inSegment(static_cast<int>(emulator::lane() + by), width));
}
template<class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32)
{
    return emulator::shuffle(
        mask, "__shfl_up_sync", value, emulator::inSegment(static_cast<int>(emulator::lane()) - static_cast<int>(by), width));
}
inline unsigned __ballot_sync(unsigned mask, int predicate)
{
    const int vote = predicate != 0;
    const emulator::Brought &all = emulator::exchange(mask, "__ballot_sync", &vote, sizeof vote);
    unsigned bits = 0;
    for (unsigned i = 0; i < 32; ++i)
        if ((mask >> i & 1) != 0 && static_cast<unsigned>(all.at[i][0]) == 1)
            bits |= 1u << i;
    return bits;
}
inline int __any_sync(unsigned mask, int predicate)
{
    return __ballot_sync(mask, predicate) != 0;
}
inline int __all_sync(unsigned mask, int predicate)
{
    return __ballot_sync(mask, predicate) == mask;
}
inline void __syncwarp(unsigned mask = 0xffffffffu)
{
    emulator::exchange(mask, "__syncwarp", &mask, sizeof mask);
}

// The runtime. Handles are those of NVIDIA's API; only failures that a caller may meet are imitated.

enum cudaError_t {
    cudaSuccess,
    cudaErrorInvalidValue,
    cudaErrorMemoryAllocation,
    cudaErrorInsufficientDriver = 35,
    cudaErrorNoDevice = 100,
    cudaErrorNoKernelImageForDevice = 209,
    cudaErrorNotReady = 600,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorStreamCaptureInvalidated,
    cudaErrorStreamCaptureMerge,
    cudaErrorStreamCaptureUnmatched,
    cudaErrorStreamCaptureUnjoined,
    cudaErrorStreamCaptureIsolation,
    cudaErrorCapturedEvent = 907,
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold, cudaMemPoolAttrReservedMemCurrent, cudaMemPoolAttrUsedMemCurrent };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed };
enum cudaStreamCaptureStatus { cudaStreamCaptureStatusNone, cudaStreamCaptureStatusActive, cudaStreamCaptureStatusInvalidated };
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount, cudaDevAttrMemoryPoolsSupported };
constexpr unsigned cudaStreamNonBlocking = 1;
constexpr unsigned cudaEventDisableTiming = 2;

struct cudaDeviceProp {
    char name[256];
    int major, minor;
    int multiProcessorCount;
    std::size_t totalGlobalMem;
};
namespace emulator {
struct Stream;
struct Event;
struct GraphHandle;
} // namespace emulator
using cudaStream_t = emulator::Stream *;
using cudaEvent_t = emulator::Event *;
using cudaGraph_t = emulator::GraphHandle *;
using cudaGraphExec_t = emulator::GraphHandle *;
using cudaMemPool_t = int *;

const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device);
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaMemGetInfo(std::size_t *free, std::size_t *total);
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int device);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void *value);
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void *value);
cudaError_t cudaMallocAsync(void **memory, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaFreeAsync(void *memory, cudaStream_t stream);
cudaError_t cudaMallocHost(void **memory, std::size_t bytes);
cudaError_t cudaFreeHost(void *memory);
cudaError_t cudaMemcpyAsync(void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *memory, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags = 0);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
template<class Kernel>
cudaError_t cudaFuncSetAttribute(Kernel *, cudaFuncAttribute, int)
{
    return cudaSuccess;
}

struct cudaLaunchConfig_t {
    dim3 gridDim, blockDim;
    std::size_t dynamicSmemBytes = 0;
    cudaStream_t stream = nullptr;
    void *attrs = nullptr;
    unsigned numAttrs = 0;
};

namespace emulator {
/// Puts work at the end of a stream, or into the graph it is capturing.
void enqueue(cudaStream_t stream, std::function<void()> work);
/// cudaErrorInvalidValue where a GPU of compute capability 9.0 would refuse these extents.
cudaError_t checkLaunch(const cudaLaunchConfig_t &config);
} // namespace emulator

template<class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *config, void (*kernel)(Parameters...), Arguments &&...arguments)
{
    const cudaError_t status = emulator::checkLaunch(*config);
    if (status == cudaSuccess)
        emulator::enqueue(config->stream,
            [grid = config->gridDim, block = config->blockDim, shared = config->dynamicSmemBytes, kernel,
                ... copies = static_cast<std::decay_t<Parameters>>(arguments)] {
                emulator::runGrid(grid, block, shared, [&] { kernel(copies...); });
            });
    return status;
}
