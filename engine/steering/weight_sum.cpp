// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/steering/weight_sum.h"

#include "engine/routing/pipeline.h"

#include <numeric>

namespace expertscope {

namespace {

/// Of the family's own rule for this row, before its scale.
float ownSum(const RoutingRow &row)
{
    if (row.rule.normalise)
        return 1;
    std::vector<std::int32_t> own;
    topK(row.choice, row.rule.topK, own);
    return std::accumulate(
        own.begin(), own.end(), 0.0f, [&](float sum, std::int32_t e) { return sum + row.scores[static_cast<std::size_t>(e)]; });
}

} // namespace

ParamKind weightSumParam(std::string_view standard)
{
    return {"sum", "Sum of weights",
        "What the weights of a token sum to: what the model's rule makes of them, 1, or what they summed to before",
        ParamKind::Type::Choice, standard, 0, 0, "as-model|renormalise|rescale"};
}

WeightSum weightSum(std::string_view text)
{
    return text == "renormalise" ? WeightSum::Renormalise : text == "rescale" ? WeightSum::Rescale : WeightSum::AsModel;
}

bool normaliseWeights(WeightSum wanted, const RoutingRow &row, std::span<float> weights)
{
    if (wanted == WeightSum::AsModel)
        return false;
    if (wanted == WeightSum::Raw)
        return true;
    const float sum = std::accumulate(weights.begin(), weights.end(), 0.0f);
    if (sum > 0) {
        const float target = wanted == WeightSum::Rescale ? ownSum(row) : 1;
        for (float &w : weights)
            w = w / sum * target;
    }
    return true;
}

} // namespace expertscope
