// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/steering/compiled_recipe.h"

#include "engine/core/recipe_json.h"
#include "engine/steering/policies.h"
#include "engine/steering/resolved.h"

namespace expertscope {

namespace {

/// The policy by which the weak pass of self-contrast gives every token one expert.
PolicySetting weakPolicy(const Params &contrast)
{
    PolicySetting weak;
    if (contrast.text("weak") == "rank-k") {
        weak.policy = "rank-k";
        weak.settings = {{"rank", contrast.text("rank")}};
    } else {
        weak.policy = "random";
        weak.settings = {{"n", "1"}, {"seed", contrast.text("seed")}};
    }
    return weak;
}

} // namespace

CompiledRecipe::CompiledRecipe(
    const Recipe &recipe, const Model &model, Backend &backend, const Tokenizer *tokenizer, std::vector<std::string> labelColumns)
    : m_overrides{std::make_unique<RecipeOverrides>(recipe, model, backend, tokenizer, labelColumns)}
    , m_description{recipeJson(recipe), interventionRows(recipe, model.config())}
{
    for (const PolicySetting &setting : recipe.policies) {
        const PolicyKind &kind = policyKind(setting.policy);
        if (!setting.enabled || kind.scope != PolicyScope::Generation)
            continue;
        const Params params{kind.params, setting.settings};
        Recipe weak = recipe;
        weak.policies.push_back(weakPolicy(params)); // the last one that chooses counts
        m_weak = std::make_unique<RecipeOverrides>(weak, model, backend, tokenizer, labelColumns);
        m_contrast = {m_weak.get(), params.real("beta"), params.real("alpha")};
    }
}

Steering CompiledRecipe::steering(SteeringLog *log)
{
    return {.overrides = m_overrides.get(), .description = &m_description, .log = log, .contrast = m_contrast};
}

} // namespace expertscope
