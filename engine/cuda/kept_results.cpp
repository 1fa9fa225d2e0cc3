// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/kept_results.h"

#include "engine/cuda/check.h"

#include <algorithm>

namespace expertscope::cuda {

namespace {

constexpr std::size_t alignment = 16;
constexpr std::size_t chunkBytes = std::size_t{256} << 10; // all layers of a model, in steps of one sequence

} // namespace

KeptResults::KeptResults()
{
    ES_CUDA(cudaEventCreateWithFlags(&m_there, cudaEventDisableTiming));
}

KeptResults::~KeptResults()
{
    wait();
    cudaEventDestroy(m_there);
    for (const Chunk &chunk : m_chunks)
        cudaFreeHost(chunk.begin.host);
}

KeptResults::Place KeptResults::take(KeptMemory &memory, std::size_t bytes)
{
    const std::size_t taken = (bytes + alignment - 1) / alignment * alignment;
    if (m_chunks.empty() || m_chunks.back().used + taken > m_chunks.back().bytes) {
        const std::size_t room = std::max(taken, chunkBytes);
        auto *const device = static_cast<std::byte *>(memory.take(room, "the results of a step"));
        void *host = nullptr;
        ES_CUDA(cudaMallocHost(&host, room));
        m_chunks.push_back({{device, static_cast<std::byte *>(host)}, room, 0});
    }
    Chunk &chunk = m_chunks.back();
    const Place place{chunk.begin.device + chunk.used, chunk.begin.host + chunk.used};
    chunk.used += taken;
    return place;
}

void KeptResults::bring(cudaStream_t stream)
{
    for (const Chunk &chunk : m_chunks)
        ES_CUDA(cudaMemcpyAsync(chunk.begin.host, chunk.begin.device, chunk.used, cudaMemcpyDeviceToHost, stream));
    ES_CUDA(cudaEventRecord(m_there, stream));
}

} // namespace expertscope::cuda
