// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/token_card.h"

#include "engine/analysis/router_row.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace expertscope {

namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t contextTokens = 8;
constexpr std::int64_t rowsPerRead = 4096;

TokenLayer readLayer(const RoutingTrace &trace, std::int64_t token, int layer)
{
    const TraceMeta &meta = trace.meta();
    const TokenRange row{token, token + 1};
    const auto slots = static_cast<std::size_t>(meta.slotCount);
    std::vector<ExpertId> ids(slots);
    std::vector<float> weights(slots, missing), norms(slots, missing), logits(static_cast<std::size_t>(meta.experts), missing);
    trace.expertIds(row, layer, ids);
    if (meta.fields.gateWeight)
        trace.gateWeights(row, layer, weights);
    if (meta.fields.expertOutNorm)
        trace.expertOutNorms(row, layer, norms);
    if (meta.fields.routerLogit)
        trace.routerLogits(row, layer, logits);

    TokenLayer out;
    out.layer = meta.layers[static_cast<std::size_t>(layer)];
    for (std::size_t slot = 0; slot < slots; ++slot)
        if (ids[slot] != noExpert)
            out.experts.push_back({ids[slot], weights[slot], logits[ids[slot]], norms[slot]});
    out.entropy = meta.fields.routerLogit ? entropyOfLogits(logits) : missing;
    out.margin = meta.fields.routerLogit ? selectionMargin(logits, ids) : missing;
    out.weightEntropy = meta.fields.gateWeight ? entropyOfWeights(weights) : missing;
    out.weightSum = meta.fields.gateWeight ? sumOfWeights(weights) : missing;
    return out;
}

/// Bytes of the first token of the trace that has the id; empty if none does.
std::string textInTrace(const RoutingTrace &trace, std::int32_t id, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    for (std::int64_t at = 0; meta.fields.tokenText && meta.fields.tokenId && at < meta.tokens; at += rowsPerRead) {
        progress.check();
        const TokenColumns columns = trace.tokens({at, std::min(at + rowsPerRead, meta.tokens)});
        const auto found = std::find(columns.tokenId.begin(), columns.tokenId.end(), id);
        if (found != columns.tokenId.end())
            return columns.bytes[static_cast<std::size_t>(found - columns.tokenId.begin())];
    }
    return {};
}

} // namespace

TokenCard tokenCard(const RoutingTrace &trace, std::int64_t token, const TextOfToken &textOfToken, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    checkRead(meta, {token, token + 1}, 0);
    TokenCard card;
    card.sequence = meta.sequenceOf(token);
    card.context = contextOf(trace, token, contextTokens);
    const bool hasNext = meta.sequenceOf(token + 1) == card.sequence && token + 1 < meta.tokens;
    const TokenColumns columns = trace.tokens({token, token + (hasNext ? 2 : 1)});
    card.tokenId = meta.fields.tokenId ? columns.tokenId[0] : -1;
    card.position = columns.position[0];
    card.phase = columns.phase[0];
    card.logprob = meta.fields.logprob ? columns.logprob[0] : missing;
    card.probability = std::exp(static_cast<double>(card.logprob));
    card.hasPrediction = meta.fields.predictedId;
    if (card.hasPrediction) {
        card.predictedId = columns.predictedId[0];
        card.predictionCameTrue = meta.fields.tokenId && hasNext && columns.tokenId[1] == card.predictedId;
        card.predictedText = textOfToken ? textOfToken(card.predictedId) : textInTrace(trace, card.predictedId, progress);
    }
    for (int layer = 0; layer < meta.moeLayers(); ++layer) {
        progress.check();
        card.layers.push_back(readLayer(trace, token, layer));
    }
    return card;
}

} // namespace expertscope
