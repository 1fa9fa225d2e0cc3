// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What one token's routing in one layer says in a number: entropies, sum of weights, margin of the choice.
#pragma once

#include "engine/core/trace.h"

#include <span>

namespace expertscope {

/// -sum p log2 p of the softmax of logits [E], in bits, in [0, log2 E]; NaN if a logit is not finite.
float entropyOfLogits(std::span<const float> logits);
/// -sum q log2 q of q = w / sum w over the weights [K] above 0, in bits; NaN if there is none.
float entropyOfWeights(std::span<const float> weights);
/// Sum of weights [K]; empty slots hold 0.
float sumOfWeights(std::span<const float> weights);
/// Smallest logit among the chosen experts [K] minus the largest among the others of [E]; NaN if either set is empty.
float selectionMargin(std::span<const float> logits, std::span<const ExpertId> chosen);

} // namespace expertscope
