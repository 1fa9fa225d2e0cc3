// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/recorder.h"

#include "engine/core/error.h"
#include "engine/text/tokenizer.h"

#include <algorithm>
#include <limits>

namespace expertscope {

namespace {

bool choiceDiffers(const MoeFfn &moe)
{
    return moe.selectionBias || moe.groups > 1;
}

/// Rows of `width` values as f16 bits into rows of `stride`.
void storeHalf(std::span<const float> from, std::size_t width, std::uint16_t *to, std::size_t stride)
{
    for (std::size_t row = 0; row * width < from.size(); ++row)
        std::transform(from.begin() + static_cast<std::ptrdiff_t>(row * width),
            from.begin() + static_cast<std::ptrdiff_t>((row + 1) * width), to + row * stride, f32ToF16);
}

} // namespace

TraceFields recordedFields(const Model &model, const Capture &capture, const StageOverrides *overrides)
{
    const std::vector<LayerConfig> &layers = model.config().layers;
    TraceFields fields;
    fields.gateWeight = capture.gateWeights;
    fields.routerLogit = capture.routerLogits;
    fields.selectionScore = capture.routerLogits
        && std::any_of(layers.begin(), layers.end(), [](const LayerConfig &layer) { return layer.moe() && choiceDiffers(*layer.moe()); });
    fields.expertOutNorm = capture.expertOutNorms;
    fields.logprob = fields.predictedId = capture.logprobs;
    fields.tokenText = !model.files().tokenizerJson.empty();
    fields.meanSoftmax = true;
    fields.nActive = overrides && overrides->variesCount();
    return fields;
}

int recordedSlots(const ModelConfig &config, const StageOverrides *overrides)
{
    int most = 0;
    for (int layer : config.moeLayers()) {
        const MoeFfn &rule = *config.layers[static_cast<std::size_t>(layer)].moe();
        most = std::max(most, overrides ? overrides->slotCount(layer, rule) : rule.topK);
    }
    return most;
}

Recorder::Recorder(const Model &model, const Capture &capture, const Tokenizer *tokenizer, TraceSink &sink, const StageOverrides *overrides)
    : m_model{model}
    , m_fields{recordedFields(model, capture, overrides)}
    , m_tokenizer{tokenizer}
    , m_sink{sink}
    , m_layers{model.config().moeLayers()}
    , m_slots{static_cast<std::size_t>(recordedSlots(model.config(), overrides))}
    , m_experts{static_cast<std::size_t>(model.config().maxExperts())}
{
}

RoutingNeeds Recorder::routingNeeds() const
{
    return {m_fields.routerLogit, m_fields.selectionScore, true, m_fields.expertOutNorm};
}

void Recorder::onEmbedding(const Batch &batch, const Tensor &)
{
    const auto rows = static_cast<std::size_t>(batch.rows());
    const std::size_t perSlot = m_layers.size() * rows * m_slots;
    const std::size_t perExpert = m_layers.size() * rows * m_experts;
    m_block = {};
    m_block.count = batch.rows();
    m_block.tokenId = batch.tokens;
    m_block.position = batch.positions;
    m_block.seqIndex = batch.sequences;
    m_block.expertId.assign(perSlot, noExpert);
    m_block.gateWeight.assign(m_fields.gateWeight ? perSlot : 0, 0.0f);
    m_block.expertOutNorm.assign(m_fields.expertOutNorm ? perSlot : 0, 0);
    m_block.routerLogit.assign(m_fields.routerLogit ? perExpert : 0, 0);
    m_block.selectionScore.assign(m_fields.selectionScore ? perExpert : 0, 0);
    if (m_tokenizer && m_fields.tokenText)
        for (std::int32_t id : batch.tokens)
            m_block.bytes.push_back(m_tokenizer->tokenBytes(id));
}

void Recorder::onRouting(const Batch &batch, const RoutingTap &tap)
{
    if (tap.repeat > 0) // a trace has one place for each layer
        return;
    const auto index = static_cast<std::size_t>(std::lower_bound(m_layers.begin(), m_layers.end(), tap.layer) - m_layers.begin());
    storeSlots(index, tap);
    storeScores(index, tap);
    sumSoftmax(index, batch, tap);
}

void Recorder::storeSlots(std::size_t layerIndex, const RoutingTap &tap)
{
    const Assignments &from = tap.routed.assignments;
    const auto fromSlots = static_cast<std::size_t>(from.slotCount);
    if (fromSlots > m_slots)
        throw Error{ErrorKind::Check, "a policy chooses more experts than the recording has room for", "layer " + std::to_string(tap.layer),
            "Record with the number of slots the policy needs"};
    for (std::size_t row = 0; row < from.count.size(); ++row) {
        const std::size_t to = (layerIndex * from.count.size() + row) * m_slots;
        for (std::size_t s = 0; s < static_cast<std::size_t>(from.count[row]); ++s) {
            m_block.expertId[to + s] = static_cast<ExpertId>(from.expert[row * fromSlots + s]);
            if (m_fields.gateWeight)
                m_block.gateWeight[to + s] = from.weight[row * fromSlots + s];
            if (m_fields.expertOutNorm)
                m_block.expertOutNorm[to + s] = f32ToF16(tap.expertNorms[row * fromSlots + s]);
        }
    }
}

void Recorder::storeScores(std::size_t layerIndex, const RoutingTap &tap)
{
    const auto rows = static_cast<std::size_t>(m_block.count);
    const auto width = static_cast<std::size_t>(tap.experts); // a layer may have fewer experts than the model's most
    const std::size_t to = layerIndex * rows * m_experts;
    if (m_fields.routerLogit)
        storeHalf(tap.logits, width, m_block.routerLogit.data() + to, m_experts);
    if (m_fields.selectionScore)
        storeHalf(tap.routed.choice.empty() ? tap.routed.softmax : tap.routed.choice, width, m_block.selectionScore.data() + to, m_experts);
}

void Recorder::sumSoftmax(std::size_t layerIndex, const Batch &batch, const RoutingTap &tap)
{
    const auto width = static_cast<std::size_t>(tap.experts);
    for (std::size_t s = 0; s < batch.spans.size(); ++s) {
        const BatchSpan &span = batch.spans[s];
        double *sum = open(batch.sequences[static_cast<std::size_t>(span.firstRow)]).softmaxSum.data() + layerIndex * m_experts;
        if (!tap.softmaxSums.empty())
            for (std::size_t e = 0; e < width; ++e)
                sum[e] += tap.softmaxSums[s * width + e];
        else
            for (auto row = static_cast<std::size_t>(span.firstRow); row < static_cast<std::size_t>(span.firstRow + span.rows); ++row)
                for (std::size_t e = 0; e < width; ++e)
                    sum[e] += static_cast<double>(tap.routed.softmax[row * width + e]);
    }
}

void Recorder::finishBatch(const Batch &batch, std::span<const float> next, std::span<const std::int32_t> predicted)
{
    m_block.phase.assign(batch.tokens.size(), batch.phase);
    if (m_fields.predictedId)
        m_block.predictedId.assign(predicted.begin(), predicted.end());
    if (m_fields.logprob)
        m_block.logprob.resize(batch.tokens.size());
    for (const BatchSpan &span : batch.spans) {
        const auto first = static_cast<std::size_t>(span.firstRow);
        const auto end = static_cast<std::size_t>(span.firstRow + span.rows);
        Open &sequence = open(batch.sequences[first]);
        sequence.rows += span.rows;
        if (!m_fields.logprob)
            continue;
        m_block.logprob[first] = sequence.nextLogprob;
        std::copy(
            next.begin() + span.firstRow, next.begin() + static_cast<std::ptrdiff_t>(end) - 1, m_block.logprob.begin() + span.firstRow + 1);
        sequence.nextLogprob = next[end - 1];
    }
    m_sink.append(m_block);
}

void Recorder::setNextLogprob(std::int32_t sequence, float logprob)
{
    open(sequence).nextLogprob = logprob;
}

void Recorder::endSequence(std::int32_t sequence, SequenceInfo info)
{
    const Open &done = open(sequence);
    std::vector<float> mean(done.softmaxSum.size());
    std::transform(done.softmaxSum.begin(), done.softmaxSum.end(), mean.begin(),
        [&](double sum) { return static_cast<float>(sum / static_cast<double>(done.rows)); });
    info.firstToken = m_written;
    m_written += done.rows;
    m_sink.endSequence(info, mean);
    m_open.erase(sequence);
}

Recorder::Open &Recorder::open(std::int32_t sequence)
{
    const auto found = m_open.try_emplace(sequence).first;
    Open &state = found->second;
    if (state.softmaxSum.empty()) {
        state.softmaxSum.assign(m_layers.size() * m_experts, 0.0);
        state.nextLogprob = std::numeric_limits<float>::quiet_NaN(); // nothing predicts the first token
    }
    return state;
}

} // namespace expertscope
