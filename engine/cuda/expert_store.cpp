// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/expert_store.h"

#include "engine/core/memory_plan.h"
#include "engine/cuda/memory.h"

#include <algorithm>

namespace expertscope::cuda {

namespace {

/// Of the largest expert.
std::size_t largestBytes(std::span<const ExpertLayout> layouts)
{
    std::size_t most = 0;
    for (const ExpertLayout &layout : layouts)
        most = std::max(most, layout.bytes());
    return most;
}

std::vector<int> expertsOf(std::span<const ExpertLayout> layouts)
{
    std::vector<int> out;
    for (const ExpertLayout &layout : layouts)
        out.push_back(static_cast<int>(layout.experts));
    return out;
}

} // namespace

ExpertStore::ExpertStore(std::shared_ptr<Context> context, std::span<const ExpertLayout> layouts, std::int64_t slotCount, int atOnce)
    : m_context{std::move(context)}
    , m_pool{expertsOf(layouts), slotCount, atOnce, static_cast<std::int64_t>(largestBytes(layouts))}
    , m_slotBytes{largestBytes(layouts)}
    , m_memory{m_context->allocate(static_cast<std::size_t>(m_pool.slotCount()) * m_slotBytes, "the model's experts")}
    , m_layers{static_cast<int>(layouts.size())}
{
}

std::shared_ptr<const CudaExpertWeights> ExpertStore::adopt(std::span<const StoredMlp> stored)
{
    auto made = std::make_shared<CudaExpertWeights>();
    made->layout = expertLayout(*m_context, stored);
    made->store = shared_from_this();
    made->layer = m_adopted++;
    made->stored.assign(stored.begin(), stored.end());
    return made;
}

void ExpertStore::run(const CudaExpertWeights &weights, const std::int32_t *expert, std::int64_t slots,
    const std::function<void(const ExpertPointers *pointers)> &part)
{
    std::vector<std::int32_t> needed(static_cast<std::size_t>(slots));
    m_context->staging().download(needed.data(), expert, needed.size() * sizeof(std::int32_t));
    std::sort(needed.begin(), needed.end());
    needed.erase(std::unique(needed.begin(), needed.end()), needed.end());
    std::erase(needed, -1);
    needed = m_pool.presentFirst(weights.layer, needed);

    const Scratch<ExpertPointers> table{*m_context, weights.layout.experts, "the experts of a layer"};
    for (std::size_t next = 0; next < needed.size();) {
        std::vector<ExpertPointers> pointers(static_cast<std::size_t>(weights.layout.experts), ExpertPointers{});
        for (; next < needed.size(); ++next) {
            const std::optional<ExpertPlace> place = m_pool.acquire({weights.layer, needed[next]});
            if (!place)
                break;
            std::byte *const slot = static_cast<std::byte *>(m_memory.get()) + static_cast<std::size_t>(place->slot) * m_slotBytes;
            if (place->load) // in stream order: whoever read what was there is done
                placeExpert(*m_context, weights.layout, weights.stored[static_cast<std::size_t>(needed[next])], slot);
            pointers[static_cast<std::size_t>(needed[next])] = weights.layout.at(slot);
        }
        m_context->staging().upload(table.data(), pointers.data(), pointers.size() * sizeof(ExpertPointers));
        part(table.data());
        m_pool.release(weights.layer);
    }
}

std::shared_ptr<ExpertStore> storeFor(
    std::shared_ptr<Context> context, std::int64_t otherBytes, std::span<const std::vector<StoredMlp>> layers, int atOnce)
{
    std::vector<ExpertLayout> layouts;
    std::int64_t expertBytes = 0;
    ModelMemory model{.residentBytes = otherBytes, .atOnce = atOnce};
    for (const std::vector<StoredMlp> &layer : layers) {
        layouts.push_back(expertLayout(*context, layer));
        model.experts += layouts.back().experts;
        expertBytes += layouts.back().experts * static_cast<std::int64_t>(layouts.back().bytes());
        if (layouts.back().type == DType::F32 && sizeBytes(layer.front().gate.dtype) < sizeBytes(DType::F32))
            model.residentBytes = 2 * otherBytes; // what becomes of the experts becomes of the rest
    }
    const auto free = static_cast<std::int64_t>(deviceMemory(context->device().index).free);
    const std::int64_t work = free / 8; // activations and caches
    if (model.residentBytes + expertBytes + work <= free)
        return nullptr;
    model.expertBytes = static_cast<std::int64_t>(largestBytes(layouts));
    const std::int64_t slots = expertSlots(model, free, work);
    return std::make_shared<ExpertStore>(std::move(context), layouts, slots, atOnce);
}

} // namespace expertscope::cuda
