// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What becomes of the sum of weights when a policy takes more or fewer experts than the model: families differ in whether weights
// sum to one, so it is a choice, never a habit.
#pragma once

#include "engine/core/params.h"
#include "engine/core/routing_changes.h"
#include "engine/routing/stages.h"

#include <string_view>

namespace expertscope {

/// A choice of the first, third and fourth, with this default.
ParamKind weightSumParam(std::string_view standard);
/// "as-model", "renormalise" or "rescale".
WeightSum weightSum(std::string_view text);

/// S6 of a policy: false where the family's own rule is to do it.
bool normaliseWeights(WeightSum sum, const RoutingRow &row, std::span<float> weights);

} // namespace expertscope
