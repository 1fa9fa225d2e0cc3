// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// One number per token at one layer: what the token views colour by. Each says what it is, its unit and its chance level.
#pragma once

#include "engine/core/trace.h"

#include <span>
#include <string_view>
#include <vector>

namespace expertscope {

struct TokenMetricKind {
    std::string_view id; ///< "entropy"
    std::string_view title; ///< "Router entropy"
    std::string_view unit; ///< "bits", "1", "nats"
    std::string_view help; ///< definition in a sentence or two
    bool perLayer; ///< false: the same at every layer (log-probability)
    bool categorical; ///< the value is an expert id
    bool (*available)(const TraceFields &fields);
    /// values: [n]; NaN where undefined.
    void (*compute)(const RoutingTrace &trace, TokenRange range, int layer, std::span<float> values);
};

/// top expert, entropy (of the full softmax; needs logits), weight entropy (of the chosen weights), top gate weight,
/// margin (k-th minus (k+1)-th logit; needs logits), weight sum, log-probability.
std::span<const TokenMetricKind> tokenMetrics();
const TokenMetricKind &tokenMetric(std::string_view id);

} // namespace expertscope
