// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope steer: finds experts and writes a recipe (find), or runs a whole experiment with controls (sweep).
#include "app/cli/steer.h"

#include "app/cli/options.h"
#include "app/cli/record_corpus.h"
#include "app/cli/result_output.h"
#include "app/cli/verbs.h"
#include "engine/core/error.h"
#include "engine/core/memory_trace.h"
#include "engine/experiments/find_experts.h"
#include "io/corpus.h"
#include "io/recipe.h"
#include "io/trace_hdf5.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace expertscope {

namespace {

struct Options {
    ModelOptions model;
    CorpusCut cut;
    std::string corpus, trace, output;
    std::vector<std::string> settings;
    double tau = 0;
    const CLI::Option *tauOption = nullptr;
    FindRequest request;
    ResultOutput print;
    bool force = false;
};

/// What experts are found in, and what its token ids say.
struct Source {
    TracePtr trace;
    std::shared_ptr<const Tokenizer> tokenizer; ///< null for a trace file
};

Source sourceOf(const Options &options, Command &command)
{
    const bool runs = !options.model.model.empty() || !options.corpus.empty();
    if (runs == !options.trace.empty() || (runs && (options.model.model.empty() || options.corpus.empty())))
        throw Error{ErrorKind::Usage, "experts are found in a trace, or with a model on a corpus", "steer find",
            "Give --trace T.h5, or --model M and --corpus C"};
    if (!runs)
        return {openTraceFile(options.trace), nullptr};
    const Corpus corpus = readCorpus(options.corpus);
    const LoadedModel open = loadModel(options.model, command.terminal);
    const Sequences sequences = tokenised(corpus, open, options.cut, command.terminal);
    const auto trace = std::make_shared<MemoryTrace>();
    RunSpec spec;
    spec.capture.logprobs = false;
    recordCorpus(corpus, open, sequences, spec, command.line, *trace, command.terminal);
    trace->finish({});
    command.terminal.endProgress();
    return {trace, open.tokenizer};
}

int run(Options &options, Command &command)
{
    if (options.tauOption->count() > 0)
        options.request.tau = options.tau;
    options.request.settings = splitSettings(options.settings);
    const FindMethod &method = findMethod(options.request.method);
    checkRequest(options.request);
    const Source source = sourceOf(options, command);
    std::function<std::string(std::int32_t)> textOfToken;
    if (source.tokenizer)
        textOfToken = [tokenizer = source.tokenizer](std::int32_t id) { return tokenizer->tokenBytes(id); };
    const FoundExperts found = findExperts(source.trace, textOfToken, options.request, command.terminal.progress());
    command.terminal.endProgress();
    writeRecipe(found.recipe, options.output, options.force);
    handOver(findKind(method), found.result, options.print, command);
    command.terminal.note(found.window.words);
    if (!found.raised.empty())
        command.terminal.note(std::to_string(sizeOf(found.raised)) + " experts chosen (layer: experts): " + wordsOf(found.raised));
    if (!found.lowered.empty())
        command.terminal.note(std::to_string(sizeOf(found.lowered)) + " lowest chosen (layer: experts): " + wordsOf(found.lowered));
    command.terminal.note("Recipe: " + options.output);
    return 0;
}

} // namespace

void declareSteerFind(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    std::string methods;
    for (const FindMethod &method : findMethods())
        methods += (methods.empty() ? "" : "; ") + std::string{method.id} + ": " + std::string{method.help};
    app.add_option("--method", options->request.method, methods)->required();
    declareModelOptions(app, options->model);
    app.add_option("-c,--corpus", options->corpus, "JSONL, CSV, TSV or plain text, one sequence a row");
    app.add_option("--trace", options->trace, "A trace file, in place of model and corpus");
    app.add_option("-o,--output", options->output, "Recipe to write")->required();
    app.add_option("--set", options->settings, "A setting of the analysis behind the method, as name=value; repeat it for more")
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false);
    app.add_option("--pivot", options->request.pivot, "Language the others are compared with")->capture_default_str();
    options->tauOption = app.add_option("--tau", options->tau, "Choose experts with a score above this (0.3 where nothing is said)");
    app.add_option("--top", options->request.top, "In place of --tau: so many of the highest scores");
    app.add_option("--bottom", options->request.bottom, "And so many of the lowest");
    app.add_option("--window", options->request.window, "Layers: auto (the trough of the languages' divergence), all, or first-last")
        ->capture_default_str();
    app.add_option("--op", options->request.op, "Op of the recipe; else the method's own");
    app.add_option("--strength", options->request.strength, "Strength of the op");
    app.add_option("--bottom-op", options->request.lowerOp, "Op for the lowest; else the method's own");
    app.add_option("--limit", options->cut.limit, "Only the first rows of the corpus; 0 = all")->check(atLeast(0));
    app.add_flag("--force", options->force, "Replace an existing recipe");
    declareResultOutput(app, options->print, command);
    app.footer(
        "Example:\n  expertscope steer find --method task --model resources/demo/model --corpus resources/demo/corpus/domains.jsonl --set "
        "grouping=domain\n    --set target=code --set baseline=prose --tau 0.3 -o code.json");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

void declareSteer(CLI::App &app, Command &command)
{
    app.require_subcommand(1);
    app.fallthrough();
    declareSteerFind(*app.add_subcommand("find", "Finds experts by one of several methods and writes a recipe"), command);
    declareSteerSweep(*app.add_subcommand("sweep", "Runs a steering experiment with held-out texts and controls, as a plan says"), command);
    declareSteerAblate(*app.add_subcommand("ablate", "Measures what single experts do: the loss on texts without each"), command);
    declareSteerKSweep(*app.add_subcommand("k-sweep", "Measures the loss on texts with more or fewer experts a token"), command);
    declareSteerRoutes(*app.add_subcommand("routes", "Tries other experts for one token in one layer"), command);
    app.footer("Example:\n  expertscope steer sweep resources/demo/experiment.json --model resources/demo/model -o experiment");
}

} // namespace expertscope
