// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/router_row.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace expertscope {

namespace {

constexpr float undefined = std::numeric_limits<float>::quiet_NaN();

} // namespace

float entropyOfLogits(std::span<const float> logits)
{
    if (logits.empty() || !std::all_of(logits.begin(), logits.end(), [](float x) { return std::isfinite(x); }))
        return undefined;
    // H = log2 Z - sum(p x) log2 e with x shifted by its maximum: one pass, no division per expert
    const auto top = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
    double z = 0, zx = 0;
    for (float logit : logits) {
        const double x = static_cast<double>(logit) - top;
        const double e = std::exp(x);
        z += e;
        zx += e * x;
    }
    return static_cast<float>(std::max(0.0, (std::log(z) - zx / z) / std::log(2.0)));
}

float entropyOfWeights(std::span<const float> weights)
{
    double sum = 0;
    for (float weight : weights)
        sum += weight > 0 ? static_cast<double>(weight) : 0.0;
    if (sum <= 0)
        return undefined;
    double bits = 0;
    for (float weight : weights)
        if (weight > 0) {
            const double q = static_cast<double>(weight) / sum;
            bits -= q * std::log2(q);
        }
    return static_cast<float>(std::max(0.0, bits));
}

float sumOfWeights(std::span<const float> weights)
{
    return static_cast<float>(std::accumulate(weights.begin(), weights.end(), 0.0));
}

float selectionMargin(std::span<const float> logits, std::span<const ExpertId> chosen)
{
    constexpr float infinity = std::numeric_limits<float>::infinity();
    float smallestChosen = infinity;
    float largestOther = -infinity;
    for (std::size_t e = 0; e < logits.size(); ++e) {
        if (std::isnan(logits[e]))
            return undefined;
        if (std::find(chosen.begin(), chosen.end(), static_cast<ExpertId>(e)) != chosen.end())
            smallestChosen = std::min(smallestChosen, logits[e]);
        else
            largestOther = std::max(largestOther, logits[e]);
    }
    const float margin = smallestChosen - largestOther;
    return std::isfinite(margin) ? margin : undefined;
}

} // namespace expertscope
