// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope recipe: checks a routing recipe, by itself or for a model, and prints it; or says how two differ, or exports it for
// other tools.
#include "io/recipe.h"
#include "app/cli/result_output.h"
#include "app/cli/verbs.h"
#include "engine/core/error.h"
#include "engine/families/families.h"
#include "engine/steering/resolved.h"
#include "engine/steering/validate.h"
#include "io/exporters/router_vectors.h"
#include "io/exporters/transformers_script.h"
#include "io/model_folder.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace expertscope {

namespace {

struct Options {
    std::string file, model, other, script, vectors;
    bool force = false;
};

void exportVectors(const Recipe &recipe, const ModelConfig &config, const Options &options)
{
    const std::vector<NamedArray> arrays = routerVectors(recipe, config);
    const bool isNumpy = options.vectors.ends_with(".npz");
    if (!isNumpy && !options.vectors.ends_with(".safetensors"))
        throw Error{ErrorKind::Usage, "vectors are written as .npz or .safetensors", options.vectors, "Give the file one of these endings"};
    writeFile(options.vectors,
        isNumpy ? npzBytes(arrays)
                : safetensorsBytes(arrays, {{"recipe", recipe.name}, {"model", recipe.model.id}, {"family", config.family}}),
        options.force);
    std::printf("%s\n", options.vectors.c_str());
}

void exportAll(const Recipe &recipe, const ModelConfig &config, const Options &options)
{
    if (!options.script.empty()) {
        writeFile(options.script, transformersScript(recipe, config), options.force);
        std::printf("%s\n", options.script.c_str());
    }
    if (!options.vectors.empty())
        exportVectors(recipe, config, options);
}

int run(const Options &options, Command &command)
{
    const Recipe recipe = readRecipe(options.file);
    const bool exports = !options.script.empty() || !options.vectors.empty();
    if (options.model.empty()) {
        if (exports)
            throw Error{ErrorKind::Usage, "an export needs the model that it is for", options.file, "Name it with --model"};
        validate(recipe);
    } else {
        const auto files = openModelFolder(options.model);
        const ModelConfig config = configure(files->configJson, files->generationConfigJson);
        validate(recipe, config);
        command.terminal.note("The recipe fits " + files->name + '.');
        if (exports) {
            exportAll(resolved(recipe, config), config, options);
            return 0;
        }
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
    app.add_option("--export-transformers", options->script, "Write a Python script that steers the model in Hugging Face transformers");
    app.add_option("--export-vectors", options->vectors,
        "Write what is added to the router logits of each layer, as .npz or .safetensors; constants only");
    app.add_flag("--force", options->force, "Replace an existing output file");
    app.footer("Example:\n  expertscope recipe boost.json --model resources/demo/model\n"
               "  expertscope recipe boost.json --model resources/demo/model --export-transformers boost.py");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
