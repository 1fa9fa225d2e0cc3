// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/staging.h"

#include "engine/core/parallel.h"
#include "engine/cuda/check.h"

#include <algorithm>
#include <cstring>

namespace expertscope::cuda {

namespace {

constexpr std::size_t halfBytes = std::size_t{8} << 20; // about half a millisecond on the bus

/// Several cores: one alone does not keep up with the bus, least of all where a mapped file's pages are first touched.
void copyBytes(void *to, const void *from, std::size_t bytes)
{
    constexpr std::int64_t grain = std::int64_t{1} << 20;
    parallelFor(static_cast<std::int64_t>(bytes), grain, [&](std::int64_t begin, std::int64_t end) {
        std::memcpy(
            static_cast<std::byte *>(to) + begin, static_cast<const std::byte *>(from) + begin, static_cast<std::size_t>(end - begin));
    });
}

} // namespace

Staging::Staging(cudaStream_t stream)
    : m_stream{stream}
{
    for (Half &half : m_halves) {
        void *memory = nullptr;
        ES_CUDA(cudaMallocHost(&memory, halfBytes));
        half.memory = static_cast<std::byte *>(memory);
        ES_CUDA(cudaEventCreateWithFlags(&half.free, cudaEventDisableTiming));
    }
}

Staging::~Staging()
{
    for (const Half &half : m_halves) {
        if (half.free)
            cudaEventDestroy(half.free);
        if (half.memory)
            cudaFreeHost(half.memory);
    }
}

Staging::Half &Staging::next()
{
    Half &half = m_halves[m_turn++ % 2];
    ES_CUDA(cudaEventSynchronize(half.free));
    return half;
}

void Staging::upload(void *to, const void *from, std::size_t bytes)
{
    for (std::size_t begin = 0; begin < bytes; begin += halfBytes) {
        const std::size_t count = std::min(halfBytes, bytes - begin);
        const Half &half = next();
        copyBytes(half.memory, static_cast<const std::byte *>(from) + begin, count);
        ES_CUDA(cudaMemcpyAsync(static_cast<std::byte *>(to) + begin, half.memory, count, cudaMemcpyHostToDevice, m_stream));
        ES_CUDA(cudaEventRecord(half.free, m_stream));
    }
}

void Staging::download(void *to, const void *from, std::size_t bytes)
{
    const auto begun = [&](std::size_t begin) {
        const Half &half = next();
        ES_CUDA(cudaMemcpyAsync(half.memory, static_cast<const std::byte *>(from) + begin, std::min(halfBytes, bytes - begin),
            cudaMemcpyDeviceToHost, m_stream));
        ES_CUDA(cudaEventRecord(half.free, m_stream));
        return &half;
    };
    const Half *coming = bytes > 0 ? begun(0) : nullptr;
    for (std::size_t begin = 0; begin < bytes; begin += halfBytes) {
        const Half *const half = coming;
        if (begin + halfBytes < bytes)
            coming = begun(begin + halfBytes);
        ES_CUDA(cudaEventSynchronize(half->free));
        copyBytes(static_cast<std::byte *>(to) + begin, half->memory, std::min(halfBytes, bytes - begin));
    }
}

} // namespace expertscope::cuda
