// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// From scores of items to a Result: each metric per condition and group, and every condition against the first, with intervals and p.
#pragma once

#include "engine/analysis/analysis.h"
#include "engine/experiments/item_scores.h"

#include <span>
#include <string>
#include <vector>

namespace expertscope {

/// What a person must know to read the result; its params are the settings of evaluationResult(). It is not one of analyses(), as it is
/// of a model and not of a trace: it needs nothing of one and has no run().
const AnalysisKind &evaluationKind();

struct ConditionScores {
    std::string name; ///< "baseline", or the recipe's
    std::vector<std::vector<ItemScore>> scores; ///< [data] of [items]
};

/// conditions: the first is what the others are compared with; alone it is only described. Tables: "differences" (where there are two
/// conditions), "scores". Bars of both by each column, for the main metric of each kind of data. Reports comparisons. Throws Error (Usage),
/// Cancelled.
Result evaluationResult(
    std::span<const EvalData> data, std::span<const ConditionScores> conditions, const Params &params, const Progress &progress);

} // namespace expertscope
