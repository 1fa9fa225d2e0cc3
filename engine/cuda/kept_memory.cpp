// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/kept_memory.h"

#include "engine/cuda/check.h"

#include <algorithm>

namespace expertscope::cuda {

KeptMemory::KeptMemory(std::shared_ptr<Context> context)
    : m_context{std::move(context)}
{
    m_context->wait();
    ES_CUDA(cudaStreamCreateWithFlags(&m_stream, cudaStreamNonBlocking));
}

KeptMemory::~KeptMemory()
{
    cudaStreamSynchronize(m_stream);
    cudaStreamDestroy(m_stream);
    for (const Piece &piece : m_pieces)
        m_context->give(piece.memory);
}

void *KeptMemory::take(std::size_t bytes, const std::string &what)
{
    Piece *best = nullptr;
    for (Piece &piece : m_pieces)
        if (!piece.taken && piece.bytes >= bytes && (!best || piece.bytes < best->bytes))
            best = &piece;
    if (!best)
        best = &m_pieces.emplace_back(Piece{allocateBytes(m_context->device().index, bytes, m_stream, what), bytes, false});
    best->taken = true;
    return best->memory;
}

bool KeptMemory::give(void *memory)
{
    const auto found = std::find_if(m_pieces.begin(), m_pieces.end(), [memory](const Piece &piece) { return piece.memory == memory; });
    if (found == m_pieces.end())
        return false;
    found->taken = false;
    return true;
}

void KeptMemory::settle()
{
    ES_CUDA(cudaStreamSynchronize(m_stream));
}

} // namespace expertscope::cuda
