// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Recipe files.
#pragma once

#include "engine/core/recipe_json.h"

#include <filesystem>

namespace expertscope {

/// Throws Error (Input) as parseRecipe() and readWholeFile() do.
Recipe readRecipe(const std::filesystem::path &file);
/// Whether the file begins as recipes do; one that cannot be read does not.
bool isRecipeFile(const std::filesystem::path &file);
/// Throws Error (Input) as PartFile does.
void writeRecipe(const Recipe &recipe, const std::filesystem::path &file, bool overwrite);

} // namespace expertscope
