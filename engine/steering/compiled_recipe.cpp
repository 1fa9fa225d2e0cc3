// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/steering/compiled_recipe.h"

namespace expertscope {

CompiledRecipe::CompiledRecipe(const Recipe &recipe, const Model &model, const Tokenizer *tokenizer, std::vector<std::string> labelColumns)
    : m_overrides{std::make_unique<RecipeOverrides>(recipe, model.config(), tokenizer, std::move(labelColumns))}
{
}

Steering CompiledRecipe::steering(SteeringLog *log)
{
    return {m_overrides.get(), log};
}

} // namespace expertscope
