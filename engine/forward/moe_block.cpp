// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/forward.h"

namespace expertscope {

/// hidden += sum of weight * expert(x) + shared(x), x = normed. The only place where tokens are routed, and where routing is tapped.
void Forward::runMoe(const Batch &batch, int layer, int repeat, const MoeFfn &moe, KeptBatch *keep)
{
    const LayerWeights &weights = m_model.layer(layer);
    const std::int64_t rows = batch.rows();
    const std::int64_t width = m_model.config().hidden;
    const Tensor x = part(m_work.normed, rows, width);

    const Tensor logits = part(m_work.logits, rows, moe.experts);
    m_backend.linear(x, *weights.router, nullptr, logits);
    m_logits.resize(static_cast<std::size_t>(rows * moe.experts));
    m_backend.download(logits, m_logits);
    const Weight *const other = m_overrides ? m_overrides->router(layer) : nullptr;
    m_otherLogits.resize(other ? m_logits.size() : 0);
    if (other) {
        m_backend.linear(x, *other, nullptr, logits);
        m_backend.download(logits, m_otherLogits);
    }
    for (std::size_t r = 0; r < m_places.size(); ++r) {
        m_places[r] = {layer, static_cast<std::int64_t>(r), batch.sequences[r], batch.positions[r], batch.phase};
        if (other)
            m_places[r].otherLogits =
                std::span{m_otherLogits}.subspan(r * static_cast<std::size_t>(moe.experts), static_cast<std::size_t>(moe.experts));
    }
    const RoutedBatch routed = route(moe, weights.selectionBias, m_logits, m_places, m_overrides);
    if (m_log && repeat == 0)
        m_log->add(layer, routed);

    Buffer norms;
    std::vector<float> hostNorms;
    if (m_observer && m_observer->wantsExpertNorms()) {
        norms = m_backend.allocate(DType::F32, {rows, routed.assignments.slotCount});
        hostNorms.resize(static_cast<std::size_t>(norms.tensor().count()));
    }
    m_backend.experts(x, routed.assignments, weights.experts, part(m_work.hidden, rows, width), norms ? &norms.tensor() : nullptr);
    if (moe.sharedWidth > 0)
        runSharedExpert(batch, layer, moe);
    if (norms)
        m_backend.download(norms, hostNorms);
    if (m_observer)
        m_observer->onRouting(batch, {layer, repeat, x, m_logits, routed, hostNorms});
    if (keep)
        keep->keepRouting(layer, m_logits, routed, hostNorms);
}

void Forward::runSharedExpert(const Batch &batch, int layer, const MoeFfn &moe)
{
    const LayerWeights &weights = m_model.layer(layer);
    const std::int64_t rows = batch.rows();
    const std::int64_t width = m_model.config().hidden;
    const Tensor x = part(m_work.normed, rows, width);
    const Tensor out = part(m_work.block, rows, width);
    m_backend.gatedMlp(x, weights.shared, out);
    if (moe.sharedGate) {
        const Tensor gate = part(m_work.gate, rows, 1);
        m_backend.linear(x, *weights.sharedGate, nullptr, gate);
        m_backend.scaleRowsBySigmoid(out, gate);
    }
    m_backend.add(part(m_work.hidden, rows, width), out);
}

} // namespace expertscope
