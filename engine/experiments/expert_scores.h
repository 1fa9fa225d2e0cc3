// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Scores of every expert: how much a task, a language or anything else goes with it. What sets of experts are chosen by.
#pragma once

#include "engine/analysis/result.h"
#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <string>
#include <vector>

namespace expertscope {

struct ExpertScores {
    std::vector<int> layers; ///< [M] the model's own numbers
    int experts = 0; ///< E
    std::vector<double> values; ///< [M, E]; NaN = no score
    double at(std::size_t layer, int expert) const
    {
        return values[layer * static_cast<std::size_t>(experts) + static_cast<std::size_t>(expert)];
    }
};

/// Of each set of sequences: the mean over its sequences of the share of their tokens that chose the expert. NaN for an empty set.
std::vector<ExpertScores> activationShares(const RoutingTrace &trace, const std::vector<std::vector<int>> &sets, const Progress &progress);

/// Task experts (Bandarkar et al. 2025, arXiv 2510.04694, eq. 3): share in the target minus share in the baseline, in [-1, 1].
ExpertScores difference(const ExpertScores &target, const ExpertScores &baseline);
/// Language experts (there, 5.2): the largest such difference of any of the languages from the pivot.
ExpertScores largestDifference(const std::vector<ExpertScores> &languages, const ExpertScores &pivot);

/// A layer x expert matrix of an analysis of this trace.
ExpertScores scoresOfMatrix(const Matrix &matrix, const TraceMeta &meta);
Matrix matrixOfScores(const ExpertScores &scores, std::string id, std::string title, std::string valueTitle);

} // namespace expertscope
