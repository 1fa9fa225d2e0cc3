// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// CudaKvCache: keys and values of running sequences in f32, in pages of 64 tokens of all layers that are allocated as sequences grow.
#pragma once

#include "engine/core/backend.h"
#include "engine/cuda/context.h"

#include <vector>

namespace expertscope::cuda {

class CudaKvCache final : public KvCache {
public:
    static constexpr int pageTokens = 64;

    CudaKvCache(std::shared_ptr<Context> context, const ModelConfig &config, int sequences, std::int64_t capacityTokens);

    std::int64_t capacityTokens() const override { return m_capacity; }
    void truncate(int slot, std::int64_t length) override;

    /// Makes the sequence `past` + `rows` tokens long in this layer; throws Error if there is no such slot, no room, or a gap.
    void extend(int slot, int layer, std::int64_t past, std::int64_t rows);
    /// Device addresses of a sequence's pages. In a page lie, layer after layer, keys [kvHeads, pageTokens, D] and values the same.
    const std::vector<float *> &pages(int slot) const { return m_slots[static_cast<std::size_t>(slot)].addresses; }
    /// Where a layer begins in a page, in floats.
    std::int64_t layerOffset(int layer) const { return m_offsets[static_cast<std::size_t>(layer)]; }

private:
    struct Slot {
        std::vector<std::shared_ptr<void>> pages;
        std::vector<float *> addresses;
        std::vector<std::int64_t> length; ///< of each layer
    };

    std::shared_ptr<Context> m_context;
    std::int64_t m_capacity = 0;
    std::int64_t m_floatsPerPage = 0;
    std::vector<std::int64_t> m_offsets;
    std::vector<Slot> m_slots;
};

} // namespace expertscope::cuda
