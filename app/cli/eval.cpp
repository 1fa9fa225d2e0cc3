// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope eval: examines a model on texts, multiple choice or generation, and says what it is worth, by language and label.
#include "app/cli/options.h"
#include "app/cli/result_output.h"
#include "app/cli/score_files.h"
#include "app/cli/verbs.h"
#include "engine/core/error.h"
#include "engine/experiments/evaluation.h"
#include "io/eval_data.h"
#include "io/recipe.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace expertscope {

namespace fs = std::filesystem;

namespace {

struct Options {
    ModelOptions model;
    std::vector<std::string> data, recipes;
    std::string output, by;
    std::int64_t limit = 0, bootstrap = 1000, permutations = 2000, seed = 42;
    ScoringSettings scoring;
    ResultFormat format;
};

std::vector<EvalData> readAll(const Options &options)
{
    std::vector<EvalData> all;
    for (const std::string &file : options.data) {
        EvalData &data = all.emplace_back(readEvalData(file));
        if (options.limit > 0 && options.limit < std::ssize(data.corpus.rows)) {
            data.corpus.rows.resize(static_cast<std::size_t>(options.limit));
            data.tasks.resize(std::min(data.tasks.size(), data.corpus.rows.size()));
        }
    }
    return all;
}

fs::path scoreFile(const Options &options, std::size_t data, const std::string &condition)
{
    if (options.output.empty())
        return {};
    const std::string stem = fs::path{options.data[data]}.stem().string();
    return fs::path{options.output} / "scores" / (std::to_string(data + 1) + '-' + fileStem(stem) + "--" + fileStem(condition) + ".jsonl");
}

/// The recipe's own name, or the file's; a number keeps equal ones apart.
std::string nameOf(const Recipe &recipe, const fs::path &file, const std::vector<ConditionScores> &others)
{
    const std::string name = recipe.name.empty() ? file.stem().string() : recipe.name;
    std::string unique = name;
    const auto taken = [&](const ConditionScores &other) { return fileStem(other.name) == fileStem(unique); };
    for (int number = 2; std::any_of(others.begin(), others.end(), taken); ++number)
        unique = name + ' ' + std::to_string(number);
    return unique;
}

void run(const Options &options, Command &command)
{
    const Params params{evaluationKind().params,
        std::vector<std::pair<std::string, std::string>>{{"by", options.by}, {"bootstrap", std::to_string(options.bootstrap)},
            {"permutations", std::to_string(options.permutations)}, {"seed", std::to_string(options.seed)}}};
    const std::vector<EvalData> data = readAll(options);
    std::vector<Recipe> recipes;
    std::vector<ConditionScores> conditions{{"baseline", {}}};
    for (const std::string &file : options.recipes) {
        recipes.push_back(readRecipe(fs::path{file}));
        conditions.push_back({nameOf(recipes.back(), file, conditions), {}});
    }
    if (!options.output.empty()) {
        claimFolder(options.output, {"scores", "result.json", "result.txt"});
        fs::create_directory(fs::path{options.output} / "scores");
    }
    const LoadedModel open = loadModel(options.model, command.terminal);
    for (std::size_t c = 0; c < conditions.size(); ++c)
        for (std::size_t d = 0; d < data.size(); ++d)
            conditions[c].scores.push_back(scored(open, data[d], options.scoring, c == 0 ? nullptr : &recipes[c - 1],
                scoreFile(options, d, conditions[c].name), command.terminal));
    const Result result = evaluationResult(data, conditions, params, command.terminal.progress());
    command.terminal.endProgress();
    if (!options.output.empty())
        writeResult(options.output, evaluationKind(), result);
    const std::string text = formatted(evaluationKind(), result, options.format);
    std::fwrite(text.data(), 1, text.size(), stdout);
}

} // namespace

void declareEval(CLI::App &app, Command &command)
{
    const auto options = std::make_shared<Options>();
    declareModelOptions(app, options->model)->required();
    app.add_option("-d,--data", options->data,
           "Any corpus (loss in bits per byte), or JSONL of \"question\", \"choices\", \"answer\" (multiple choice) or of \"prompt\", "
           "\"answer\" (exact match)")
        ->required();
    app.add_option("--recipe", options->recipes, "Compare the model's own routing with this recipe; repeat it for more");
    app.add_option(
        "-o,--output", options->output, "Folder for the scores of each item and the result; a run that was stopped goes on there");
    app.add_option("--by", options->by, "Columns to group by, between commas; else language, domain and the label columns");
    app.add_option("--limit", options->limit, "Only the first items of each file; 0 = all")->check(atLeast(0));
    app.add_option("--separator", options->scoring.separator, "Between a question and a choice")->capture_default_str();
    app.add_option("--max-new-tokens", options->scoring.maxNewTokens, "Of a generation")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    app.add_option("--batch-tokens", options->scoring.batchTokens, "Tokens run together; more is faster and needs more memory")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    app.add_option("--bootstrap", options->bootstrap, "Resamplings for the intervals; 0 leaves them out")->capture_default_str();
    app.add_option("--permutations", options->permutations, "Sign flips for p; 0 leaves p out")->capture_default_str();
    app.add_option("--seed", options->seed, "Of both")->capture_default_str();
    declareResultFormat(app, options->format);
    app.footer("Example:\n  expertscope eval --model resources/demo/model --data resources/demo/corpus/parallel.jsonl -o evaluation");
    app.callback(
        [options, &command] { command.exitCode = untilStopped(options->output, command.terminal, [&] { run(*options, command); }); });
}

} // namespace expertscope
