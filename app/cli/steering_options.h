// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The option --recipe of the verbs that run a model, and what such a run says afterwards.
#pragma once

#include "app/cli/load_model.h"
#include "engine/steering/compiled_recipe.h"

#include <optional>
#include <string>
#include <vector>

namespace expertscope {

class Terminal;

struct SteeringOptions {
    std::string recipe; ///< file; empty = the model's own routing
};

void declareSteeringOptions(CLI::App &app, SteeringOptions &options);

/// Nothing where no recipe was given. Throws Error as the reader does, before a model is loaded.
std::optional<Recipe> readRecipe(const SteeringOptions &options);

/// A run that is steered if there is a recipe.
class SteeredRun {
public:
    /// Throws Error (Check) if it does not fit the model.
    SteeredRun(const std::optional<Recipe> &recipe, const LoadedModel &open, const std::vector<std::string> &labelColumns);

    Steering steering();
    /// Says for each layer how many of a token's own experts were not taken, on average, and how many experts were active.
    void report(Terminal &terminal) const;

private:
    std::optional<CompiledRecipe> m_compiled;
    SteeringLog m_log;
};

} // namespace expertscope
