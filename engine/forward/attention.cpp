// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/forward.h"

namespace expertscope {

namespace {

const Tensor *biasOf(const Buffer &bias)
{
    return bias ? &bias.tensor() : nullptr;
}

} // namespace

/// hidden += Wo attention(rope(norm(Wq x)), rope(norm(Wk x)), Wv x), x = normed.
void Forward::runAttention(const Batch &batch, int layer, int cacheLayer, KvCache *cache)
{
    const ModelConfig &model = m_model.config();
    const AttentionConfig &config = model.layers[static_cast<std::size_t>(layer)].attention;
    const LayerWeights &weights = m_model.layer(layer);
    const std::int64_t rows = batch.rows();
    const std::int64_t heads = config.heads;
    const std::int64_t kvHeads = config.kvHeads;
    const std::int64_t size = config.headDim;
    const Tensor x = part(m_work.normed, rows, model.hidden);
    const Tensor q = part(m_work.q, rows, heads * size);
    const Tensor k = part(m_work.k, rows, kvHeads * size);
    const Tensor v = part(m_work.v, rows, kvHeads * size);

    m_backend.linear(x, *weights.q, biasOf(weights.qBias), q);
    m_backend.linear(x, *weights.k, biasOf(weights.kBias), k);
    m_backend.linear(x, *weights.v, biasOf(weights.vBias), v);
    if (config.qkNorm == QkNorm::FullVector) {
        m_backend.rmsNorm(q, weights.qNorm, model.normEps, q);
        m_backend.rmsNorm(k, weights.kNorm, model.normEps, k);
    }
    if (config.clipQkv > 0)
        for (const Tensor &t : {q, k, v})
            m_backend.clamp(t, config.clipQkv);

    const Tensor queries = q.reshaped({rows, heads, size});
    const Tensor keys = k.reshaped({rows, kvHeads, size});
    const bool perHead = config.qkNorm == QkNorm::PerHead;
    const HeadNorm qNorm{weights.qNorm.tensor(), model.normEps};
    const HeadNorm kNorm{weights.kNorm.tensor(), model.normEps};
    m_backend.rope(queries, perHead ? &qNorm : nullptr, batch.positions, config);
    m_backend.rope(keys, perHead ? &kNorm : nullptr, batch.positions, config);
    const Tensor attended = part(m_work.attended, rows, heads * size);
    m_backend.attention(
        queries, keys, v.reshaped({rows, kvHeads, size}), batch.spans, config, cache, cacheLayer, attended.reshaped({rows, heads, size}));
    const Tensor out = part(m_work.block, rows, model.hidden);
    m_backend.linear(attended, *weights.out, biasOf(weights.outBias), out);
    if (ForwardObserver *const observer = watcher())
        observer->onAttention(batch, layer, out);
    m_backend.add(part(m_work.hidden, rows, model.hidden), out);
}

} // namespace expertscope
