// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/kv_cache.h"

#include "engine/core/error.h"

#include <algorithm>

namespace expertscope::cuda {

CudaKvCache::CudaKvCache(std::shared_ptr<Context> context, const ModelConfig &config, int sequences, std::int64_t capacityTokens)
    : m_context{std::move(context)}
    , m_slots(static_cast<std::size_t>(std::max(0, sequences)))
{
    m_layout.capacity = std::max<std::int64_t>(0, capacityTokens);
    for (const LayerConfig &layer : config.layers) {
        m_layout.offsets.push_back(m_layout.floatsPerPage);
        m_layout.floatsPerPage += std::int64_t{2} * pageTokens * layer.attention.kvHeads * layer.attention.headDim;
    }
    for (Slot &slot : m_slots)
        slot.length.resize(m_layout.offsets.size());
}

void CudaKvCache::truncate(int slot, std::int64_t length)
{
    if (slot < 0 || static_cast<std::size_t>(slot) >= m_slots.size())
        return;
    Slot &of = m_slots[static_cast<std::size_t>(slot)];
    const std::int64_t kept = std::max<std::int64_t>(0, length);
    for (std::int64_t &now : of.length)
        now = std::min(now, kept);
    const auto pages = static_cast<std::size_t>((kept + pageTokens - 1) / pageTokens);
    if (pages < of.pages.size()) {
        of.pages.resize(pages);
        of.addresses.resize(pages);
    }
}

void CudaKvCache::reserve(int slot, std::int64_t tokens)
{
    const std::string where = "sequence slot " + std::to_string(slot);
    if (slot < 0 || static_cast<std::size_t>(slot) >= m_slots.size())
        throw Error{ErrorKind::Device, "the key-value cache has no such sequence", where, "Make it for all sequences of the batch"};
    if (tokens > m_layout.capacity)
        throw Error{ErrorKind::Device,
            "the key-value cache has room for " + std::to_string(m_layout.capacity) + " tokens, not " + std::to_string(tokens), where,
            "Use a shorter prompt or fewer new tokens"};
    Slot &of = m_slots[static_cast<std::size_t>(slot)];
    while (static_cast<std::int64_t>(of.pages.size()) * pageTokens < tokens) {
        of.pages.push_back(m_context->allocate(static_cast<std::size_t>(m_layout.floatsPerPage) * sizeof(float),
            "the key-value cache of " + std::to_string(pageTokens) + " more tokens after " + std::to_string(of.pages.size() * pageTokens)));
        of.addresses.push_back(static_cast<float *>(of.pages.back().get()));
    }
}

void CudaKvCache::extend(int slot, int layer, std::int64_t past, std::int64_t rows)
{
    const std::string where = "sequence slot " + std::to_string(slot) + ", layer " + std::to_string(layer);
    if (layer < 0 || static_cast<std::size_t>(layer) >= m_layout.offsets.size())
        throw Error{ErrorKind::Device, "the key-value cache has no such layer", where, "Make it for all layers of the model"};
    reserve(slot, past + rows);
    std::int64_t &length = m_slots[static_cast<std::size_t>(slot)].length[static_cast<std::size_t>(layer)];
    if (past < 0 || past > length)
        throw Error{ErrorKind::Device,
            "the key-value cache holds " + std::to_string(length) + " tokens where " + std::to_string(past) + " are needed", where,
            "Run the sequence from its start"};
    length = past + rows;
}

} // namespace expertscope::cuda
