// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The routing pipeline S1-S7: router logits to experts and weights. A family's rule is its MoeFfn; whatever else changes
// routing is an override of one stage. (S0 is the router's product, S8 and S9 are the Backend's.)
#pragma once

#include "engine/core/routed_batch.h"
#include "engine/routing/stages.h"

#include <span>
#include <vector>

namespace expertscope {

/// Routes rows of logits [T, E]. selectionBias: [E], or empty where the rule has none. overrides: may be null.
/// Top-k takes the lower index of equal scores. Throws Error (Check) if a logit is not finite, or an override chooses an expert
/// twice, one that does not exist, or more than its slotCount().
RoutedBatch route(const MoeFfn &rule, std::span<const float> selectionBias, std::span<const float> logits,
    std::span<const RoutingPlace> places, const StageOverrides *overrides);

/// Throws the Error (Check) that route() throws for such a number.
[[noreturn]] void throwFault(const RoutingFault &fault, const RoutingPlace &place);

/// p = softmax(x), in f32 as the reference computes it; x and p may be the same.
void softmax(std::span<const float> x, std::span<float> p);
/// The k largest of `values`, descending, lower index first among equals.
void topK(std::span<const float> values, int k, std::vector<std::int32_t> &chosen);

} // namespace expertscope
