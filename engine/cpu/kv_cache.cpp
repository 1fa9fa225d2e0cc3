// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cpu/kv_cache.h"

#include "engine/core/error.h"
#include "engine/cpu/ops.h"

#include <algorithm>

namespace expertscope::cpu {

CpuKvCache::CpuKvCache(const ModelConfig &config, int sequences, std::int64_t capacityTokens)
    : m_capacity{std::max<std::int64_t>(0, capacityTokens)}
    , m_sequences{std::max(0, sequences)}
{
    bool tooMuch = false;
    for (const LayerConfig &layer : config.layers) {
        const AttentionConfig &attention = layer.attention;
        m_layers.push_back({m_floatsPerSlot, attention.kvHeads, attention.headDim});
        const std::int64_t perToken = 2 * static_cast<std::int64_t>(attention.kvHeads) * attention.headDim;
        std::int64_t floats = 0;
        tooMuch = __builtin_mul_overflow(perToken, m_capacity, &floats) || __builtin_add_overflow(m_floatsPerSlot, floats, &m_floatsPerSlot)
            || tooMuch;
    }
    std::int64_t bytes = 0;
    tooMuch = __builtin_mul_overflow(m_floatsPerSlot, static_cast<std::int64_t>(m_sequences) * 4, &bytes) || tooMuch;
    if (tooMuch)
        throw Error{ErrorKind::Device, "a key-value cache for " + std::to_string(m_capacity) + " tokens does not fit in any memory", {},
            "Use a shorter context"};
    m_length.resize(static_cast<std::size_t>(m_sequences) * m_layers.size());
    m_memory = Memory{static_cast<std::size_t>(bytes)};
}

void CpuKvCache::truncate(int slot, std::int64_t length)
{
    if (slot < 0 || slot >= m_sequences)
        return;
    for (std::size_t l = 0; l < m_layers.size(); ++l) {
        std::int64_t &now = m_length[static_cast<std::size_t>(slot) * m_layers.size() + l];
        now = std::min(now, std::max<std::int64_t>(0, length));
    }
}

void CpuKvCache::extend(int slot, int layer, std::int64_t past, std::int64_t rows)
{
    const std::string where = "sequence slot " + std::to_string(slot) + ", layer " + std::to_string(layer);
    if (slot < 0 || slot >= m_sequences || layer < 0 || static_cast<std::size_t>(layer) >= m_layers.size())
        throw Error{
            ErrorKind::Device, "the key-value cache has no such sequence or layer", where, "Make it for all sequences of the batch"};
    std::int64_t &length = m_length[static_cast<std::size_t>(slot) * m_layers.size() + static_cast<std::size_t>(layer)];
    if (past < 0 || past > length)
        throw Error{ErrorKind::Device,
            "the key-value cache holds " + std::to_string(length) + " tokens where " + std::to_string(past) + " are needed", where,
            "Run the sequence from its start"};
    if (past + rows > m_capacity)
        throw Error{ErrorKind::Device,
            "the key-value cache has room for " + std::to_string(m_capacity) + " tokens, not " + std::to_string(past + rows), where,
            "Use a shorter prompt or fewer new tokens"};
    length = past + rows;
}

float *CpuKvCache::at(int slot, int layer, int index) const
{
    const Layer &of = m_layers[static_cast<std::size_t>(layer)];
    return reinterpret_cast<float *>(m_memory.data()) + slot * m_floatsPerSlot + of.offset + index * m_capacity * of.headDim;
}

float *CpuKvCache::keys(int slot, int layer, int kvHead) const
{
    return at(slot, layer, kvHead);
}

float *CpuKvCache::values(int slot, int layer, int kvHead) const
{
    return at(slot, layer, m_layers[static_cast<std::size_t>(layer)].kvHeads + kvHead);
}

std::unique_ptr<KvCache> makeKvCache(const ModelConfig &config, int sequences, std::int64_t capacityTokens)
{
    return std::make_unique<CpuKvCache>(config, sequences, capacityTokens);
}

} // namespace expertscope::cpu
