// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/expert_committee.h"

#include "engine/analysis/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

/// Rank of each expert, 0 = largest; equal ones in the order of their numbers.
std::vector<int> ranks(std::span<const double> values)
{
    std::vector<int> order(values.size()), rank(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
        [&](int a, int b) { return values[static_cast<std::size_t>(a)] > values[static_cast<std::size_t>(b)]; });
    for (std::size_t r = 0; r < order.size(); ++r)
        rank[static_cast<std::size_t>(order[r])] = static_cast<int>(r);
    return rank;
}

double jaccard(std::span<const int> a, std::span<const int> b, int top)
{
    int both = 0, either = 0;
    for (std::size_t e = 0; e < a.size(); ++e) {
        both += a[e] < top && b[e] < top;
        either += a[e] < top || b[e] < top;
    }
    return either ? static_cast<double>(both) / either : noNumber;
}

/// sum |c_i - c_j| / (2 E sum c).
double gini(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    const auto n = static_cast<double>(values.size());
    const double sum = std::accumulate(values.begin(), values.end(), 0.0);
    double ranked = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
        ranked += static_cast<double>(i + 1) * values[i];
    return sum > 0 ? 2 * ranked / (n * sum) - (n + 1) / n : noNumber;
}

std::vector<std::vector<int>> groupRanks(std::span<const double> means, std::size_t experts)
{
    std::vector<std::vector<int>> rank;
    for (std::size_t g = 0; g * experts < means.size(); ++g)
        if (!std::isnan(means[g * experts]))
            rank.push_back(ranks(means.subspan(g * experts, experts)));
    return rank;
}

} // namespace

std::vector<double> groupMeans(
    std::span<const float> profiles, std::span<const int> of, std::size_t groups, std::size_t experts, std::span<const std::uint32_t> times)
{
    std::vector<double> sums(groups * experts, 0.0);
    std::vector<std::int64_t> n(groups, 0);
    for (std::size_t u = 0; u < of.size(); ++u) {
        if (std::isnan(profiles[u * experts]))
            continue;
        const auto g = static_cast<std::size_t>(of[u]);
        const std::uint32_t count = times.empty() ? 1 : times[u];
        if (count == 0)
            continue;
        n[g] += count;
        for (std::size_t e = 0; e < experts; ++e)
            sums[g * experts + e] += count * static_cast<double>(profiles[u * experts + e]);
    }
    for (std::size_t g = 0; g < groups; ++g)
        for (std::size_t e = 0; e < experts; ++e)
            sums[g * experts + e] = n[g] ? sums[g * experts + e] / static_cast<double>(n[g]) : noNumber;
    return sums;
}

double meanJaccard(std::span<const double> means, std::size_t experts, int top)
{
    const std::vector<std::vector<int>> rank = groupRanks(means, experts);
    std::vector<double> pairs;
    for (std::size_t a = 0; a < rank.size(); ++a)
        for (std::size_t b = a + 1; b < rank.size(); ++b)
            pairs.push_back(jaccard(rank[a], rank[b], top));
    return mean(pairs);
}

LayerCommittee judgeCommittee(std::span<const double> means, std::size_t experts, const CommitteeRule &rule)
{
    LayerCommittee result;
    const std::size_t groups = means.size() / experts;
    const auto hasProfile = [&](std::size_t g) { return !std::isnan(means[g * experts]); };
    std::vector<std::vector<int>> rank(groups);
    std::vector<double> contribution(experts, 0.0);
    double judged = 0;
    for (std::size_t g = 0; g < groups; ++g) {
        if (!hasProfile(g))
            continue;
        rank[g] = ranks(means.subspan(g * experts, experts));
        ++judged;
        for (std::size_t e = 0; e < experts; ++e)
            contribution[e] += means[g * experts + e];
    }
    result.pairs.assign(groups * groups, noNumber);
    std::vector<double> pairs;
    for (std::size_t a = 0; a < groups; ++a)
        for (std::size_t b = 0; b < groups; ++b)
            if (hasProfile(a) && hasProfile(b)) {
                result.pairs[a * groups + b] = jaccard(rank[a], rank[b], rule.top);
                if (a < b)
                    pairs.push_back(result.pairs[a * groups + b]);
            }
    result.jaccard = mean(pairs);
    if (!pairs.empty())
        result.least = *std::min_element(pairs.begin(), pairs.end());
    if (judged < 1)
        return result;
    for (double &c : contribution)
        c /= judged;
    result.gini = gini(contribution);
    for (std::size_t e = 0; e < experts; ++e) {
        double inTop = 0, sum = 0, squares = 0;
        for (std::size_t g = 0; g < groups; ++g)
            if (hasProfile(g)) {
                inTop += rank[g][e] < rule.top;
                sum += rank[g][e] + 1;
                squares += (rank[g][e] + 1.0) * (rank[g][e] + 1.0);
            }
        CommitteeCandidate c{static_cast<int>(e), contribution[e], sum / judged, 0, inTop / judged};
        c.deviation = std::sqrt(std::max(0.0, squares / judged - c.meanRank * c.meanRank));
        if (c.frequency < rule.frequency || inTop == 0)
            continue;
        c.member = c.deviation <= rule.deviation;
        result.members += c.member;
        result.mass += c.member ? c.contribution : 0;
        result.candidates.push_back(c);
    }
    for (CommitteeCandidate &c : result.candidates)
        c.pareto = std::none_of(result.candidates.begin(), result.candidates.end(), [&](const CommitteeCandidate &other) {
            return other.meanRank <= c.meanRank && other.deviation <= c.deviation
                && (other.meanRank < c.meanRank || other.deviation < c.deviation);
        });
    std::stable_sort(result.candidates.begin(), result.candidates.end(),
        [](const CommitteeCandidate &a, const CommitteeCandidate &b) { return a.meanRank < b.meanRank; });
    return result;
}

double committeeByChance(double inTop, std::size_t groups, double share)
{
    const auto n = static_cast<double>(groups);
    double sum = 0, logChoose = 0;
    for (std::size_t g = 0; g <= groups; ++g) {
        const auto x = static_cast<double>(g);
        if (x / n >= share && g > 0)
            sum += inTop >= 1 ? (g == groups ? 1.0 : 0.0) : std::exp(logChoose + x * std::log(inTop) + (n - x) * std::log1p(-inTop));
        logChoose += std::log(n - x) - std::log(x + 1);
    }
    return sum;
}

} // namespace expertscope
