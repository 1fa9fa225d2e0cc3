// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope eval: examines a model on texts, multiple choice or generation, and says what it is worth, by language and label.
#include "app/cli/load_model.h"
#include "app/cli/options.h"
#include "app/cli/result_output.h"
#include "app/cli/verbs.h"
#include "app/experiments/evaluation_run.h"
#include "engine/experiments/evaluation.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace expertscope {

namespace {

struct Options {
    ModelOptions model;
    EvaluationPlan plan;
    std::vector<std::string> recipes;
    std::string output, by;
    std::int64_t bootstrap = 1000, permutations = 2000, seed = 42;
    ResultOutput print;
};

void run(Options &options, Command &command)
{
    EvaluationPlan &plan = options.plan;
    plan.params = {{"by", options.by}, {"bootstrap", std::to_string(options.bootstrap)},
        {"permutations", std::to_string(options.permutations)}, {"seed", std::to_string(options.seed)}};
    plan.folder = options.output;
    for (const std::string &file : options.recipes)
        plan.recipes.push_back(namedRecipe(file));
    OwnModel own{options.model, command.terminal};
    const Result result = runEvaluation(plan, experimentOf(own, command.terminal));
    command.terminal.endProgress();
    handOver(evaluationKind(), result, options.print, command);
}

} // namespace

void declareEval(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    declareModelOptions(app, options->model)->required();
    app.add_option("-d,--data", options->plan.data,
           "Any corpus (loss in bits per byte), or JSONL of \"question\", \"choices\", \"answer\" (multiple choice) or of \"prompt\", "
           "\"answer\" (exact match)")
        ->required();
    app.add_option("--recipe", options->recipes, "Compare the model's own routing with this recipe; repeat it for more");
    app.add_option(
        "-o,--output", options->output, "Folder for the scores of each item and the result; a run that was stopped goes on there");
    app.add_option("--by", options->by, "Columns to group by, between commas; else language, domain and the label columns");
    app.add_option("--limit", options->plan.limit, "Only the first items of each file; 0 = all")->check(atLeast(0));
    app.add_option("--separator", options->plan.scoring.separator, "Between a question and a choice")->capture_default_str();
    app.add_option("--max-new-tokens", options->plan.scoring.maxNewTokens, "Of a generation")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    app.add_option("--batch-tokens", options->plan.scoring.batchTokens, "Tokens run together; more is faster and needs more memory")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    app.add_option("--bootstrap", options->bootstrap, "Resamplings for the intervals; 0 leaves them out")->capture_default_str();
    app.add_option("--permutations", options->permutations, "Sign flips for p; 0 leaves p out")->capture_default_str();
    app.add_option("--seed", options->seed, "Of both")->capture_default_str();
    declareResultOutput(app, options->print, command);
    app.footer("Example:\n  expertscope eval --model resources/demo/model --data resources/demo/corpus/parallel.jsonl -o evaluation");
    app.callback(
        [options, &command] { command.exitCode = untilStopped(options->output, command.terminal, [&] { run(*options, command); }); });
}

} // namespace expertscope
