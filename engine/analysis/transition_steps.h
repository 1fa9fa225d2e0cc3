// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The steps of the transitions: each MoE layer's choices counted against the next one's, with the null of shifted tokens.
#pragma once

#include "engine/analysis/information_spread.h"
#include "engine/analysis/mutual_information.h"
#include "engine/analysis/pair_counter.h"
#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace expertscope {

/// What is known of one layer and the next when all tokens are counted.
struct Step {
    MutualInformation information{noNumber, noNumber, noNumber, noNumber};
    std::vector<double> null; ///< bits of each shift
    std::int64_t tokens = 0; ///< that chose in both layers
    std::vector<std::int64_t> arrivals; ///< [E] tokens that choose the expert in the next layer
    std::unique_ptr<PairCounter> counts; ///< within the band only
    std::vector<float> pointwise; ///< [E, E] log2(p_ij / (p_i p_j)); 0 where there is no pair
    std::vector<float> surprise; ///< [E] -log2 p_j of the next layer's experts
};

struct StepRequest {
    bool allPairs = false; ///< every chosen expert to every one, else first choices
    std::int64_t shifts = 0; ///< of the null
    std::uint64_t seed = 42;
    int first = 0, last = 0; ///< indices of the layers between which counts are kept
};

/// [M - 1].
std::vector<Step> countSteps(const RoutingTrace &trace, const StepRequest &request, const Progress &progress);
/// What each sequence adds to the mutual information, in a second pass that knows the shares of all.
/// [M - 1] of [S]; zeros for a single sequence.
std::vector<std::vector<InformationSums>> sumsOfSequences(
    const RoutingTrace &trace, bool allPairs, const std::vector<Step> &steps, const Progress &progress);

} // namespace expertscope
