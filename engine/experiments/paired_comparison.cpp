// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/paired_comparison.h"

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr std::size_t exactSigns = 16;
constexpr double tie = 1 - 1e-12; ///< the order of a sum must not decide whether a tie counts

/// Sums by unit; a unit without items that count has weight 0.
struct UnitSums {
    std::vector<double> sum, weight;
};

Interval bootstrapRatio(const UnitSums &sums, std::size_t replicates, std::uint64_t seed)
{
    if (sums.sum.size() < 2)
        return {};
    std::vector<double> ratios;
    std::vector<std::uint32_t> times(sums.sum.size());
    for (std::size_t r = 0; r < replicates; ++r) {
        Random random{seed, r};
        resample(times, random);
        double sum = 0, weight = 0;
        for (std::size_t u = 0; u < times.size(); ++u) {
            sum += times[u] * sums.sum[u];
            weight += times[u] * sums.weight[u];
        }
        ratios.push_back(weight > 0 ? sum / weight : noNumber);
    }
    return interval95(std::move(ratios));
}

double total(const std::vector<double> &values)
{
    double sum = 0;
    for (const double x : values)
        sum += x;
    return sum;
}

} // namespace

MetricEstimate estimate(const MetricValues &values, const Units &units, std::size_t replicates, std::uint64_t seed)
{
    MetricEstimate result;
    UnitSums sums;
    for (const std::vector<std::size_t> &unit : units) {
        double sum = 0, weight = 0;
        for (const std::size_t i : unit)
            if (!std::isnan(values.sum[i]) && values.weight[i] > 0) {
                sum += values.sum[i];
                weight += values.weight[i];
                ++result.items;
            }
        if (weight > 0) {
            sums.sum.push_back(sum);
            sums.weight.push_back(weight);
        }
    }
    result.units = std::ssize(sums.sum);
    if (result.units > 0)
        result.value = total(sums.sum) / total(sums.weight);
    result.interval = bootstrapRatio(sums, replicates, seed);
    return result;
}

PairedDifference compare(const MetricValues &baseline, const MetricValues &value, const Units &units, bool binary, std::size_t replicates,
    std::size_t permutations, std::uint64_t seed)
{
    PairedDifference result;
    UnitSums sums;
    double before = 0, after = 0;
    bool single = true;
    for (const std::vector<std::size_t> &unit : units) {
        double difference = 0, weight = 0;
        std::int64_t items = 0;
        for (const std::size_t i : unit) {
            if (std::isnan(baseline.sum[i]) || std::isnan(value.sum[i]) || value.weight[i] <= 0)
                continue;
            ++items;
            before += baseline.sum[i];
            after += value.sum[i];
            difference += value.sum[i] - baseline.sum[i];
            weight += value.weight[i];
            result.higher += value.sum[i] > baseline.sum[i];
            result.lower += value.sum[i] < baseline.sum[i];
        }
        if (items == 0)
            continue;
        result.items += items;
        single = single && items == 1;
        sums.sum.push_back(difference);
        sums.weight.push_back(weight);
    }
    result.units = std::ssize(sums.sum);
    if (result.units == 0)
        return result;
    const double weight = total(sums.weight);
    result.baseline = before / weight;
    result.value = after / weight;
    result.difference = total(sums.sum) / weight;
    result.interval = bootstrapRatio(sums, replicates, seed);
    if (binary && single) {
        result.p = mcNemarP(result.higher, result.lower);
        result.test = "mcnemar";
    } else if (result.units > 1 && permutations > 0) {
        result.p = signFlipP(sums.sum, permutations, seed + 1); // other draws than the bootstrap's
        result.test = "sign-flip";
    }
    return result;
}

double mcNemarP(std::int64_t b, std::int64_t c)
{
    const auto n = static_cast<double>(b + c);
    double tail = 0;
    for (std::int64_t k = 0; k <= std::min(b, c); ++k) {
        const auto x = static_cast<double>(k);
        tail += std::exp(std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) - n * std::log(2.0));
    }
    return std::min(1.0, 2 * tail);
}

double signFlipP(std::span<const double> differences, std::size_t permutations, std::uint64_t seed)
{
    std::vector<double> sizes;
    double observed = 0;
    for (const double x : differences)
        if (x != 0) {
            observed += x;
            sizes.push_back(std::abs(x));
        }
    observed = std::abs(observed) * tie;
    const auto flipped = [&](auto sign) {
        double sum = 0;
        for (std::size_t i = 0; i < sizes.size(); ++i)
            sum += sign(i) ? sizes[i] : -sizes[i];
        return std::abs(sum);
    };
    if (sizes.size() <= exactSigns) {
        const std::size_t all = std::size_t{1} << sizes.size();
        std::size_t extreme = 0;
        for (std::size_t signs = 0; signs < all; ++signs)
            extreme += flipped([&](std::size_t i) { return (signs >> i) & 1; }) >= observed;
        return static_cast<double>(extreme) / static_cast<double>(all);
    }
    std::vector<double> null;
    for (std::size_t r = 0; r < permutations; ++r) {
        Random random{seed, r};
        std::uint64_t bits = 0;
        null.push_back(flipped([&](std::size_t i) {
            bits = i % 32 == 0 ? random.below(std::uint64_t{1} << 32) : bits >> 1;
            return bits & 1;
        }));
    }
    return upperP(observed, null);
}

} // namespace expertscope
