// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// CompiledRecipe: all that traceSequences() and generate() need of a recipe, for one loaded model.
#pragma once

#include "engine/core/recipe.h"
#include "engine/forward/run.h"
#include "engine/steering/recipe_overrides.h"

#include <memory>
#include <string>
#include <vector>

namespace expertscope {

class CompiledRecipe {
public:
    /// Model, backend and tokenizer must outlive this; the tokenizer may be null where no tokens are chosen by a pattern. labelColumns:
    /// names of the texts' further labels. Throws Error (Check) as validate() does.
    CompiledRecipe(
        const Recipe &recipe, const Model &model, Backend &backend, const Tokenizer *tokenizer, std::vector<std::string> labelColumns = {});

    /// For one run at a time, while this lives. The log may be null; what it holds is added to.
    Steering steering(SteeringLog *log = nullptr);

private:
    std::unique_ptr<RecipeOverrides> m_overrides;
    RoutingDescription m_description;
    std::unique_ptr<RecipeOverrides> m_weak; ///< of self-contrast, with the same edits; null without
    SelfContrast m_contrast;
};

} // namespace expertscope
