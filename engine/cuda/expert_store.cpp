// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/expert_store.h"

#include "engine/core/memory_plan.h"
#include "engine/cuda/check.h"
#include "engine/cuda/memory.h"

#include <algorithm>
#include <utility>

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
    , m_layerCount{layouts.size()}
    , m_pinnable{availableMemoryBytes() / 4 * 3} // the rest is for the files that are read, and for others
{
    ES_CUDA(cudaStreamCreateWithFlags(&m_uploads, cudaStreamNonBlocking));
    ES_CUDA(cudaEventCreateWithFlags(&m_order, cudaEventDisableTiming));
}

ExpertStore::~ExpertStore()
{
    cudaStreamSynchronize(m_uploads); // nobody may have waited for the last that were brought ahead
    cudaStreamDestroy(m_uploads);
    cudaEventDestroy(m_order);
}

std::shared_ptr<const CudaExpertWeights> ExpertStore::adopt(std::span<const StoredMlp> stored)
{
    auto made = std::make_shared<CudaExpertWeights>();
    made->layout = expertLayout(*m_context, stored);
    made->store = shared_from_this();
    made->layer = static_cast<int>(m_layers.size());
    Layer layer{made->layout, {stored.begin(), stored.end()}, nullptr};
    layer.pinned = pin(layer);
    m_layers.push_back(std::move(layer));
    return made;
}

std::shared_ptr<std::byte> ExpertStore::pin(const Layer &layer)
{
    const std::size_t bytes = layer.layout.bytes();
    const auto all = static_cast<std::int64_t>(layer.stored.size() * bytes);
    void *memory = nullptr;
    if (all > m_pinnable || cudaMallocHost(&memory, static_cast<std::size_t>(all)) != cudaSuccess) {
        cudaGetLastError(); // else the next call would report it again
        m_pinnable = 0; // nor for the next layers, of which much the same is needed
        return nullptr;
    }
    m_pinnable -= all;
    const std::shared_ptr<std::byte> pinned{static_cast<std::byte *>(memory), [](std::byte *freed) { cudaFreeHost(freed); }};
    for (std::size_t e = 0; e < layer.stored.size(); ++e) { // by way of the device, which pads and widens
        placeExpert(*m_context, layer.layout, layer.stored[e], slot(0));
        ES_CUDA(cudaMemcpyAsync(pinned.get() + e * bytes, slot(0), bytes, cudaMemcpyDeviceToHost, m_context->stream()));
    }
    m_context->wait();
    return pinned;
}

std::vector<std::int32_t> ExpertStore::idsOf(const std::int32_t *expert, std::int64_t slots) const
{
    std::vector<std::int32_t> ids(static_cast<std::size_t>(slots));
    m_context->staging().download(ids.data(), expert, ids.size() * sizeof(std::int32_t));
    return ids;
}

void ExpertStore::expect(const CudaExpertWeights &weights, const std::int32_t *expert, std::int64_t slots)
{
    std::vector<std::int64_t> uses(static_cast<std::size_t>(weights.layout.experts), 0);
    for (const std::int32_t id : idsOf(expert, slots))
        if (id >= 0 && id < weights.layout.experts)
            ++uses[static_cast<std::size_t>(id)];
    m_expected.clear();
    for (int e = 0; e < static_cast<int>(uses.size()); ++e)
        if (uses[static_cast<std::size_t>(e)] > 0)
            m_expected.push_back({weights.layer, e});
    const auto usesOf = [&](ExpertKey key) { return uses[static_cast<std::size_t>(key.expert)]; };
    std::stable_sort(m_expected.begin(), m_expected.end(), [&](ExpertKey a, ExpertKey b) { return usesOf(a) > usesOf(b); });
}

void ExpertStore::run(const CudaExpertWeights &weights, const std::int32_t *expert, std::int64_t slots,
    const std::function<void(const ExpertPointers *pointers)> &part)
{
    // With this all kernels so far are done: whatever is uploaded from here on must only keep clear of those that are launched below.
    std::vector<std::int32_t> needed = idsOf(expert, slots);
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
            if (place->load)
                bring(*place);
            pointers[static_cast<std::size_t>(needed[next])] = weights.layout.at(slot(place->slot));
        }
        order(m_uploads, m_context->stream());
        m_context->staging().upload(table.data(), pointers.data(), pointers.size() * sizeof(ExpertPointers));
        part(table.data());
        if (next == needed.size())
            bringExpected(); // while what runs is pinned: it is not evicted for this
        else
            order(m_context->stream(), m_uploads); // these experts make room for the next ones
        m_pool.release(weights.layer);
    }
}

void ExpertStore::bring(const ExpertPlace &place)
{
    const Layer &layer = m_layers[static_cast<std::size_t>(place.key.layer)];
    const auto expert = static_cast<std::size_t>(place.key.expert);
    const std::size_t bytes = layer.layout.bytes();
    if (layer.pinned) {
        ES_CUDA(cudaMemcpyAsync(slot(place.slot), layer.pinned.get() + expert * bytes, bytes, cudaMemcpyHostToDevice, m_uploads));
    } else {
        order(m_uploads, m_context->stream()); // what was expected in vain may still be on its way to this slot
        placeExpert(*m_context, layer.layout, layer.stored[expert], slot(place.slot));
    }
}

void ExpertStore::bringExpected()
{
    const std::vector<ExpertKey> expected = std::exchange(m_expected, {});
    // What is not pinned would have to be copied by the host, which has the next layer to launch.
    if (expected.empty() || !m_layers[static_cast<std::size_t>(expected.front().layer)].pinned)
        return;
    for (const ExpertPlace &place : m_pool.wish(expected))
        bring(place);
}

void ExpertStore::order(cudaStream_t earlier, cudaStream_t later)
{
    ES_CUDA(cudaEventRecord(m_order, earlier));
    ES_CUDA(cudaStreamWaitEvent(later, m_order));
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
