// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope recipe: checks a routing recipe, by itself or for a model, and prints it; or says how two differ.
#include "io/recipe.h"
#include "app/cli/verbs.h"
#include "engine/families/families.h"
#include "engine/steering/validate.h"
#include "io/model_folder.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace expertscope {

namespace {

struct Options {
    std::string file, model, other;
};

int run(const Options &options, Command &command)
{
    const Recipe recipe = readRecipe(options.file);
    if (options.model.empty()) {
        validate(recipe);
    } else {
        const auto files = openModelFolder(options.model);
        validate(recipe, configure(files->configJson, files->generationConfigJson));
        command.terminal.note("The recipe fits " + files->name + '.');
    }
    if (options.other.empty()) {
        std::printf("%s", recipeJson(recipe).c_str());
        return 0;
    }
    const std::string difference = recipeDifference(recipe, readRecipe(options.other));
    std::printf("%s", difference.c_str());
    if (difference.empty())
        command.terminal.note("They are the same.");
    return 0;
}

} // namespace

void declareRecipe(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    app.add_option("file", options->file, "Recipe (JSON)")->required();
    app.add_option("-m,--model", options->model, "Check it for this model: its layers, experts and k");
    app.add_option("--diff", options->other, "Print what to change to get this other recipe, instead of the recipe");
    app.footer("Example:\n  expertscope recipe boost.json --model resources/demo/model");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
