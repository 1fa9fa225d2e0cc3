// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// PolicyKind: one policy of a recipe: another rule in the place of a stage of routing. Each is a StageOverrides for the rows it is
// asked about; RecipeOverrides asks it for the layers, tokens and phase of the recipe. The list is policies.cpp.
#pragma once

#include "engine/core/params.h"
#include "engine/forward/model.h"
#include "engine/routing/stages.h"

#include <memory>
#include <span>
#include <string_view>

namespace expertscope {

/// What a policy may need of the model it acts in.
struct PolicyContext {
    const Model &model;
    Backend &backend;
    std::span<const int> layers; ///< the MoE layers it acts in
};

/// What a policy is asked about.
enum class PolicyScope {
    Rows, ///< each token in the layers, tokens and phase of the recipe
    Layers, ///< whole layers, for all tokens
    Generation, ///< how the next token is drawn, in the whole model
};

struct PolicyKind {
    std::string_view id; ///< kebab-case: "top-p"
    std::string_view title;
    std::string_view help; ///< the rule and what it is for, in a sentence or two
    std::string_view source; ///< paper, section, equation
    std::span<const ParamKind> params;
    bool selects = false; ///< answers S4, and with it S6
    std::shared_ptr<StageOverrides> (*make)(const Params &params, const PolicyContext &context) = nullptr; ///< null for scope Generation
    PolicyScope scope = PolicyScope::Rows;
    std::string_view expertCount = {}; ///< setting that is a number of experts, at most as many as a layer has; empty = none
};

/// All policies, in the order they are offered.
std::span<const PolicyKind> policyKinds();
/// Throws Error (Usage) that names what there is.
const PolicyKind &policyKind(std::string_view id);

} // namespace expertscope
