// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope steer sweep: runs a plan; every score is kept, so that a run that was stopped goes on.
#include "app/cli/load_model.h"
#include "app/cli/result_output.h"
#include "app/cli/steer.h"
#include "app/cli/verbs.h"
#include "app/experiments/plan_files.h"
#include "app/experiments/sweep_run.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <memory>

namespace expertscope {

namespace {

struct Options {
    ModelOptions model;
    std::string plan, output;
    std::int64_t batchTokens = ScoringSettings{}.batchTokens;
    ResultOutput print;
};

void run(const Options &options, Command &command)
{
    const auto started = std::chrono::steady_clock::now();
    SweepPlan plan = readPlan(options.plan);
    plan.scoring.batchTokens = options.batchTokens;
    OwnModel own{options.model, command.terminal};
    const SweepReport report = runSweep(plan, options.output, experimentOf(own, command.terminal));
    command.terminal.endProgress();
    handOver(sweepKind(), report.result, options.print, command);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
    char took[64];
    std::snprintf(took, sizeof took, "Took %.0f s. Result and recipe: ", seconds.count());
    command.terminal.note(took + options.output);
}

} // namespace

void declareSteerSweep(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    app.add_option("plan", options->plan, "Plan of the experiment (JSON; see docs/experiments.md)")->required();
    declareModelOptions(app, options->model)->required();
    app.add_option("-o,--output", options->output, "Folder for scores, result and recipe; a run that was stopped goes on there")
        ->required();
    app.add_option("--batch-tokens", options->batchTokens, "Tokens run together; more is faster and needs more memory")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    declareResultOutput(app, options->print, command);
    app.footer("Example:\n  expertscope steer sweep resources/demo/experiment.json --model resources/demo/model -o experiment");
    app.callback(
        [options, &command] { command.exitCode = untilStopped(options->output, command.terminal, [&] { run(*options, command); }); });
}

} // namespace expertscope
