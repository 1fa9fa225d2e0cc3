// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Python text that transformers scripts are put together from: one function for each op and policy, and what they share.
// What is not listed here cannot be exported.
#pragma once

#include <span>
#include <string_view>

namespace expertscope {

/// One function of the script, named as its op or policy with "_" for "-".
struct PythonPart {
    std::string_view id; ///< op or policy of a recipe
    std::string_view code; ///< its definition, ending with a newline
    std::string_view sum = {}; ///< of a policy without a setting "sum": what it does with the sum of the weights
};

/// (z [T,E], before [T,E], given: the experts or vector of the layer, edit) -> z
std::span<const PythonPart> pythonLogitEdits();
/// (weights [T,K], named [T,K], edit) -> weights
std::span<const PythonPart> pythonWeightEdits();
/// (ranked [T,E], logits [T,E], policy) -> kept [T,E]
std::span<const PythonPart> pythonPolicies();
/// Policies that no script can follow, and why: "id", "reason".
std::span<const PythonPart> policiesWithoutScript();

/// What every script has, in this order, with the recipe's values after the first and its functions after the second; the second
/// to last one is left out where no layer is skipped.
extern const std::string_view pythonImports, pythonRun, pythonSteer, pythonSteerSkips, pythonMain;
/// Routing of a layer: as the model does it; with experts that are not chosen; or with policies, which need the function before it.
extern const std::string_view pythonRoute, pythonRouteWithExclusions, pythonPlaces, pythonRouteWithPolicies;
/// What leaves layers out.
extern const std::string_view pythonSkip;

} // namespace expertscope
