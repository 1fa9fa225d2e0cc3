// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The statistics all analyses share: seeded random numbers, bootstrap, permutation p-values, false discovery rate, correlation.
// Everything here gives the same numbers on every machine and with any number of threads. NaN means "no value" throughout.
#pragma once

#include "engine/analysis/result.h"

#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace expertscope {

/// std::mt19937_64 with its own way from bits to numbers, because the distributions of <random> differ between libraries.
/// A stream is an independent generator of the same seed: one per replicate lets replicates run in any order on any thread.
class Random {
public:
    explicit Random(std::uint64_t seed, std::uint64_t stream = 0);
    /// Uniform in [0, limit); limit > 0. Unbiased.
    std::uint64_t below(std::uint64_t limit);
    double uniform(); ///< in [0, 1), 53 bits
    /// Fisher-Yates.
    template<typename T>
    void shuffle(std::span<T> values)
    {
        for (std::size_t i = values.size(); i > 1; --i)
            std::swap(values[i - 1], values[below(i)]);
    }

private:
    std::mt19937_64 m_engine;
};

struct Interval {
    double low = noNumber, high = noNumber;
};

/// Linear between order statistics (Hyndman and Fan's type 7, numpy's default). q in [0, 1]. NaN values are left out; NaN if none is left.
double quantile(std::vector<double> values, double q);
/// 2.5 % and 97.5 % quantiles: the percentile interval of bootstrap replicates, or the band of a null.
Interval interval95(std::vector<double> replicates);
/// Of the values that are not NaN; NaN if there are none.
double mean(std::span<const double> values);

/// How often each of `times.size()` units is drawn when as many are drawn with replacement (Efron 1979).
void resample(std::span<std::uint32_t> times, Random &random);
/// times[r * units + u] of `replicates` draws, replicate r from stream r of the seed. 4 bytes each.
std::vector<std::uint32_t> bootstrapDraws(std::size_t replicates, std::size_t units, std::uint64_t seed);
/// Mean of `values` in which value u counts times[u] times; NaN values are left out. NaN if nothing is left.
double resampledMean(std::span<const double> values, std::span<const std::uint32_t> times);
/// Percentile interval of the mean of one value per unit (sequence, parallel sentence). Needs two values that are not NaN, else NaN.
Interval bootstrapMean(std::span<const double> values, std::size_t replicates, std::uint64_t seed);

/// (1 + null values as extreme) / (1 + null values): never 0, exact for a permutation null (Phipson and Smyth 2010). NaN without a null.
/// upper counts values >= observed; two-sided doubles the smaller tail, at most 1.
double upperP(double observed, std::span<const double> null);
double twoSidedP(double observed, std::span<const double> null);
/// P(|Z| >= |z|) of a standard normal Z.
double normalP(double z);

/// Adjusted p-values that control the false discovery rate over all p given (Benjamini and Hochberg 1995); NaN stays NaN and does not
/// count. A result is flagged significant where the adjusted p is at most falseDiscoveryRate.
std::vector<double> benjaminiHochberg(std::span<const double> p);
inline constexpr double falseDiscoveryRate = 0.05;
/// 1 where the adjusted p is at most falseDiscoveryRate, else 0: the `significant` column.
std::vector<std::int64_t> significant(std::span<const double> p);

/// Pearson's r of the pairs in which both are numbers.
struct Correlation {
    double r = noNumber; ///< NaN for fewer than 3 pairs or where one side does not vary
    Interval interval; ///< 95 %, by Fisher's z (1921); NaN for fewer than 4 pairs
    double p = noNumber; ///< two-sided, by permutation of one side; NaN without replicates
    std::int64_t n = 0; ///< pairs
};
Correlation pearson(std::span<const double> x, std::span<const double> y, std::size_t permutations, std::uint64_t seed);
/// Pearson's r of the ranks (Spearman 1904), ties at their mean rank. The interval takes the wider error of Bonett and Wright (2000).
Correlation spearman(std::span<const double> x, std::span<const double> y, std::size_t permutations, std::uint64_t seed);

} // namespace expertscope
