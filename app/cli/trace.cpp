// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope trace: runs a corpus through a model and writes every routing decision to an HDF5 file.
#include "app/cli/options.h"
#include "app/cli/record_corpus.h"
#include "app/cli/steering_options.h"
#include "app/cli/verbs.h"
#include "engine/core/error.h"
#include "engine/core/recording_checks.h"
#include "io/corpus.h"
#include "io/trace_hdf5.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <memory>

namespace expertscope {

namespace {

struct Options {
    ModelOptions model;
    std::string corpus, output;
    RunSpec spec;
    bool noLogprobs = false, noCompression = false, halfWeights = false, force = false;
    CorpusCut cut;
    SteeringOptions steering;
};

int run(Options &options, Command &command)
{
    Terminal &terminal = command.terminal;
    options.spec.capture.logprobs = !options.noLogprobs;
    // The output is claimed before the long work, so that a wrong path is not found out after it.
    auto sink = createTraceFile(
        options.output, {.overwrite = options.force, .compress = !options.noCompression, .halfWeights = options.halfWeights});
    const Corpus corpus = readCorpus(options.corpus);
    terminal.note(corpusNote(corpus, {options.corpus}));
    const std::optional<Recipe> recipe = readRecipe(options.steering);
    const LoadedModel open = loadModel(options.model, terminal);
    SteeredRun steered{recipe, open, corpus.labelColumns};
    const Sequences sequences = tokenised(corpus, open, options.cut, terminal);

    const auto started = std::chrono::steady_clock::now();
    RecordingChecks checks;
    CheckedSink checked{*sink, checks};
    bool stopped = false;
    try {
        recordCorpus(corpus, open, sequences, options.spec, command.line, checked, terminal, steered.steering());
    } catch (const Cancelled &) {
        stopped = true;
    }
    terminal.endProgress();
    checked.finish({});
    sink.reset();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();

    const TracePtr written = openTraceFile(options.output);
    const TraceMeta &result = written->meta();
    char rate[64];
    std::snprintf(rate, sizeof rate, "%.1f s, %.0f tokens/s", seconds, static_cast<double>(result.tokens) / seconds);
    if (stopped)
        terminal.note("Stopped. Kept: the " + std::to_string(result.sequences.size()) + " complete sequences of "
            + std::to_string(sequences.list.size()) + " (" + std::to_string(result.tokens) + " tokens) in " + options.output);
    else
        terminal.note("Traced " + std::to_string(result.sequences.size()) + " sequences, " + std::to_string(result.tokens) + " tokens, "
            + std::to_string(result.moeLayers()) + " MoE layers in " + rate + ".");
    steered.report(terminal);
    std::printf("%s\n", options.output.c_str());
    return stopped ? 130 : 0;
}

} // namespace

void declareTrace(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    declareModelOptions(app, options->model)->required();
    app.add_option("-c,--corpus", options->corpus, "JSONL, CSV, TSV or plain text, one sequence a row")->required();
    app.add_option("-o,--output", options->output, "HDF5 file to write")->required();
    app.add_flag(
        "--logits", options->spec.capture.routerLogits, "Record the full router logits (large: 2 bytes per token, layer and expert)");
    app.add_flag("--norms", options->spec.capture.expertOutNorms, "Record the L2 norm of each chosen expert's output");
    app.add_flag("--no-logprobs", options->noLogprobs, "Leave out log-probabilities and predictions (saves the LM head)");
    app.add_option("--max-tokens", options->cut.maxTokens, "Cut each sequence after this many tokens; 0 = the model's context")
        ->check(atLeast(0));
    app.add_option("--limit", options->cut.limit, "Trace only the first rows; 0 = all")->check(atLeast(0));
    app.add_option("--batch-tokens", options->spec.batchTokens, "Tokens run together; more is faster and needs more memory")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    declareSteeringOptions(app, options->steering);
    app.add_flag("--half-weights", options->halfWeights, "Store gate weights as 16-bit floats");
    app.add_flag("--no-compression", options->noCompression, "Store without shuffle + gzip");
    app.add_flag("--force", options->force, "Replace an existing output file");
    app.footer("Example:\n  expertscope trace --model resources/demo/model --corpus resources/demo/corpus/parallel.jsonl -o parallel.h5");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
