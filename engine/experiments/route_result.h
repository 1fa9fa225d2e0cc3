// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Counterfactual routes of one token as a Result: every set of experts that was tried, and whether the router's confidence goes with
// what the sets do.
#pragma once

#include "engine/analysis/analysis.h"
#include "engine/steering/counterfactual.h"

namespace expertscope {

/// What a person must know to read the result; not one of analyses(), as it is of a model and not of a trace.
const AnalysisKind &routeKind();
CounterfactualSettings routeSettings(const Params &settings);
/// Table "routes": the model's own first, then the best first. Series "routes": dots, its curves "other sets" and "chosen by the model".
Result routeResult(const CounterfactualRoutes &routes, const Params &settings);

/// "3 7": the experts of a route as the table names it.
std::string routeName(const Route &route);

} // namespace expertscope
