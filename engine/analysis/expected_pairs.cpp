// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/expected_pairs.h"

#include <cmath>
#include <numeric>

namespace expertscope {

std::vector<double> expectedPairs(const PairCounter &pairs)
{
    const auto experts = static_cast<std::size_t>(pairs.experts());
    std::vector<double> partners(experts), a(experts), expected(experts * experts, 0.0);
    for (std::size_t i = 0; i < experts; ++i)
        for (std::size_t j = 0; j < experts; ++j)
            if (i != j)
                partners[i] += static_cast<double>(pairs.count(static_cast<int>(i), static_cast<int>(j)));
    const double all = std::accumulate(partners.begin(), partners.end(), 0.0);
    if (!(all > 0))
        return expected;
    for (std::size_t i = 0; i < experts; ++i)
        a[i] = partners[i] / std::sqrt(all);
    constexpr int mostSteps = 500; // an expert in nearly every pair makes it slow; it is close long before
    for (int step = 0; step < mostSteps; ++step) {
        const double sum = std::accumulate(a.begin(), a.end(), 0.0);
        double change = 0;
        for (std::size_t i = 0; i < experts; ++i) {
            if (!(a[i] > 0))
                continue;
            const double next = std::sqrt(a[i] * partners[i] / (sum - a[i])); // the root damps the swing between steps
            change = std::max(change, std::abs(next - a[i]) / a[i]);
            a[i] = next;
        }
        if (change < 1e-13)
            break;
    }
    for (std::size_t i = 0; i < experts; ++i)
        for (std::size_t j = 0; j < experts; ++j)
            if (i != j)
                expected[i * experts + j] = a[i] * a[j];
    return expected;
}

} // namespace expertscope
