// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/kept_layers.h"

namespace expertscope {

void KeptBatch::beginBatch(const Batch &batch, bool expertNorms)
{
    if (batch.tokens == m_batch.tokens && batch.positions == m_batch.positions && batch.sequences == m_batch.sequences
        && (m_expertNorms || !expertNorms))
        return;
    *this = {};
    m_batch = batch;
    m_expertNorms = expertNorms;
}

const KeptBatch::Routing *KeptBatch::routing(int layer) const
{
    const auto found = m_routing.find(layer);
    return found == m_routing.end() ? nullptr : &found->second;
}

void KeptBatch::keepHidden(int layer, Backend &backend, const Tensor &hidden)
{
    if (static_cast<std::size_t>(layer) != m_hidden.size())
        return; // kept already
    m_hidden.emplace_back(static_cast<std::size_t>(hidden.count()));
    backend.download(hidden, m_hidden.back());
}

void KeptBatch::keepRouting(const RoutingTap &tap)
{
    if (!m_routing.contains(tap.layer))
        m_routing.emplace(
            tap.layer, Routing{{tap.logits.begin(), tap.logits.end()}, tap.routed, {tap.expertNorms.begin(), tap.expertNorms.end()}});
}

KeptBatch &KeptLayers::batch(std::size_t number)
{
    while (m_batches.size() <= number)
        m_batches.emplace_back();
    return m_batches[number];
}

} // namespace expertscope
