// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Comparison: one text run with the model's own routing and with a recipe, side by side.
#pragma once

#include "engine/analysis/result.h"
#include "engine/core/trace.h"
#include "engine/routing/steering_log.h"

#include <cstdint>
#include <string>
#include <vector>

namespace expertscope {

struct ContinuationToken {
    std::int32_t id = 0;
    std::string bytes;
    bool operator==(const ContinuationToken &) const = default;
};

struct Comparison {
    TracePtr baseline, steered; ///< the same tokens, one sequence each
    std::vector<float> divergence; ///< [T] KL(baseline || steered) of the distribution of the token that follows each, nats
    SteeringLog log; ///< of the steered run
    std::vector<ContinuationToken> baselineContinuation, steeredContinuation; ///< greedy; empty if none was asked for
    int firstLayer = 0; ///< the first layer that was run again; the number of layers where none was
    double seconds = 0; ///< of the steered run, without the continuation
};

/// What it says in numbers: loss, divergence, agreement, experts per token; a row a token, a row a layer, and the signed map of the share
/// of tokens that choose each expert (steered minus baseline). There are no intervals: one text is no sample.
Result comparisonResult(const Comparison &comparison);

} // namespace expertscope
