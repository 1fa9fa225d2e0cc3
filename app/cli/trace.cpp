// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope trace: runs a corpus through a model and writes every routing decision to an HDF5 file.
#include "app/cli/options.h"
#include "app/cli/record_corpus.h"
#include "app/cli/steering_options.h"
#include "app/cli/verbs.h"
#include "engine/core/error.h"
#include "engine/core/queued_sink.h"
#include "engine/core/recording_checks.h"
#include "engine/forward/batch_plan.h"
#include "io/corpus.h"
#include "io/recording_log.h"
#include "io/sha256.h"
#include "io/trace_hdf5.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <memory>

namespace expertscope {

namespace {

struct Options {
    ModelOptions model;
    std::string corpus, output;
    RunSpec spec;
    std::int64_t batchTokens = 0; ///< 0 = what fits
    bool noLogprobs = false, noCompression = false, halfWeights = false, force = false, noResume = false;
    CorpusCut cut;
    SteeringOptions steering;
};

/// What must be the same for a recording to be gone on with.
std::string recordingHeader(const LoadedModel &open, const Sequences &sequences, const RunSpec &spec, const Steering &steering)
{
    Sha256 texts;
    for (const TokenSequence &sequence : sequences.list) {
        texts.add(sequence.info.id).add(sequence.info.sha256).add(static_cast<std::uint64_t>(sequence.tokens.size()));
        for (const std::int32_t id : sequence.tokens)
            texts.add(static_cast<std::uint64_t>(id));
    }
    const Capture &capture = spec.capture;
    const nlohmann::json header{{"expertscope_recording", 1}, {"engine", "Expertscope " EXPERTSCOPE_VERSION},
        {"backend", open.backend->info().name}, {"model", open.model->info().name}, {"model_sha256", open.model->info().sha256},
        {"texts", texts.hex()}, {"batch_tokens", spec.batchTokens},
        {"recorded", {capture.gateWeights, capture.routerLogits, capture.expertOutNorms, capture.logprobs}},
        {"recipe", steering.description ? sha256(steering.description->recipe) : ""}};
    return header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

int run(Options &options, Command &command)
{
    Terminal &terminal = command.terminal;
    options.spec.capture.logprobs = !options.noLogprobs;
    // The output is claimed before the long work, so that a wrong path is not found out after it.
    std::optional<RecordingLog> log;
    if (!options.noResume)
        log.emplace(options.output + ".unfinished");
    auto sink = createTraceFile(options.output,
        {.overwrite = options.force,
            .compress = !options.noCompression,
            .halfWeights = options.halfWeights,
            .part = log ? options.output + ".part" : std::string{}}); // nobody else writes it while the log is ours
    const Corpus corpus = readCorpus(options.corpus);
    terminal.note(corpusNote(corpus, {options.corpus}));
    const std::optional<Recipe> recipe = readRecipe(options.steering);
    const LoadedModel open = loadModel(options.model, terminal);
    SteeredRun steered{recipe, open, corpus.labelColumns};
    const Sequences sequences = tokenised(corpus, open, options.cut, terminal);
    options.spec.batchTokens =
        options.batchTokens > 0 ? options.batchTokens : fittingBatchTokens(open.model->config(), open.backend->info());
    terminal.note("Batches of " + std::to_string(options.spec.batchTokens) + " tokens.");
    if (log)
        log->begin(recordingHeader(open, sequences, options.spec, steered.steering()), options.force);
    const std::size_t first = log ? log->sequences() : 0;
    const std::int64_t tokensBefore = log ? log->tokens() : 0;
    if (first > 0)
        terminal.note("Going on behind the " + std::to_string(first) + " sequences (" + std::to_string(tokensBefore)
            + " tokens) that an interrupted run left in " + log->file().string() + '.');

    const auto started = std::chrono::steady_clock::now();
    RecordingChecks checks;
    CheckedSink checked{*sink, checks};
    std::optional<LoggedSink> logged;
    if (log)
        logged.emplace(checked, *log);
    bool stopped = false;
    try {
        QueuedSink queued{logged ? static_cast<TraceSink &>(*logged) : checked};
        try {
            recordCorpus(corpus, open, sequences, options.spec, command.line, queued, terminal, steered.steering(), first);
        } catch (const Cancelled &) {
            stopped = true;
        }
        terminal.endProgress();
        queued.finish({});
    } catch (const Error &) {
        if (log)
            terminal.note("What was traced is kept in " + log->file().string() + "; the same command goes on there.");
        throw;
    }
    sink.reset();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();

    const TracePtr written = openTraceFile(options.output);
    const TraceMeta &result = written->meta();
    char rate[64];
    std::snprintf(rate, sizeof rate, "%.1f s, %.0f tokens/s", seconds, static_cast<double>(result.tokens - tokensBefore) / seconds);
    if (stopped)
        terminal.note("Stopped. Kept: the " + std::to_string(result.sequences.size()) + " complete sequences of "
            + std::to_string(sequences.list.size()) + " (" + std::to_string(result.tokens) + " tokens) in " + options.output);
    else
        terminal.note("Traced " + std::to_string(result.sequences.size()) + " sequences, " + std::to_string(result.tokens) + " tokens, "
            + std::to_string(result.moeLayers()) + " MoE layers in " + rate + ".");
    noteExperts(open, terminal);
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
    app.add_option("--batch-tokens", options->batchTokens,
           "Tokens run together; more is faster and needs more memory; 0 = what suits the device and fits its memory")
        ->check(CLI::Range(0, 1 << 20))
        ->capture_default_str();
    declareSteeringOptions(app, options->steering);
    app.add_flag("--half-weights", options->halfWeights, "Store gate weights as 16-bit floats");
    app.add_flag("--no-compression", options->noCompression, "Store without shuffle + gzip");
    app.add_flag("--no-resume", options->noResume,
        "Do not keep what was traced in FILE.unfinished while it runs; without it, the same command goes on where a killed one stopped");
    app.add_flag("--force", options->force, "Replace an existing output file, and what is left of a run with other settings");
    app.footer("Example:\n  expertscope trace --model resources/demo/model --corpus resources/demo/corpus/parallel.jsonl -o parallel.h5");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
