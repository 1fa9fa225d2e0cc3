// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/key_information.h"

#include "engine/analysis/result.h"

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

std::vector<double> totals(std::span<const std::uint32_t> counts, std::size_t experts)
{
    std::vector<double> sums(experts);
    for (std::size_t i = 0; i < counts.size(); ++i)
        sums[i % experts] += counts[i];
    return sums;
}

} // namespace

double mutualInformationBits(std::span<const std::uint32_t> counts, std::size_t experts)
{
    const double all = sumOf(counts);
    if (!(all > 0))
        return noNumber;
    // I = sum n log n (cells) - sum over keys - sum over experts + N log N, all over N
    double sum = xlog2x(all);
    for (std::size_t at = 0; at < counts.size(); at += experts)
        sum -= xlog2x(sumOf(counts.subspan(at, experts)));
    for (const double x : totals(counts, experts))
        sum -= xlog2x(x);
    for (const std::uint32_t x : counts)
        sum += xlog2x(x);
    return sum / all;
}

double entropyOfExpertsBits(std::span<const std::uint32_t> counts, std::size_t experts)
{
    const double all = sumOf(counts);
    if (!(all > 0))
        return noNumber;
    double sum = xlog2x(all);
    for (const double x : totals(counts, experts))
        sum -= xlog2x(x);
    return sum / all;
}

double concentration(std::span<const std::uint32_t> counts)
{
    if (counts.size() < 2)
        return noNumber;
    const double bits = entropyOfExpertsBits(counts, counts.size());
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

} // namespace expertscope
