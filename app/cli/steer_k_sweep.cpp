// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope steer k-sweep: the loss on given texts with more or fewer experts a token.
#include "app/cli/record_corpus.h"
#include "app/cli/result_output.h"
#include "app/cli/steer.h"
#include "app/cli/verbs.h"
#include "engine/experiments/k_sweep.h"
#include "io/corpus.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace expertscope {

namespace {

struct Options {
    ModelOptions model;
    std::string corpus;
    CorpusCut cut;
    std::vector<std::string> settings;
    ResultOutput output;
};

int run(const Options &options, Command &command)
{
    const Params params{kSweepKind().params, splitSettings(options.settings)};
    const Corpus corpus = readCorpus(options.corpus);
    const LoadedModel open = loadModel(options.model, command.terminal);
    const Sequences sequences = tokenised(corpus, open, options.cut, command.terminal);
    const std::vector<KSweepPoint> points = sweepK(*open.model, *open.backend, sequences.list, params, command.terminal.progress());
    command.terminal.endProgress();
    handOver(kSweepKind(), kSweepResult(points, params), options.output, command);
    return 0;
}

} // namespace

void declareSteerKSweep(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    declareModelOptions(app, options->model)->required();
    app.add_option("-c,--corpus", options->corpus, "Texts whose loss is measured: JSONL, CSV, TSV or plain text")->required();
    app.add_option("--limit", options->cut.limit, "Only the first rows; 0 = all")->check(CLI::NonNegativeNumber);
    app.add_option("--max-tokens", options->cut.maxTokens, "Cut each sequence after this many tokens; 0 = the model's context")
        ->check(CLI::NonNegativeNumber);
    declareSettings(app, options->settings, kSweepKind());
    declareResultOutput(app, options->output, command);
    app.footer("Example:\n  expertscope steer k-sweep --model resources/demo/model --corpus resources/demo/corpus/domains.jsonl --limit 20 "
               "--set sum=rescale");
    app.callback([options, &command] { command.exitCode = run(*options, command); });
}

} // namespace expertscope
