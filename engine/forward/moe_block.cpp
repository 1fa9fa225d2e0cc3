// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/forward.h"

namespace expertscope {

/// hidden += sum of weight * expert(x) + shared(x), x = normed. The only place where tokens are routed, and where routing is tapped.
void Forward::runMoe(const Batch &batch, int layer, int repeat, const MoeFfn &moe, KeptBatch *keep)
{
    const Tensor x = part(m_work.normed, batch.rows(), m_model.config().hidden);
    if (ForwardObserver *const observer = watcher())
        observer->onMoeInput(batch, layer, x);
    m_backend.linear(x, *m_model.layer(layer).router, nullptr, part(m_work.logits, batch.rows(), moe.experts));
    if (Router *const router = routerOf(layer, moe))
        routeThere(*router, batch, layer, repeat, moe, keep);
    else
        routeHere(batch, layer, repeat, moe, keep);
    if (moe.sharedWidth > 0)
        runSharedExpert(batch, layer, moe);
}

Router *Forward::routerOf(int layer, const MoeFfn &moe)
{
    const auto [found, isNew] = m_routers.try_emplace(layer);
    if (isNew) {
        const RoutingChanges *const changes = m_overrides ? m_overrides->changes(layer) : nullptr;
        if (!m_overrides || changes)
            found->second = m_backend.makeRouter(moe, m_model.layer(layer).selectionBias, changes);
    }
    return found->second.get();
}

void Forward::routeThere(Router &router, const Batch &batch, int layer, int repeat, const MoeFfn &moe, KeptBatch *keep)
{
    const Tensor x = part(m_work.normed, batch.rows(), m_model.config().hidden);
    RoutingNeeds needs = m_observer ? m_observer->routingNeeds() : RoutingNeeds{false, false, false, false};
    needs.logits |= keep != nullptr;
    needs.scores |= keep != nullptr;
    std::unique_ptr<PendingRouting> routing =
        router.route(part(m_work.logits, batch.rows(), moe.experts), {batch.spans, rowSpans()}, needs);
    announceNext(batch, layer);
    routing->runExperts(x, *m_model.layer(layer).experts, part(m_work.hidden, batch.rows(), m_model.config().hidden));
    m_pending.push_back({layer, repeat, moe.experts, keep, std::move(routing)});
    deliver(batch, 2);
}

void Forward::announceNext(const Batch &batch, int layer)
{
    const std::vector<LayerConfig> &layers = m_model.config().layers;
    const MoeFfn *moe = nullptr;
    int next = layer + 1;
    while (next < std::ssize(layers) && !(moe = layers[static_cast<std::size_t>(next)].moe()))
        ++next;
    if (!moe || !m_model.layer(next).experts->comeOnDemand())
        return;
    Router *const router = routerOf(next, *moe);
    if (!router)
        return;
    const Tensor logits = part(m_work.logits, batch.rows(), moe->experts);
    m_backend.linear(part(m_work.normed, batch.rows(), m_model.config().hidden), *m_model.layer(next).router, nullptr, logits);
    router->route(logits, {batch.spans, rowSpans()}, {false, false, false, false})->announce(*m_model.layer(next).experts);
}

void Forward::deliver(const Batch &batch, std::size_t left)
{
    if (m_keeping)
        return; // nothing has been routed yet
    while (m_pending.size() > left) {
        const PendingLayer next = std::move(m_pending.front());
        m_pending.pop_front();
        collect(batch, next);
    }
}

void Forward::collect(const Batch &batch, const PendingLayer &layer)
{
    const CollectedRouting got = layer.routing->collect();
    if (got.fault) {
        RoutingPlace place = m_places.at(static_cast<std::size_t>(got.fault->row));
        place.layer = layer.layer;
        throwFault(*got.fault, place);
    }
    tell(batch, {layer.layer, layer.repeat, layer.experts, got.logits, got.routed, got.expertNorms, got.softmaxSums}, layer.keep);
}

void Forward::routeHere(const Batch &batch, int layer, int repeat, const MoeFfn &moe, KeptBatch *keep)
{
    const LayerWeights &weights = m_model.layer(layer);
    const std::int64_t rows = batch.rows();
    const std::int64_t width = m_model.config().hidden;
    const Tensor x = part(m_work.normed, rows, width);
    const Tensor logits = part(m_work.logits, rows, moe.experts);
    deliver(batch, 0); // layers are told of in order
    m_logits.resize(static_cast<std::size_t>(rows * moe.experts));
    m_backend.download(logits, m_logits);
    const Weight *const other = m_overrides ? m_overrides->router(layer) : nullptr;
    m_otherLogits.resize(other ? m_logits.size() : 0);
    if (other) {
        m_backend.linear(x, *other, nullptr, logits);
        m_backend.download(logits, m_otherLogits);
    }
    for (std::size_t r = 0; r < m_places.size(); ++r) {
        m_places[r].layer = layer;
        m_places[r].otherLogits = {};
        if (other)
            m_places[r].otherLogits =
                std::span{m_otherLogits}.subspan(r * static_cast<std::size_t>(moe.experts), static_cast<std::size_t>(moe.experts));
    }
    const RoutedBatch routed = route(moe, weights.selectionBias, m_logits, m_places, m_overrides);

    Buffer norms;
    std::vector<float> hostNorms;
    if (m_observer && m_observer->routingNeeds().expertNorms) {
        norms = m_backend.allocate(DType::F32, {rows, routed.assignments.slotCount});
        hostNorms.resize(static_cast<std::size_t>(norms.tensor().count()));
    }
    m_backend.experts(x, routed.assignments, *weights.experts, part(m_work.hidden, rows, width), norms ? &norms.tensor() : nullptr);
    if (norms)
        m_backend.download(norms, hostNorms);
    tell(batch, {layer, repeat, moe.experts, m_logits, routed, hostNorms, {}}, keep);
}

void Forward::tell(const Batch &batch, const RoutingTap &tap, KeptBatch *keep)
{
    if (m_log && tap.repeat == 0)
        m_log->add(tap.layer, tap.routed);
    if (m_observer)
        m_observer->onRouting(batch, tap);
    if (keep)
        keep->keepRouting(tap);
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
