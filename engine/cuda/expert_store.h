// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ExpertStore: the experts of a model that does not fit on the device. They stay in host memory and come to the slots of a pool when a
// batch needs them, or ahead of it, on a stream of their own. core's ExpertPool decides which go.
#pragma once

#include "engine/core/expert_pool.h"
#include "engine/cuda/experts.h"

#include <functional>
#include <memory>
#include <vector>

namespace expertscope::cuda {

class ExpertStore : public std::enable_shared_from_this<ExpertStore> {
public:
    /// layouts: [L] of each MoE layer; atOnce: the most experts a token goes to. Throws Error (Device) where there is no room.
    ExpertStore(std::shared_ptr<Context> context, std::span<const ExpertLayout> layouts, std::int64_t slotCount, int atOnce);
    ~ExpertStore();
    ExpertStore(const ExpertStore &) = delete;
    ExpertStore &operator=(const ExpertStore &) = delete;

    /// The experts of the store's next layer. Pinned memory gets a copy as the device will have it, while there is enough of it: such
    /// experts come at the speed of the bus and without the host. The others are read where they are stored, which is mapped files.
    std::shared_ptr<const CudaExpertWeights> adopt(std::span<const StoredMlp> stored);
    /// Which experts a batch will probably need soon: the next run() brings them beside its work, as far as there is room for them.
    /// expert [slots] on the device, -1 for none: the host waits for it.
    void expect(const CudaExpertWeights &weights, const std::int32_t *expert, std::int64_t slots);
    /// Runs with the experts that a batch needs: as many at a time as there is room for. pointers [E] are null for the others.
    /// expert [slots] on the device, -1 for none: the host waits for it.
    void run(const CudaExpertWeights &weights, const std::int32_t *expert, std::int64_t slots,
        const std::function<void(const ExpertPointers *pointers)> &part);

    /// All layers have been adopted.
    bool complete() const { return m_layers.size() == m_layerCount; }
    const ExpertPoolCounts &counts() const { return m_pool.counts(); }

private:
    /// The experts of a layer in host memory.
    struct Layer {
        ExpertLayout layout;
        std::vector<StoredMlp> stored; ///< [E]
        std::shared_ptr<std::byte> pinned; ///< [E] of layout.bytes(); may be null
    };
    std::byte *slot(int number) const { return static_cast<std::byte *>(m_memory.get()) + static_cast<std::size_t>(number) * m_slotBytes; }
    std::vector<std::int32_t> idsOf(const std::int32_t *expert, std::int64_t slots) const;
    /// A copy of a layer's experts; null where that is more than pinned memory may hold.
    std::shared_ptr<std::byte> pin(const Layer &layer);
    void bring(const ExpertPlace &place);
    void bringExpected();
    /// What is put on `later` from here on comes after all that is on `earlier` now.
    void order(cudaStream_t earlier, cudaStream_t later);

    std::shared_ptr<Context> m_context;
    ExpertPool m_pool;
    std::size_t m_slotBytes;
    std::shared_ptr<void> m_memory;
    std::size_t m_layerCount; ///< L
    std::vector<Layer> m_layers; ///< adopted
    std::int64_t m_pinnable; ///< bytes of host memory that are still left for copies
    std::vector<ExpertKey> m_expected; ///< likeliest first
    cudaStream_t m_uploads = nullptr;
    cudaEvent_t m_order = nullptr;
};

/// Null where all of a model fits on the device; see Backend::makeRoom.
std::shared_ptr<ExpertStore> storeFor(
    std::shared_ptr<Context> context, std::int64_t otherBytes, std::span<const std::vector<StoredMlp>> layers, int atOnce);

} // namespace expertscope::cuda
