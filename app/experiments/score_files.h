// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Scores of a model on data under one routing, kept in a file item by item, so that a run that was stopped goes on where it was.
#pragma once

#include "app/experiments/experiment.h"
#include "engine/core/recipe.h"
#include "engine/experiments/item_scores.h"

#include <filesystem>
#include <string>
#include <vector>

namespace expertscope {

/// Scores all items, under a recipe or (null) the model's own routing. What `file` holds already is taken from it and the rest is added as
/// it comes; an empty path keeps nothing. progress: of these items. Throws Cancelled with what was done in the file; Error: Check for a
/// file of other scores or a recipe that does not fit the model, Input for a damaged file.
std::vector<ItemScore> scored(const EvalData &data, const ScoringSettings &settings, const Recipe *recipe,
    const std::filesystem::path &file, const Experiment &experiment, const Progress &progress);

/// What acts: the same for recipes that differ in name, notes and what they say of themselves.
std::string actingPart(Recipe recipe);

/// Makes the folder of an experiment, or takes one that is there if it holds nothing but `own` tables and figures. Throws Error (Input).
void claimFolder(const std::filesystem::path &folder, const std::vector<std::string> &own);

/// A name of a file out of any name: letters, digits, dot, minus and underscore stay.
std::string fileStem(const std::string &name);

} // namespace expertscope
