// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/forward.h"

#include <algorithm>

namespace expertscope {

Forward::Forward(const Model &model, Backend &backend, const StageOverrides *overrides, ForwardObserver *observer, SteeringLog *log)
    : m_model{model}
    , m_backend{backend}
    , m_overrides{overrides}
    , m_observer{observer}
    , m_log{log}
{
}

Tensor Forward::run(const Batch &batch, KvCache *cache, const Progress &progress, KeptBatch *kept)
{
    const ModelConfig &config = m_model.config();
    const std::int64_t rows = batch.rows();
    reserve(rows);
    locate(batch);
    m_pending.clear(); // of a run that was cancelled or failed
    const Tensor hidden = part(m_work.hidden, rows, config.hidden);
    const Tensor normed = part(m_work.normed, rows, config.hidden);

    m_backend.embed(*m_model.embedding(), batch.tokens, hidden);
    if (m_observer)
        m_observer->onEmbedding(batch, hidden);
    int first = 0;
    if (kept) {
        kept->beginBatch(batch, m_observer && m_observer->routingNeeds().expertNorms);
        first = replay(batch, *kept);
    }
    runLayers(batch, first, cache, progress, kept);
    m_backend.rmsNorm(hidden, m_model.finalNorm(), config.normEps, normed);
    deliver(batch, 0);
    if (m_observer)
        m_observer->onFinalNorm(batch, normed);
    return normed;
}

void Forward::runLayers(const Batch &batch, int first, KvCache *cache, const Progress &progress, KeptBatch *kept)
{
    const std::int64_t rows = batch.rows();
    const auto layers = static_cast<int>(m_model.config().layers.size());
    const Tensor hidden = part(m_work.hidden, rows, m_model.config().hidden);
    const int changes = m_overrides ? m_overrides->firstLayer() : layers; // layers before this one are as in any run
    int cacheLayer = layers; // of the next repeated layer
    for (int l = first; l < layers; ++l) {
        progress.check();
        if (kept && l <= changes)
            kept->keepHidden(l, m_backend, hidden);
        const int runs = m_overrides ? m_overrides->runs(l) : 1;
        for (int r = 0; r < runs; ++r)
            runLayer(batch, l, r == 0 ? l : cacheLayer++, r, cache, l < changes ? kept : nullptr);
        progress.report(rows * (l + 1) / (layers + 1), rows, "tokens"); // the head is still to come
    }
}

int Forward::replay(const Batch &batch, const KeptBatch &kept)
{
    const int first =
        std::min(m_overrides ? m_overrides->firstLayer() : static_cast<int>(m_model.config().layers.size()), kept.lastLayer());
    if (first <= 0)
        return 0;
    m_backend.upload(kept.hidden(first), part(m_work.hidden, batch.rows(), m_model.config().hidden));
    for (int l = 0; l < first; ++l)
        if (const KeptBatch::Routing *routing = kept.routing(l)) {
            if (m_log)
                m_log->add(l, routing->routed);
            if (m_observer)
                m_observer->onRouting(batch,
                    {l, 0, m_model.config().layers[static_cast<std::size_t>(l)].moe()->experts, routing->logits, routing->routed,
                        routing->expertNorms, {}});
        }
    return first;
}

void Forward::runLayer(const Batch &batch, int layer, int cacheLayer, int repeat, KvCache *cache, KeptBatch *keep)
{
    const ModelConfig &config = m_model.config();
    const Tensor hidden = part(m_work.hidden, batch.rows(), config.hidden);
    const Tensor normed = part(m_work.normed, batch.rows(), config.hidden);
    m_backend.rmsNorm(hidden, m_model.layer(layer).inputNorm, config.normEps, normed);
    runAttention(batch, layer, cacheLayer, cache);
    m_backend.rmsNorm(hidden, m_model.layer(layer).ffnNorm, config.normEps, normed);
    if (const MoeFfn *moe = config.layers[static_cast<std::size_t>(layer)].moe())
        runMoe(batch, layer, repeat, *moe, keep);
    else
        runDense(batch, layer);
    if (ForwardObserver *const observer = watcher())
        observer->onLayer(batch, layer, hidden);
}

ModelConfig cachedLayers(const ModelConfig &config, const StageOverrides *overrides)
{
    ModelConfig all = config;
    if (overrides)
        for (std::size_t l = 0; l < config.layers.size(); ++l)
            for (int r = 1; r < overrides->runs(static_cast<int>(l)); ++r)
                all.layers.push_back(config.layers[l]);
    return all;
}

void Forward::runDense(const Batch &batch, int layer)
{
    const std::int64_t width = m_model.config().hidden;
    const Tensor out = part(m_work.block, batch.rows(), width);
    m_backend.gatedMlp(part(m_work.normed, batch.rows(), width), m_model.layer(layer).dense, out);
    m_backend.add(part(m_work.hidden, batch.rows(), width), out);
}

Tensor Forward::part(const Buffer &buffer, std::int64_t rows, std::int64_t width)
{
    return buffer.tensor().reshaped({rows, width});
}

void Forward::locate(const Batch &batch)
{
    m_places.resize(batch.tokens.size());
    for (std::size_t r = 0; r < m_places.size(); ++r)
        m_places[r] = {0, static_cast<std::int64_t>(r), batch.sequences[r], batch.positions[r], batch.phase};
    m_rowSpans.clear();
}

std::span<const std::uint64_t> Forward::rowSpans()
{
    if (m_overrides && m_rowSpans.empty())
        for (const RoutingPlace &place : m_places)
            m_rowSpans.push_back(m_overrides->spansOf(place));
    return m_rowSpans;
}

void Forward::reserve(std::int64_t rows)
{
    if (rows <= m_work.rows)
        return;
    const ModelConfig &config = m_model.config();
    std::int64_t queries = 0;
    std::int64_t keys = 0;
    for (const LayerConfig &layer : config.layers) {
        queries = std::max(queries, std::int64_t{layer.attention.heads} * layer.attention.headDim);
        keys = std::max(keys, std::int64_t{layer.attention.kvHeads} * layer.attention.headDim);
    }
    const auto make = [&](std::int64_t width) { return m_backend.allocate(DType::F32, {rows, width}); };
    m_kept.reset(); // works in them
    m_work = {}; // frees the old ones first
    m_work = {rows, make(config.hidden), make(config.hidden), make(config.hidden), make(queries), make(queries), make(keys), make(keys),
        make(config.maxExperts()), make(1)};
}

} // namespace expertscope
