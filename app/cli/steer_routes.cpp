// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope steer routes: one token in one layer: what other experts would have made of the next token's probability.
#include "app/cli/load_model.h"
#include "app/cli/steer.h"
#include "app/cli/verbs.h"
#include "app/recording.h"
#include "engine/core/error.h"
#include "engine/steering/counterfactual.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>

namespace expertscope {

namespace {

struct Options {
    ModelOptions model;
    std::string prompt;
    int layer = 0;
    std::int64_t position = 0;
    CounterfactualSettings settings;
    bool csv = false;
};

std::string joined(const std::vector<std::int32_t> &experts)
{
    std::string text;
    for (std::int32_t e : experts)
        text += (text.empty() ? "" : " ") + std::to_string(e);
    return text;
}

void print(const Route &route, bool csv)
{
    const std::string experts = joined(route.experts);
    if (csv)
        std::printf("%s,%.9g,%.9g,%.9g\n", experts.c_str(), route.mass, route.logprob, route.utility);
    else
        std::printf("%-24s %10.4f %14.4f %12.4f\n", experts.c_str(), route.mass, route.logprob, route.utility);
}

int run(const Options &options, Command &command)
{
    const LoadedModel open = loadModel(options.model, command.terminal);
    CorpusRow row;
    row.id = "prompt";
    row.prompt = options.prompt;
    bool cut = false;
    const TokenSequence text = tokenSequence(row, *open.tokenizer, 0, cut);
    const CounterfactualRoutes result = counterfactualRoutes(
        *open.model, *open.backend, text, options.layer, options.position, options.settings, command.terminal.progress());
    command.terminal.endProgress();
    std::printf("%s\n", options.csv ? "experts,mass,logprob,utility" : "experts                        mass   log p (nats)      utility");
    print(result.own, options.csv);
    for (const Route &route : result.others)
        print(route, options.csv);
    char summary[240];
    const auto bytes = [&](std::int64_t t) { return open.tokenizer->tokenBytes(text.tokens[static_cast<std::size_t>(t)]); };
    std::snprintf(summary, sizeof summary,
        "%zu other routes (%s); %.1f %% are better; regret %.4f nats; agreement of router and effect %.3f (Kendall's tau-b).",
        result.others.size(), result.everySet ? "all of this size" : "drawn", 100 * result.better, result.regret, result.rankAgreement);
    command.terminal.note("Token \"" + bytes(options.position) + "\", next \"" + bytes(options.position + 1)
        + "\": the first line is the model's own route.");
    command.terminal.note(summary);
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
    app.add_option("--routes", options->settings.routes, "Other sets of experts to try")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    app.add_option("--seed", options->settings.seed, "Of the sets, where not all are tried")->capture_default_str();
    app.add_flag("--csv", options->csv, "As CSV");
    app.footer("Example:\n  expertscope steer routes --model resources/demo/model --prompt \"Open a new window\" --layer 4 --position 3");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
