// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Difference of activation frequency between two sets of texts, expert by expert, with bootstrap intervals and permutation p-values that
// take the text as the unit (Bandarkar et al. 2025, arXiv 2510.04694, eq. 3).
#pragma once

#include "engine/analysis/statistics.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace expertscope {

/// Which texts [U] are target and which baseline, and what is drawn of them: the same for every layer.
struct ContrastDraws {
    std::vector<std::uint8_t> target; ///< [U] 1 target, 0 baseline
    std::size_t targets = 0, baselines = 0;
    std::vector<float> bootstrap; ///< [R, U] weights: how often drawn within its side, over the size of the side, negative for the baseline
    std::vector<float> permuted; ///< [P, U] the same with the labels shuffled over all texts
    std::size_t replicates = 0, permutations = 0;
};
/// Texts are resampled within their side. A side of fewer than two texts gets no replicates and no permutations.
ContrastDraws drawContrast(std::vector<std::uint8_t> target, std::size_t replicates, std::size_t permutations, std::uint64_t seed);

struct LayerContrast {
    std::vector<double> targetShare, baselineShare; ///< [E] mean over texts of the share of their tokens that chose the expert
    std::vector<double> value; ///< [E] targetShare - baselineShare, in [-1, 1]
    std::vector<Interval> interval; ///< [E]
    std::vector<double> p; ///< [E] two-sided
    std::vector<double> nullAbove; ///< [P] experts whose value is above tau when labels are shuffled
};
/// shares: [U, E] of one layer.
LayerContrast layerContrast(std::span<const float> shares, std::size_t experts, const ContrastDraws &draws, double tau);

} // namespace expertscope
