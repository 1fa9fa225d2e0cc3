// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/forward.h"

#include <algorithm>
#include <utility>

namespace expertscope {

namespace {

constexpr int plainSteps = 2; ///< before one is kept, which costs more than it saves in a short text

bool takesEachARowFurther(const Batch &batch)
{
    return std::ssize(batch.spans) == batch.rows()
        && std::all_of(batch.spans.begin(), batch.spans.end(), [](const BatchSpan &span) { return span.rows == 1 && span.cacheSlot >= 0; });
}

} // namespace

Tensor Forward::step(const Batch &batch, KvCache &cache, const Progress &progress)
{
    const std::int64_t vocab = m_model.config().vocab;
    if (m_stepLogits.tensor().count() < batch.rows() * vocab || !m_stepLogits) {
        m_kept.reset(); // writes to it
        m_stepLogits = m_backend.allocate(DType::F32, {batch.rows(), vocab});
    }
    const Tensor logits = part(m_stepLogits, batch.rows(), vocab);
    if (!stepAtOnce(batch, cache, logits, progress))
        m_backend.linear(run(batch, &cache, progress), *m_model.head(), nullptr, logits);
    return logits;
}

bool Forward::stepAtOnce(const Batch &batch, KvCache &cache, const Tensor &logits, const Progress &progress)
{
    const ModelConfig &config = m_model.config();
    const bool known = std::all_of(batch.tokens.begin(), batch.tokens.end(), [&](std::int32_t id) { return id >= 0 && id < config.vocab; });
    if (m_neverKeeps || !known || !takesEachARowFurther(batch) || (m_observer && m_observer->readsTensors()))
        return false;
    progress.check();
    reserve(batch.rows());
    locate(batch);
    const StepInputs inputs{batch.tokens, batch.positions, batch.spans, rowSpans(), cache};
    std::unique_ptr<KeptWork> kept = std::move(m_kept); // goes where anything fails from here on
    if (!kept || !kept->step->run(inputs)) {
        if (kept || m_stepRows != batch.rows())
            m_plainSteps = 0;
        m_stepRows = batch.rows();
        kept.reset();
        if (++m_plainSteps <= plainSteps)
            return false;
        kept = keep(batch, inputs, logits, progress);
        m_neverKeeps = !kept || !kept->step->run(inputs);
        if (m_neverKeeps)
            return false;
    }
    if (m_observer)
        m_observer->onEmbedding(batch, part(m_work.hidden, batch.rows(), config.hidden));
    for (const PendingLayer &layer : kept->layers)
        collect(batch, layer);
    if (m_observer)
        m_observer->onFinalNorm(batch, part(m_work.normed, batch.rows(), config.hidden));
    m_kept = std::move(kept);
    return true;
}

std::unique_ptr<Forward::KeptWork> Forward::keep(
    const Batch &batch, const StepInputs &inputs, const Tensor &logits, const Progress &progress)
{
    const Tensor hidden = part(m_work.hidden, batch.rows(), m_model.config().hidden);
    const Tensor normed = part(m_work.normed, batch.rows(), m_model.config().hidden);
    auto kept = std::make_unique<KeptWork>();
    m_pending.clear(); // of a run that was cancelled or failed
    m_keeping = true;
    try {
        kept->step = m_backend.keep(inputs, [&] {
            m_backend.embed(*m_model.embedding(), batch.tokens, hidden);
            runLayers(batch, 0, &inputs.cache, Progress{progress.stopToken()}, nullptr);
            m_backend.rmsNorm(hidden, m_model.finalNorm(), m_model.config().normEps, normed);
            m_backend.linear(normed, *m_model.head(), nullptr, logits);
        });
    } catch (...) {
        m_keeping = false;
        m_pending.clear();
        throw;
    }
    m_keeping = false;
    kept->layers = std::exchange(m_pending, {});
    return kept->step ? std::move(kept) : nullptr;
}

} // namespace expertscope
