// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/key_information.h"

#include "engine/analysis/result.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace expertscope {

namespace {

double xlog2x(double x)
{
    return x > 0 ? x * std::log2(x) : 0.0;
}

double sumOf(std::span<const std::uint32_t> counts)
{
    return static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
}

} // namespace

MutualInformation keyInformation(std::span<const std::uint32_t> counts, std::size_t experts)
{
    return mutualInformation(std::vector<std::int64_t>(counts.begin(), counts.end()), experts);
}

double concentration(std::span<const std::uint32_t> counts)
{
    const double all = sumOf(counts);
    if (counts.size() < 2 || !(all > 0))
        return noNumber;
    double bits = 0;
    for (const std::uint32_t x : counts)
        bits -= xlog2x(x / all);
    return 1 - bits / std::log2(static_cast<double>(counts.size()));
}

double spreadOverExperts(std::span<const std::uint32_t> counts)
{
    const double all = sumOf(counts), experts = static_cast<double>(counts.size());
    if (!(all > 0))
        return noNumber;
    double squares = 0;
    for (const std::uint32_t x : counts)
        squares += (x / all - 1 / experts) * (x / all - 1 / experts);
    return std::sqrt(squares / experts);
}

Interval meanInterval(std::span<const double> values)
{
    if (values.size() < 2)
        return {};
    const double centre = mean(values), n = static_cast<double>(values.size());
    double squares = 0;
    for (const double x : values)
        squares += (x - centre) * (x - centre);
    const double half = 1.959963984540054 * std::sqrt(squares / (n - 1) / n);
    return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

} // namespace expertscope
