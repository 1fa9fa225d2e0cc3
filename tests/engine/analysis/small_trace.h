// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A trace written down expert by expert, for tests whose numbers are worked out by hand.
#pragma once

#include "engine/core/memory_trace.h"
#include "engine/core/summary.h"
#include "engine/core/tensor.h"

#include <vector>

namespace expertscope::test {

struct SmallSequence {
    SequenceInfo info; ///< id, language, ...; its rows are filled in
    std::vector<std::vector<ExpertId>> ids; ///< [M] of [n * K]
    std::vector<std::int32_t> tokenId = {}; ///< [n]; empty = zeros
    std::vector<std::int32_t> predictedId = {}; ///< [n]; empty = the trace has none
    std::vector<std::vector<float>> weights = {}; ///< [M] of [n * K]; empty = the trace has none
    std::vector<std::vector<float>> logits = {}; ///< [M] of [n * E]; empty = the trace has none
    std::int64_t generated = 0; ///< of its n tokens, the last so many are decoded
    bool withoutIds = false; ///< the trace holds no token ids
};

inline TracePtr smallTrace(
    int experts, int slotCount, const std::vector<SmallSequence> &sequences, std::vector<std::string> labelColumns = {})
{
    TraceMeta meta;
    meta.title = "small trace";
    meta.experts = experts;
    meta.slotCount = slotCount;
    meta.model.nExperts = experts;
    meta.model.topK = slotCount;
    meta.labelColumns = std::move(labelColumns);
    const std::size_t layers = sequences.empty() ? 1 : sequences.front().ids.size();
    for (std::size_t m = 0; m < layers; ++m)
        meta.layers.push_back(static_cast<int>(m) + 1);
    if (!sequences.empty()) {
        meta.fields.predictedId = !sequences.front().predictedId.empty();
        meta.fields.gateWeight = !sequences.front().weights.empty();
        meta.fields.routerLogit = !sequences.front().logits.empty();
        meta.fields.tokenId = !sequences.front().withoutIds;
    }
    MemoryTrace trace;
    trace.begin(meta);
    std::int64_t firstToken = 0;
    for (std::size_t s = 0; s < sequences.size(); ++s) {
        const SmallSequence &sequence = sequences[s];
        const auto n = static_cast<std::int64_t>(sequence.ids.front().size()) / slotCount;
        TraceBlock block;
        block.count = n;
        block.tokenId = sequence.tokenId;
        block.tokenId.resize(meta.fields.tokenId ? static_cast<std::size_t>(n) : 0);
        block.predictedId = sequence.predictedId;
        for (std::int64_t t = 0; t < n; ++t) {
            block.position.push_back(static_cast<std::int32_t>(t));
            block.seqIndex.push_back(static_cast<std::int32_t>(s));
            block.phase.push_back(t < n - sequence.generated ? Phase::Prefill : Phase::Decode);
        }
        for (const auto &layer : sequence.ids)
            block.expertId.insert(block.expertId.end(), layer.begin(), layer.end());
        for (const auto &layer : sequence.weights)
            block.gateWeight.insert(block.gateWeight.end(), layer.begin(), layer.end());
        for (const auto &layer : sequence.logits)
            for (const float logit : layer)
                block.routerLogit.push_back(f32ToF16(logit));
        trace.append(block);
        SequenceInfo info = sequence.info;
        info.firstToken = firstToken;
        info.nPrompt = n - sequence.generated;
        info.nGenerated = sequence.generated;
        trace.endSequence(info, {});
        firstToken += n;
    }
    trace.finish({});
    return trace.snapshot();
}

/// A trace of no tokens that has counts only.
inline TracePtr countsTrace(const RoutingSummary &counts)
{
    TraceMeta meta;
    meta.experts = counts.experts;
    meta.layers = counts.layers;
    meta.slotCount = meta.model.topK = counts.topK;
    meta.fields.gateWeight = !counts.gateMass.empty();
    MemoryTrace trace;
    trace.begin(meta);
    trace.importCounts(counts);
    trace.finish({});
    return trace.snapshot();
}

} // namespace expertscope::test
