// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr double z95 = 1.959963984540054;

/// Spreads neighbouring numbers over all 64 bits (Steele, Lea and Flood 2014), so that streams of one seed share nothing.
std::uint64_t splitMix(std::uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/// r of centred, scaled values; NaN where one side does not vary.
std::vector<double> standardised(std::vector<double> values)
{
    const double centre = mean(values);
    double squares = 0;
    for (double &x : values) {
        x -= centre;
        squares += x * x;
    }
    const double scale = std::sqrt(squares);
    for (double &x : values)
        x = scale > 1e-12 * (std::abs(centre) + scale) ? x / scale : noNumber;
    return values;
}

double dot(std::span<const double> x, std::span<const double> y)
{
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

/// From 1; equal values share the mean of their ranks.
std::vector<double> ranks(std::span<const double> values)
{
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    std::vector<double> rank(values.size());
    for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
        while (end < order.size() && values[order[end]] == values[order[begin]])
            ++end;
        for (std::size_t i = begin; i < end; ++i)
            rank[order[i]] = static_cast<double>(begin + end + 1) / 2;
    }
    return rank;
}

} // namespace

Random::Random(std::uint64_t seed, std::uint64_t stream)
    : m_engine{splitMix(seed ^ splitMix(stream))}
{
}

std::uint64_t Random::below(std::uint64_t limit)
{
    // the lowest 2^64 mod limit values would make some results likelier; they are below the limit, so the division is hardly ever needed
    std::uint64_t x = m_engine();
    while (x < limit && x < (0 - limit) % limit)
        x = m_engine();
    return x % limit;
}

double Random::uniform()
{
    return static_cast<double>(m_engine() >> 11) * 0x1p-53;
}

double quantile(std::vector<double> values, double q)
{
    std::erase_if(values, [](double x) { return std::isnan(x); });
    if (values.empty())
        return noNumber;
    const double at = q * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const auto nth = values.begin() + static_cast<std::ptrdiff_t>(below);
    std::nth_element(values.begin(), nth, values.end());
    if (nth + 1 == values.end())
        return *nth;
    const double next = *std::min_element(nth + 1, values.end());
    return *nth + (at - static_cast<double>(below)) * (next - *nth);
}

Interval interval95(std::vector<double> replicates)
{
    return {quantile(replicates, 0.025), quantile(replicates, 0.975)};
}

double mean(std::span<const double> values)
{
    double sum = 0;
    std::size_t n = 0;
    for (const double x : values)
        if (!std::isnan(x)) {
            sum += x;
            ++n;
        }
    return n ? sum / static_cast<double>(n) : noNumber;
}

void resample(std::span<std::uint32_t> times, Random &random)
{
    std::fill(times.begin(), times.end(), 0u);
    for (std::size_t i = 0; i < times.size(); ++i)
        ++times[random.below(times.size())];
}

std::vector<std::uint32_t> bootstrapDraws(std::size_t replicates, std::size_t units, std::uint64_t seed)
{
    std::vector<std::uint32_t> times(replicates * units);
    for (std::size_t r = 0; r < replicates; ++r) {
        Random random{seed, r};
        resample(std::span{times}.subspan(r * units, units), random);
    }
    return times;
}

double resampledMean(std::span<const double> values, std::span<const std::uint32_t> times)
{
    double sum = 0, n = 0;
    for (std::size_t u = 0; u < values.size(); ++u) {
        const bool counts = !std::isnan(values[u]);
        sum += counts ? times[u] * values[u] : 0.0;
        n += counts ? times[u] : 0.0;
    }
    return n > 0 ? sum / n : noNumber;
}

Interval bootstrapMean(std::span<const double> values, std::size_t replicates, std::uint64_t seed)
{
    if (std::count_if(values.begin(), values.end(), [](double x) { return !std::isnan(x); }) < 2)
        return {};
    std::vector<double> means;
    std::vector<std::uint32_t> times(values.size());
    for (std::size_t r = 0; r < replicates; ++r) {
        Random random{seed, r};
        resample(times, random);
        means.push_back(resampledMean(values, times));
    }
    return interval95(std::move(means));
}

