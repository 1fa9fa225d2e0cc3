// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope generate: continues a prompt and prints the text as it comes; with -o records prompt and continuation.
#include "app/cli/load_model.h"
#include "app/cli/options.h"
#include "app/cli/steering_options.h"
#include "app/cli/verbs.h"
#include "app/recording.h"
#include "engine/core/error.h"
#include "engine/core/recording_checks.h"
#include "io/trace_hdf5.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>

namespace expertscope {

namespace {

struct Options {
    ModelOptions model;
    std::string prompt, output;
    RunSpec spec;
    bool force = false;
    SteeringOptions steering;
};

std::string promptText(const std::string &given)
{
    if (given != "-")
        return given;
    return {std::istreambuf_iterator<char>{std::cin}, std::istreambuf_iterator<char>{}};
}

int run(Options &options, Command &command)
{
    std::unique_ptr<TraceSink> file;
    RecordingChecks checks;
    std::optional<CheckedSink> sink;
    if (!options.output.empty()) {
        file = createTraceFile(options.output, {.overwrite = options.force});
        sink.emplace(*file, checks);
    }
    const std::optional<Recipe> recipe = readRecipe(options.steering);
    const LoadedModel open = loadModel(options.model, command.terminal);
    SteeredRun steered{recipe, open, {}};
    CorpusRow row;
    row.id = "prompt";
    row.prompt = promptText(options.prompt);
    bool cut = false;
    const TokenSequence prompt = tokenSequence(row, *open.tokenizer, 0, cut);
    checkRun(open.model->config(), {&prompt, 1}, options.spec, steered.steering()); // before anything is printed
    if (sink) {
        TraceMeta meta = traceMeta(*open.model, *open.backend, options.spec, steered.steering());
        describeRecording(meta, "Prompt and continuation", "by the command line");
        meta.engine.commandLine = command.line;
        sink->begin(meta);
    }
    std::printf("%s", row.prompt.c_str());
    const auto print = [](const GeneratedToken &token) {
        std::fwrite(token.bytes.data(), 1, token.bytes.size(), stdout);
        std::fflush(stdout);
    };
    GenerateResult result;
    bool stopped = false;
    try {
        result = generate(*open.model, *open.backend, prompt, options.spec, open.tokenizer.get(), sink ? &*sink : nullptr, print,
            command.terminal.progress(), steered.steering());
    } catch (const Cancelled &) {
        stopped = true;
    }
    std::printf("\n");
    if (sink)
        sink->finish({});
    if (stopped) {
        command.terminal.note(sink ? "Stopped. What was run so far is in " + options.output : "Stopped.");
        return 130;
    }
    const auto rate = [](std::size_t tokens, double seconds) { return seconds > 0 ? static_cast<double>(tokens) / seconds : 0.0; };
    char text[160];
    std::snprintf(text, sizeof text, "Prompt: %zu tokens at %.0f/s. Generated: %zu tokens at %.0f/s%s.", prompt.tokens.size(),
        rate(prompt.tokens.size(), result.prefillSeconds), result.tokens.size(), rate(result.tokens.size(), result.decodeSeconds),
        result.stoppedByEos ? ", ended by the end-of-text token" : "");
    command.terminal.note(text);
    noteExperts(open, command.terminal);
    steered.report(command.terminal);
    return 0;
}

} // namespace

void declareGenerate(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    options->spec.maxNewTokens = 64;
    declareModelOptions(app, options->model)->required();
    app.add_option("-p,--prompt", options->prompt, "Text to continue; - reads standard input")->required();
    app.add_option("-n,--max-tokens", options->spec.maxNewTokens, "Tokens to generate at most")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    app.add_option("--temperature", options->spec.sampling.temperature, "0 = always the most likely token")
        ->check(CLI::Range(0.0, 100.0))
        ->capture_default_str();
    app.add_option("--top-k", options->spec.sampling.topK, "Draw among this many; 0 = all")->check(atLeast(0))->capture_default_str();
    app.add_option("--top-p", options->spec.sampling.topP, "Draw among the most likely tokens of this total probability")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    app.add_option("--seed", options->spec.sampling.seed, "Of the random draws")->capture_default_str();
    app.add_option("-o,--output", options->output, "Also write the routing of prompt and continuation to this HDF5 file");
    app.add_flag("--logits", options->spec.capture.routerLogits, "With -o: record the full router logits");
    declareSteeringOptions(app, options->steering);
    app.add_flag("--force", options->force, "Replace an existing output file");
    app.footer("Example:\n  expertscope generate --model resources/demo/model --prompt \"Open a new window\" --max-tokens 40 --temperature "
               "0.8 --seed 1");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
