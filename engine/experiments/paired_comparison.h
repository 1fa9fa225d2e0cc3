// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// One routing against another on the same items: the difference of a metric with its interval and its p-value.
// The unit is what was drawn independently: an item, or all translations of one text.
#pragma once

#include "engine/analysis/statistics.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace expertscope {

/// A metric as a ratio of sums over items: bits over bytes, right answers over questions. NaN in `sum` leaves an item out.
struct MetricValues {
    std::vector<double> sum, weight; ///< [N]
};

/// Which items belong together, as indices into MetricValues.
using Units = std::vector<std::vector<std::size_t>>;

/// sum over sum of weights with a percentile bootstrap interval over units (NaN for fewer than two).
struct MetricEstimate {
    double value = noNumber;
    Interval interval;
    std::int64_t items = 0, units = 0;
};
MetricEstimate estimate(const MetricValues &values, const Units &units, std::size_t replicates, std::uint64_t seed);

struct PairedDifference {
    double baseline = noNumber, value = noNumber; ///< the metric under either routing, over the items both have
    double difference = noNumber; ///< value - baseline
    Interval interval; ///< 95 %, paired percentile bootstrap over units
    double p = noNumber; ///< two-sided
    std::string_view test{}; ///< "mcnemar" or "sign-flip"; empty without p
    std::int64_t items = 0, units = 0;
    std::int64_t higher = 0, lower = 0; ///< items whose sum is higher, or lower, than under the baseline
};
/// binary: sums are 0 or 1, and where every unit is one item the test is McNemar's exact one (McNemar 1947, binomial form); else the signs
/// of the units' differences are flipped at random (Fisher 1935). Both have equal weights.
PairedDifference compare(const MetricValues &baseline, const MetricValues &value, const Units &units, bool binary, std::size_t replicates,
    std::size_t permutations, std::uint64_t seed);

/// Two-sided exact binomial p of b against c discordant pairs: 1 where there are none.
double mcNemarP(std::int64_t b, std::int64_t c);
/// Two-sided p of the sum of differences when each one's sign is a fair coin: exact for up to 16 that are not zero, else by that many
/// draws.
double signFlipP(std::span<const double> differences, std::size_t permutations, std::uint64_t seed);

} // namespace expertscope
