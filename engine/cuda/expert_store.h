// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ExpertStore: the experts of a model that does not fit on the device. They stay in host memory, which is mapped files, and come to the
// slots of a pool when a batch needs them. core's ExpertPool decides which go.
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

    /// The experts of the store's next layer, which stay where they are.
    std::shared_ptr<const CudaExpertWeights> adopt(std::span<const StoredMlp> stored);
    /// Runs with the experts that a batch needs: as many at a time as there is room for. pointers [E] are null for the others.
    /// expert [slots] on the device, -1 for none: the host waits for it.
    void run(const CudaExpertWeights &weights, const std::int32_t *expert, std::int64_t slots,
        const std::function<void(const ExpertPointers *pointers)> &part);

    /// All layers have been adopted.
    bool complete() const { return m_adopted == m_layers; }
    const ExpertPoolCounts &counts() const { return m_pool.counts(); }

private:
    std::shared_ptr<Context> m_context;
    ExpertPool m_pool;
    std::size_t m_slotBytes;
    std::shared_ptr<void> m_memory;
    int m_layers; ///< L
    int m_adopted = 0; ///< of them
};

/// Null where all of a model fits on the device; see Backend::makeRoom.
std::shared_ptr<ExpertStore> storeFor(
    std::shared_ptr<Context> context, std::int64_t otherBytes, std::span<const std::vector<StoredMlp>> layers, int atOnce);

} // namespace expertscope::cuda
