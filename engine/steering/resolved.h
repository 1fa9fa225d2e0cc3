// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A recipe spelled out for one model, for those who carry it elsewhere: nothing is left to defaults.
#pragma once

#include "engine/core/model_config.h"
#include "engine/core/recipe.h"
#include "engine/core/trace.h"

#include <vector>

namespace expertscope {

/// The same recipe without what is switched off, with every layer and expert listed (those beyond k that are not forced left out) and
/// every setting given, in the order of its declaration. What acts on no layer is left out. Throws Error (Check) as validate() does.
Recipe resolved(const Recipe &recipe, const ModelConfig &config);

/// The edits of the resolved recipe, a row for each layer and expert in their order, as a trace keeps them. Policies, and the tokens and
/// phase of an edit, are in the recipe alone. Throws as resolved() does.
std::vector<Intervention> interventionRows(const Recipe &recipe, const ModelConfig &config);

} // namespace expertscope
