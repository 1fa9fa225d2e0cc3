// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// One value per sequence and layer, averaged per language with intervals, as a table and a series: the shape of every analysis
// that draws a line per language over the layers.
#pragma once

#include "engine/analysis/result.h"
#include "engine/analysis/sequence_counts.h"

#include <cstdint>
#include <span>
#include <vector>

namespace expertscope {

struct GroupMean {
    double value = noNumber; ///< mean over sequences, each counting the same
    double low = noNumber, high = noNumber; ///< 95 % bootstrap over sequences; NaN for fewer than two
    std::int64_t n = 0; ///< sequences with a value
};
/// values: [S], NaN = no value. [G]
std::vector<GroupMean> groupMeans(std::span<const double> values, const SequenceGroups &groups, std::size_t replicates, std::uint64_t seed);
/// The mean over groups of their means, each group counting the same; resampled within the groups. n = sequences.
GroupMean meanOfGroups(std::span<const double> values, const SequenceGroups &groups, std::size_t replicates, std::uint64_t seed);

/// layers: [M] of [S]. Each sequence's mean over the layers [S].
std::vector<double> overLayers(const std::vector<std::vector<double>> &layers);
/// [M, G] groupMeans of every layer, on all cores.
std::vector<GroupMean> groupMeansByLayer(
    const std::vector<std::vector<double>> &layers, const SequenceGroups &groups, std::size_t replicates, std::uint64_t seed);

/// Columns layer, language, value, low, high, n of [M, G] means.
Table languageTable(std::string id, std::string title, std::string unit, std::string valueHelp, std::span<const int> layers,
    const SequenceGroups &groups, const std::vector<GroupMean> &means);
/// A curve per group with its interval.
Series languageSeries(std::string id, std::string title, std::string yTitle, std::string unit, std::span<const int> layers,
    const SequenceGroups &groups, const std::vector<GroupMean> &means);

} // namespace expertscope