double upperP(double observed, std::span<const double> null)
{
    const auto defined = std::count_if(null.begin(), null.end(), [](double x) { return !std::isnan(x); });
    if (defined == 0 || std::isnan(observed))
        return noNumber;
    const auto extreme = std::count_if(null.begin(), null.end(), [&](double x) { return x >= observed; });
    return static_cast<double>(1 + extreme) / static_cast<double>(1 + defined);
}

double twoSidedP(double observed, std::span<const double> null)
{
    const auto defined = std::count_if(null.begin(), null.end(), [](double x) { return !std::isnan(x); });
    if (defined == 0 || std::isnan(observed))
        return noNumber;
    const auto above = std::count_if(null.begin(), null.end(), [&](double x) { return x >= observed; });
    const auto below = std::count_if(null.begin(), null.end(), [&](double x) { return x <= observed; });
    return std::min(1.0, 2 * static_cast<double>(1 + std::min(above, below)) / static_cast<double>(1 + defined));
}

double normalP(double z)
{
    return std::erfc(std::abs(z) / std::sqrt(2.0));
}

std::vector<double> benjaminiHochberg(std::span<const double> p)
{
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < p.size(); ++i)
        if (!std::isnan(p[i]))
            order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
    std::vector<double> adjusted(p.size(), noNumber);
    double least = 1;
    for (std::size_t rank = order.size(); rank > 0; --rank) {
        const std::size_t i = order[rank - 1];
        least = std::min(least, p[i] * static_cast<double>(order.size()) / static_cast<double>(rank));
        adjusted[i] = least;
    }
    return adjusted;
}

std::vector<std::int64_t> significant(std::span<const double> p)
{
    std::vector<std::int64_t> flags;
    for (const double adjusted : benjaminiHochberg(p))
        flags.push_back(adjusted <= falseDiscoveryRate);
    return flags;
}

Correlation pearson(std::span<const double> x, std::span<const double> y, std::size_t permutations, std::uint64_t seed)
{
    std::vector<double> a, b;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
        if (!std::isnan(x[i]) && !std::isnan(y[i])) {
            a.push_back(x[i]);
            b.push_back(y[i]);
        }
    Correlation correlation;
    correlation.n = std::ssize(a);
    if (correlation.n < 3)
        return correlation;
    a = standardised(std::move(a));
    b = standardised(std::move(b));
    const double r = dot(a, b);
    if (std::isnan(r))
        return correlation;
    correlation.r = std::clamp(r, -1.0, 1.0);
    if (correlation.n > 3 && std::abs(correlation.r) < 1) {
        const double half = z95 / std::sqrt(static_cast<double>(correlation.n - 3));
        correlation.interval = {std::tanh(std::atanh(correlation.r) - half), std::tanh(std::atanh(correlation.r) + half)};
    }
    std::vector<double> null;
    for (std::size_t k = 0; k < permutations; ++k) {
        Random random{seed, k};
        random.shuffle(std::span{b});
        null.push_back(std::abs(dot(a, b)));
    }
    correlation.p = upperP(std::abs(r) * (1 - 1e-12), null); // the order of a sum must not decide whether a tie counts
    return correlation;
}

Correlation spearman(std::span<const double> x, std::span<const double> y, std::size_t permutations, std::uint64_t seed)
{
    std::vector<double> a, b;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
        if (!std::isnan(x[i]) && !std::isnan(y[i])) {
            a.push_back(x[i]);
            b.push_back(y[i]);
        }
    Correlation correlation = pearson(ranks(a), ranks(b), permutations, seed);
    if (!std::isnan(correlation.interval.low)) {
        const double centre = std::atanh(correlation.r);
        const double half = z95 * std::sqrt((1 + correlation.r * correlation.r / 2) / static_cast<double>(correlation.n - 3));
        correlation.interval = {std::tanh(centre - half), std::tanh(centre + half)};
    }
    return correlation;
}

} // namespace expertscope
