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

Tensor Forward::run(const Batch &batch, KvCache *cache, const Progress &progress)
{
    const ModelConfig &config = m_model.config();
    const std::int64_t rows = batch.rows();
    const auto layers = static_cast<int>(config.layers.size());
    reserve(rows);
    const Tensor hidden = part(m_work.hidden, rows, config.hidden);
    const Tensor normed = part(m_work.normed, rows, config.hidden);

    m_backend.embed(*m_model.embedding(), batch.tokens, hidden);
    if (m_observer)
        m_observer->onEmbedding(batch, hidden);
    for (int l = 0; l < layers; ++l) {
        progress.check();
        const LayerConfig &layer = config.layers[static_cast<std::size_t>(l)];
        m_backend.rmsNorm(hidden, m_model.layer(l).inputNorm, config.normEps, normed);
        runAttention(batch, l, cache);
        m_backend.rmsNorm(hidden, m_model.layer(l).ffnNorm, config.normEps, normed);
        if (const MoeFfn *moe = layer.moe())
            runMoe(batch, l, *moe);
        else
            runDense(batch, l);
        if (m_observer)
            m_observer->onLayer(batch, l, hidden);
        progress.report(rows * (l + 1) / (layers + 1), rows, "tokens"); // the head is still to come
    }
    m_backend.rmsNorm(hidden, m_model.finalNorm(), config.normEps, normed);
    if (m_observer)
        m_observer->onFinalNorm(batch, normed);
    return normed;
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

void Forward::reserve(std::int64_t rows)
{
    m_places.resize(static_cast<std::size_t>(rows));
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
    m_work = {}; // frees the old ones first
    m_work = {rows, make(config.hidden), make(config.hidden), make(config.hidden), make(queries), make(queries), make(keys), make(keys),
        make(config.maxExperts()), make(1)};
}

} // namespace expertscope
