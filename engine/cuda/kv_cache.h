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

    /// What kernels know of a cache beside the addresses of its pages.
    struct Layout {
        std::int64_t capacity = 0;
        std::int64_t floatsPerPage = 0;
        std::vector<std::int64_t> offsets; ///< where each layer begins in a page, in floats
        bool operator==(const Layout &) const = default;
    };
    const Layout &layout() const { return m_layout; }

    std::int64_t capacityTokens() const override { return m_layout.capacity; }
    void truncate(int slot, std::int64_t length) override;

    /// Makes room for so many tokens of a sequence; throws Error if there is no such slot or not so much room.
    void reserve(int slot, std::int64_t tokens);

    /// Makes the sequence `past` + `rows` tokens long in this layer; throws Error as reserve(), and if there is a gap.
    void extend(int slot, int layer, std::int64_t past, std::int64_t rows);
    /// Device addresses of a sequence's pages. In a page lie, layer after layer, keys [kvHeads, pageTokens, D] and values the same.
    const std::vector<float *> &pages(int slot) const { return m_slots[static_cast<std::size_t>(slot)].addresses; }
    std::int64_t layerOffset(int layer) const { return m_layout.offsets[static_cast<std::size_t>(layer)]; }

private:
    struct Slot {
        std::vector<std::shared_ptr<void>> pages;
        std::vector<float *> addresses;
        std::vector<std::int64_t> length; ///< of each layer
    };

    std::shared_ptr<Context> m_context;
    Layout m_layout;
    std::vector<Slot> m_slots;
};

} // namespace expertscope::cuda
