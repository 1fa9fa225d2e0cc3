// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A recipe as text: one readable JSON object, schema version 1, described in docs/recipes.md. What an op or policy means, and whether a
// model has the layers and experts, is engine/steering's to check.
#pragma once

#include "engine/core/recipe.h"

#include <string>
#include <string_view>

namespace expertscope {

/// Throws Error (Input) that names the field: not JSON, another version, a field that is missing, of the wrong type or not known.
Recipe parseRecipe(std::string_view json, const std::string &where);

/// The same recipe gives the same text: fields in one order, defaults left out, ends with a newline.
std::string recipeJson(const Recipe &recipe);

/// What to change in `from` to get `to`, a line a field: "edits/0/strength: 0.5 -> 0.3", "+ edits/1: {...}", "- notes: ..."; empty if
/// they are equal.
std::string recipeDifference(const Recipe &from, const Recipe &to);

} // namespace expertscope
