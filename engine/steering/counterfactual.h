// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Counterfactual routes of one token in one layer: what the probability of the next token would have been with other experts
// (When Are Experts Misrouted?, arXiv:2605.07260).
#pragma once

#include "engine/core/progress.h"
#include "engine/forward/run.h"

#include <cstdint>
#include <vector>

namespace expertscope {

struct CounterfactualSettings {
    int routes = 64; ///< other sets of experts at most; where there are not more, every set is tried
    std::uint64_t seed = 42; ///< of the sets drawn otherwise
};

struct Route {
    std::vector<std::int32_t> experts; ///< rising
    double mass = 0; ///< sum of their probabilities, full softmax of the router
    double logprob = 0; ///< of the next token, nats
    double utility = 0; ///< logprob less that of the route the model took
};

struct CounterfactualRoutes {
    Route own; ///< what the model took; its utility is 0
    std::vector<Route> others; ///< the best first
    double better = 0; ///< share of `others` with a utility above 0
    double regret = 0; ///< the largest utility, at least 0
    double rankAgreement = 0; ///< Kendall's tau-b of mass and logprob over all routes; NaN where one of them is constant
    bool everySet = false; ///< `others` are all sets of this size
};

/// Token `position` of the sequence, and what it does to the probability of the token after it. The other experts are weighed by the
/// family's rule, as many as it takes. Drawn sets are Gumbel top-k samples: likely ones by the router, without repetition.
/// Reports routes. Throws Error (Usage) where there is no such layer, or no token after the position; as generate() does; Cancelled.
CounterfactualRoutes counterfactualRoutes(const Model &model, Backend &backend, const TokenSequence &sequence, int layer,
    std::int64_t position, const CounterfactualSettings &settings, const Progress &progress);

} // namespace expertscope
