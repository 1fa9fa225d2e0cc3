// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How the groups of a trace differ in one layer: shares of their tokens per expert with bootstrap intervals and permutation p-values,
// both by sequence, and the Jensen-Shannon divergence of their routing against relabelled sequences.
#pragma once

#include "engine/analysis/sequence_counts.h"
#include "engine/analysis/statistics.h"

#include <cstdint>
#include <span>
#include <vector>

namespace expertscope {

/// The same draws for every layer. Sequences are drawn within their group; groups keep their number of sequences when they are relabelled.
struct GroupDraws {
    static constexpr std::uint16_t leftOut = 0xffff;
    std::size_t replicates = 0, permutations = 0;
    std::vector<std::uint32_t> times; ///< [replicates, S] how often each sequence is drawn; 0 where left out
    std::vector<std::uint16_t> labels; ///< [permutations, S] group of each sequence, or leftOut
    std::vector<double> drawnTokens; ///< [replicates, G]
    std::vector<double> relabelledTokens; ///< [permutations, G]
};
GroupDraws drawGroups(
    const TraceMeta &meta, const SequenceGroups &groups, std::size_t replicates, std::size_t permutations, std::uint64_t seed);

struct LayerGroupShares {
    std::vector<std::int64_t> counts; ///< [G, E] tokens of the group that chose the expert
    std::vector<Interval> interval; ///< [G, E] of the share, by bootstrap; NaN for a group of one sequence
    std::vector<double> p; ///< [G, E] two-sided: share of the group minus load, against relabelled sequences; NaN without permutations
    double divergence = 0; ///< bits, see jensenShannonBits
    std::vector<double> drawnDivergence; ///< [replicates]
    std::vector<double> nullDivergence; ///< [permutations]
};
/// counts: [S, E] of forEachLayerCounts.
LayerGroupShares layerGroupShares(
    const SequenceGroups &groups, const GroupDraws &draws, std::span<const std::uint32_t> counts, std::size_t experts);

/// Generalised Jensen-Shannon divergence of the rows of counts [G, E], each normalised to 1, with equal weights: H(mean) - mean H, in
/// [0, log2 G] bits (Lin 1991). Rows of zeros are left out; NaN if none is left.
double jensenShannonBits(std::span<const double> counts, std::size_t experts);

} // namespace expertscope
