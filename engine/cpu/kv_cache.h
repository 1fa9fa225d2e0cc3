// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// CpuKvCache: keys and values of running sequences in f32, so that decoding repeats what prefill computed.
#pragma once

#include "engine/core/backend.h"
#include "engine/cpu/memory.h"

#include <vector>

namespace expertscope::cpu {

class CpuKvCache final : public KvCache {
public:
    /// Memory is reserved for all of it, but used only as sequences grow.
    CpuKvCache(const ModelConfig &config, int sequences, std::int64_t capacityTokens);

    std::int64_t capacityTokens() const override { return m_capacity; }
    void truncate(int slot, std::int64_t length) override;

    /// Makes the sequence `past` + `rows` tokens long in this layer; throws Error if there is no such slot, no room, or a gap.
    void extend(int slot, int layer, std::int64_t past, std::int64_t rows);
    /// [capacity, D] of one head.
    float *keys(int slot, int layer, int kvHead) const;
    float *values(int slot, int layer, int kvHead) const;

private:
    struct Layer {
        std::int64_t offset = 0; ///< floats from the slot's start
        int kvHeads = 0;
        int headDim = 0;
    };
    float *at(int slot, int layer, int index) const;

    std::int64_t m_capacity = 0;
    int m_sequences = 0;
    std::int64_t m_floatsPerSlot = 0;
    std::vector<Layer> m_layers;
    std::vector<std::int64_t> m_length; ///< [slot, layer]
    Memory m_memory;
};

} // namespace expertscope::cpu
