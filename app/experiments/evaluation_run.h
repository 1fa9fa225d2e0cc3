// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// An evaluation from its files to its Result: reads data and recipes, scores them, compares. The same for command line and window.
#pragma once

#include "app/experiments/experiment.h"
#include "engine/analysis/analysis.h"
#include "engine/core/recipe.h"
#include "engine/experiments/item_scores.h"

#include <filesystem>
#include <string>
#include <vector>

namespace expertscope {

/// A recipe to be tried, and what it is called where it has no name of its own.
struct NamedRecipe {
    Recipe recipe;
    std::string name;
};
/// A recipe file under its own name, or the file's. Throws as readRecipe() does.
NamedRecipe namedRecipe(const std::filesystem::path &file);

struct EvaluationPlan {
    std::vector<std::string> data; ///< files
    std::vector<NamedRecipe> recipes; ///< besides the model's own routing
    std::int64_t limit = 0; ///< only the first items of each file; 0 = all
    ScoringSettings scoring;
    ParamValues params; ///< of evaluationKind()
    std::filesystem::path folder; ///< of scores and result; empty = nothing is kept
};

/// Goes on from the scores that are in the folder, and writes the result there too. Throws Cancelled, with what was scored in the folder;
/// Error: as readEvalData(), scored() and claimFolder() do; Usage for a setting that makes no sense.
Result runEvaluation(const EvaluationPlan &plan, const Experiment &experiment);

} // namespace expertscope
