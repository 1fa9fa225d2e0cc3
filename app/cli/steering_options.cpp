// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/cli/steering_options.h"

#include "app/cli/terminal.h"
#include "io/recipe.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>

namespace expertscope {

void declareSteeringOptions(CLI::App &app, SteeringOptions &options)
{
    app.add_option("--recipe", options.recipe, "Steer with this recipe (JSON; see expertscope recipe)");
}

std::optional<Recipe> readRecipe(const SteeringOptions &options)
{
    return options.recipe.empty() ? std::nullopt : std::make_optional(readRecipe(std::filesystem::path{options.recipe}));
}

SteeredRun::SteeredRun(
    const std::optional<Recipe> &recipe, const LoadedModel &open, const std::vector<std::string> &labelColumns, RunSpec &spec)
{
    if (!recipe)
        return;
    m_compiled.emplace(*recipe, *open.model, *open.backend, open.tokenizer.get(), labelColumns);
    spec.routingRecipe = recipeJson(*recipe);
}

Steering SteeredRun::steering()
{
    return m_compiled ? m_compiled->steering(&m_log) : Steering{};
}

void SteeredRun::report(Terminal &terminal) const
{
    if (m_log.layers.empty())
        return;
    LayerChange all;
    for (const auto &[layer, sums] : m_log.layers) {
        all.tokens += sums.tokens;
        all.changedSlots += sums.changedSlots;
        all.activeExperts += sums.activeExperts;
    }
    const auto most = std::max_element(m_log.layers.begin(), m_log.layers.end(),
        [](const auto &a, const auto &b) { return a.second.meanChanged() < b.second.meanChanged(); });
    char text[200];
    std::snprintf(text, sizeof text,
        "Steered: %.3f of a token's own experts replaced or dropped per layer (most in layer %d: %.3f), %.3f active.", all.meanChanged(),
        most->first, most->second.meanChanged(), all.meanActive());
    terminal.note(text);
}

} // namespace expertscope
