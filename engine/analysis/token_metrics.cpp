// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/token_metrics.h"

#include "engine/analysis/router_row.h"
#include "engine/core/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace expertscope {

namespace {

constexpr std::int64_t rowsPerRead = 4096;

/// Calls one(first row of the block, block) for the range in blocks of bounded size.
template<typename One>
void inBlocks(TokenRange range, const One &one)
{
    for (std::int64_t at = range.begin; at < range.end; at += rowsPerRead)
        one(static_cast<std::size_t>(at - range.begin), TokenRange{at, std::min(at + rowsPerRead, range.end)});
}

std::size_t size(TokenRange range, int width)
{
    return static_cast<std::size_t>(range.count()) * static_cast<std::size_t>(width);
}

void topExpert(const RoutingTrace &trace, TokenRange range, int layer, std::span<float> values)
{
    const auto slots = static_cast<std::size_t>(trace.meta().slotCount);
    std::vector<ExpertId> ids;
    inBlocks(range, [&](std::size_t first, TokenRange block) {
        ids.resize(size(block, trace.meta().slotCount));
        trace.expertIds(block, layer, ids);
        for (std::size_t row = 0; row * slots < ids.size(); ++row)
            values[first + row] =
                ids[row * slots] == noExpert ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(ids[row * slots]);
    });
}

/// Fills values with of(weights of the row).
void fromWeights(const RoutingTrace &trace, TokenRange range, int layer, std::span<float> values, float (*of)(std::span<const float>))
{
    const auto slots = static_cast<std::size_t>(trace.meta().slotCount);
    std::vector<float> weights;
    inBlocks(range, [&](std::size_t first, TokenRange block) {
        weights.resize(size(block, trace.meta().slotCount));
        trace.gateWeights(block, layer, weights);
        for (std::size_t row = 0; row * slots < weights.size(); ++row)
            values[first + row] = of(std::span{weights}.subspan(row * slots, slots));
    });
}

void weightEntropy(const RoutingTrace &trace, TokenRange range, int layer, std::span<float> values)
{
    fromWeights(trace, range, layer, values, entropyOfWeights);
}

void topWeight(const RoutingTrace &trace, TokenRange range, int layer, std::span<float> values)
{
    fromWeights(trace, range, layer, values, [](std::span<const float> weights) { return weights.front(); });
}

void weightSum(const RoutingTrace &trace, TokenRange range, int layer, std::span<float> values)
{
    fromWeights(trace, range, layer, values, sumOfWeights);
}

void entropy(const RoutingTrace &trace, TokenRange range, int layer, std::span<float> values)
{
    const auto experts = static_cast<std::size_t>(trace.meta().experts);
    std::vector<float> logits;
    inBlocks(range, [&](std::size_t first, TokenRange block) {
        logits.resize(size(block, trace.meta().experts));
        trace.routerLogits(block, layer, logits);
        for (std::size_t row = 0; row * experts < logits.size(); ++row)
            values[first + row] = entropyOfLogits(std::span{logits}.subspan(row * experts, experts));
    });
}

void margin(const RoutingTrace &trace, TokenRange range, int layer, std::span<float> values)
{
    const auto slots = static_cast<std::size_t>(trace.meta().slotCount);
    const auto experts = static_cast<std::size_t>(trace.meta().experts);
    std::vector<ExpertId> ids;
    std::vector<float> logits;
    inBlocks(range, [&](std::size_t first, TokenRange block) {
        ids.resize(size(block, trace.meta().slotCount));
        logits.resize(size(block, trace.meta().experts));
        trace.expertIds(block, layer, ids);
        trace.routerLogits(block, layer, logits);
        for (std::size_t row = 0; row * experts < logits.size(); ++row)
            values[first + row] =
                selectionMargin(std::span{logits}.subspan(row * experts, experts), std::span{ids}.subspan(row * slots, slots));
    });
}

void logprob(const RoutingTrace &trace, TokenRange range, int, std::span<float> values)
{
    inBlocks(range, [&](std::size_t first, TokenRange block) {
        const std::vector<float> column = trace.tokens(block).logprob;
        std::copy(column.begin(), column.end(), values.begin() + static_cast<std::ptrdiff_t>(first));
    });
}

/// The declared function, behind the checks that are the same for all.
template<auto Compute, bool (*Available)(const TraceFields &)>
void checked(const RoutingTrace &trace, TokenRange range, int layer, std::span<float> values)
{
    checkRead(trace.meta(), range, layer, Available(trace.meta().fields), "field this token metric is made of", values.size(), 1);
    Compute(trace, range, layer, values);
}

bool always(const TraceFields &)
{
    return true;
}
bool hasWeights(const TraceFields &fields)
{
    return fields.gateWeight;
}
bool hasLogits(const TraceFields &fields)
{
    return fields.routerLogit;
}
bool hasLogprob(const TraceFields &fields)
{
    return fields.logprob;
}

const std::array metrics{
    TokenMetricKind{"top_expert", "Top expert", "expert",
        "The expert with the largest gate weight (slot 0). By chance each of E experts leads 1/E of the tokens.", true, true, always,
        checked<topExpert, always>},
    TokenMetricKind{"entropy", "Router entropy", "bits",
        "Entropy of the softmax over all E router logits, -sum p log2 p: 0 when the router is certain, log2 E when all experts are equally "
        "likely.",
        true, false, hasLogits, checked<entropy, hasLogits>},
    TokenMetricKind{"weight_entropy", "Weight entropy", "bits",
        "Entropy of the gate weights of the chosen experts, scaled to sum to 1: 0 when one expert takes all, log2 k when the k chosen "
        "share equally.",
        true, false, hasWeights, checked<weightEntropy, hasWeights>},
    TokenMetricKind{"top_weight", "Top gate weight", "1",
        "What the output of the first expert was multiplied by. Equal sharing among k normalised weights would give 1/k.", true, false,
        hasWeights, checked<topWeight, hasWeights>},
    TokenMetricKind{"margin", "Margin", "logit",
        "Smallest router logit among the chosen experts minus the largest among the others: the k-th minus the (k+1)-th logit. Near 0 the "
        "choice is a "
        "toss-up; below 0 a selection bias, group limit or policy overruled the logits.",
        true, false, hasLogits, checked<margin, hasLogits>},
    TokenMetricKind{"weight_sum", "Sum of weights", "1",
        "Sum of the gate weights of the chosen experts: the scaling factor where the model normalises them, else the share of probability "
        "the chosen "
        "experts hold; k/E if all were equally likely.",
        true, false, hasWeights, checked<weightSum, hasWeights>},
    TokenMetricKind{"logprob", "Log-probability", "nats",
        "Natural logarithm of the probability the model gave this token after the text before it; 0 is certain, -ln V a uniform guess over "
        "V tokens. The "
        "first token of a sequence has none.",
        false, false, hasLogprob, checked<logprob, hasLogprob>},
};

} // namespace

std::span<const TokenMetricKind> tokenMetrics()
{
    return metrics;
}

const TokenMetricKind &tokenMetric(std::string_view id)
{
    std::string known;
    for (const TokenMetricKind &metric : metrics) {
        if (metric.id == id)
            return metric;
        known += (known.empty() ? "" : ", ") + std::string{metric.id};
    }
    throw Error{ErrorKind::Usage, "there is no token metric \"" + std::string{id} + "\"", {}, "Use one of: " + known};
}

} // namespace expertscope
