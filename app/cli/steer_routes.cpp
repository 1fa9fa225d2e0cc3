// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope steer routes: one token in one layer: what other experts would have made of the next token's probability.
#include "app/cli/load_model.h"
#include "app/cli/result_output.h"
#include "app/cli/steer.h"
#include "app/cli/verbs.h"
#include "app/recording.h"
#include "engine/core/utf8.h"
#include "engine/experiments/route_result.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace expertscope {

namespace {

struct Options {
    ModelOptions model;
    std::string prompt;
    int layer = 0;
    std::int64_t position = 0;
    int routes = 64;
    std::uint64_t seed = 42;
    ResultOutput output;
};

int run(const Options &options, Command &command)
{
    const LoadedModel open = loadModel(options.model, command.terminal);
    CorpusRow row;
    row.id = "prompt";
    row.prompt = options.prompt;
    bool cut = false;
    const TokenSequence text = tokenSequence(row, *open.tokenizer, 0, cut);
    const ParamValues given{{"routes", std::to_string(options.routes)}, {"seed", std::to_string(options.seed)}};
    const Params settings{routeKind().params, given};
    const CounterfactualRoutes routes = counterfactualRoutes(
        *open.model, *open.backend, text, options.layer, options.position, routeSettings(settings), command.terminal.progress());
    command.terminal.endProgress();
    Result result = routeResult(routes, settings);
    const auto readable = [&](std::int64_t t) {
        return '"' + wellFormedUtf8(open.tokenizer->tokenBytes(text.tokens[static_cast<std::size_t>(t)])) + '"';
    };
    const std::string place = "Layer " + std::to_string(options.layer) + ", token " + std::to_string(options.position) + ", "
        + readable(options.position) + ", next " + readable(options.position + 1);
    result.notes.push_back(place + ", of the text \"" + options.prompt + "\".");
    result.series.front().title += ": " + place;
    handOver(routeKind(), result, options.output, command);
    return 0;
}

} // namespace

void declareSteerRoutes(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    declareModelOptions(app, options->model)->required();
    app.add_option("-p,--prompt", options->prompt, "Text with the token and the one after it")->required();
    app.add_option("-l,--layer", options->layer, "The model's own number")->required();
    app.add_option("--position", options->position, "Of the token whose experts are exchanged, from 0")->required();
    app.add_option("--routes", options->routes, "Other sets of experts to try")->check(CLI::Range(1, 100000))->capture_default_str();
    app.add_option("--seed", options->seed, "Of the sets, where not all are tried")->capture_default_str();
    declareResultOutput(app, options->output, command);
    app.footer("Example:\n  expertscope steer routes --model resources/demo/model --prompt \"Open a new window\" --layer 4 --position 3");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
