// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/distribution.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace expertscope {

double entropy(std::span<const float> q)
{
    double h = 0;
    for (const float x : q) {
        const auto p = static_cast<double>(x);
        if (!(p <= 0)) // NaN goes on into the sum
            h -= p * std::log(p);
    }
    return h;
}

Divergence divergence(std::span<const float> a, std::span<const float> b, double entropyA, double entropyB)
{
    double middle = 0;
    for (std::size_t e = 0; e < a.size(); ++e) {
        const double m = 0.5 * (static_cast<double>(a[e]) + static_cast<double>(b[e]));
        if (!(m <= 0))
            middle -= m * std::log(m);
    }
    const double mean = 0.5 * (entropyA + entropyB);
    const double jsd = std::max(0.0, middle - mean); // the same distribution twice may give -1e-17
    const double possible = std::log(static_cast<double>(a.size())) - mean;
    if (std::isnan(middle))
        return {middle, middle};
    return {jsd, possible < 1e-8 ? std::numeric_limits<double>::quiet_NaN() : std::min(1.0, jsd / possible)};
}

} // namespace expertscope
