// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Intervals of mutual information by the spread between sequences. Mutual information is the mean over counted pairs of their pointwise
// information, and that is its influence function too: the error is that of a ratio of cluster totals (ratio.h).
#pragma once

#include "engine/analysis/statistics.h"

#include <span>
#include <vector>

namespace expertscope {

/// Sums over the pairs of one sequence at one layer.
struct InformationSums {
    double bits = 0; ///< of log2(p_ij / (p_i p_j)), with the shares of all sequences
    double surprise = 0; ///< of -log2 p_j
    double pairs = 0;
};

struct InformationIntervals {
    std::vector<Interval> information; ///< [layers] 95 %, bits
    Interval meanInformation; ///< of the mean over layers, whose sequences are the same
    Interval meanExplained; ///< of the mean over layers of corrected information / entropy
};

/// sums: [layers] of [S]. corrected, entropy: [layers] bits. Intervals are NaN with fewer than two sequences that have pairs.
InformationIntervals informationIntervals(
    const std::vector<std::vector<InformationSums>> &sums, std::span<const double> corrected, std::span<const double> entropy);

} // namespace expertscope
