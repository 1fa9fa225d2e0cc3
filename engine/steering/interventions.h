// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// InterventionKind: one op of a recipe's edits: what it does to the router logits of a row before selection, to their choice, or
// to the weights of the chosen experts after it. The list is interventions.cpp.
#pragma once

#include "engine/core/params.h"
#include "engine/core/routing_changes.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace expertscope {

/// What an edit acts with on one row.
struct EditArguments {
    std::span<const float> own; ///< [E] logits as they were before the first edit; empty for ops on weights
    std::span<const std::int32_t> experts; ///< the edited ones, in the recipe's order
    std::span<const float> vector; ///< [E] of an op that adds a vector, else empty
    float strength = 0; ///< setting "strength"; 0 where the op has none
    float epsilon = 0; ///< setting "epsilon"; 0 where the op has none
};

struct InterventionKind {
    std::string_view id; ///< kebab-case: "force-max"
    RoutingOp op; ///< the same for a backend that routes by itself
    std::string_view title;
    std::string_view help; ///< the formula and what it is for, in a sentence or two
    std::string_view source; ///< paper, section, equation
    std::span<const ParamKind> params;
    bool takesVectors = false; ///< Edit::vectors say what is added, not Edit::experts
    bool forces = false; ///< puts its experts among the chosen: at most k a layer
    /// Edits logits [E] in place; null for other ops. Each op has one of the three.
    void (*editLogits)(const EditArguments &with, std::span<float> logits) = nullptr;
    /// Edits what selection compares [E] in place: the weights stay those of the unedited scores; null for other ops.
    void (*editChoice)(const EditArguments &with, std::span<float> choice) = nullptr;
    /// Edits the final weights of the chosen experts in place; null for other ops.
    void (*editWeights)(const EditArguments &with, std::span<const std::int32_t> chosen, std::span<float> weights) = nullptr;
};

/// All ops, in the order they are offered.
std::span<const InterventionKind> interventionKinds();
/// Throws Error (Usage) that names what there is.
const InterventionKind &interventionKind(std::string_view id);

} // namespace expertscope
