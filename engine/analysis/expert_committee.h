// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// One layer's committee: which experts rank high in nearly all groups, and how much the groups' top experts have in common.
// Standing Committee, arXiv 2601.03425, eq. 13 and 14.
#pragma once

#include "engine/analysis/result.h"

#include <cstdint>
#include <span>
#include <vector>

namespace expertscope {

/// An expert in the top of enough groups.
struct CommitteeCandidate {
    int expert;
    double contribution, meanRank, deviation, frequency;
    bool member = false, pareto = false;
};

struct LayerCommittee {
    std::vector<double> pairs; ///< [G, G] Jaccard; NaN where a group has no profile
    std::vector<CommitteeCandidate> candidates; ///< in the top of enough groups
    std::vector<double> null; ///< mean Jaccard of relabelled sequences
    std::vector<double> drawnJaccard, drawnGini, drawnMass; ///< [replicates] of the bootstrap
    double jaccard = noNumber, least = noNumber, gini = noNumber, mass = 0;
    std::int64_t members = 0;
};

struct CommitteeRule {
    int top = 1; ///< experts of a group that count as its top
    double frequency = 0; ///< least share of the groups in whose top a member is
    double deviation = 0; ///< largest standard deviation of a member's rank
};

/// Mean profile of each group: [G, E]. of: group of each row of profiles; rows of NaN are left out. A group without a row is NaN.
/// times: how often each row counts; empty = once.
std::vector<double> groupMeans(std::span<const float> profiles, std::span<const int> of, std::size_t groups, std::size_t experts,
    std::span<const std::uint32_t> times = {});
/// Jaccard of the groups' top experts, mean over the pairs of groups that have a profile. means: [G, E].
double meanJaccard(std::span<const double> means, std::size_t experts, int top);
/// means: [G, E].
LayerCommittee judgeCommittee(std::span<const double> means, std::size_t experts, const CommitteeRule &rule);
/// P(an expert is in the top of at least `share` of the groups) where each group's top is a set at random.
double committeeByChance(double inTop, std::size_t groups, double share);

} // namespace expertscope
