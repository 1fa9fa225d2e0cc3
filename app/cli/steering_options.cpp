// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/cli/steering_options.h"

#include "app/cli/terminal.h"
#include "io/recipe.h"

#include <CLI/CLI.hpp>

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

SteeredRun::SteeredRun(const std::optional<Recipe> &recipe, const LoadedModel &open, const std::vector<std::string> &labelColumns)
{
    if (recipe)
        m_compiled.emplace(*recipe, *open.model, *open.backend, open.tokenizer.get(), labelColumns);
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
    std::string changed;
    for (const auto &[layer, sums] : m_log.layers) {
        all.tokens += sums.tokens;
        all.activeExperts += sums.activeExperts;
        char text[48];
        std::snprintf(text, sizeof text, "%s %d: %.3f", changed.empty() ? "" : ",", layer, sums.meanChanged());
        if (sums.changedSlots > 0)
            changed += text;
    }
    char active[48];
    std::snprintf(active, sizeof active, "%.3f active.", all.meanActive());
    terminal.note("Steered: own experts of a token that were not taken, by layer:" + (changed.empty() ? " none" : changed) + "; " + active);
}

} // namespace expertscope
