// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/experiments/evaluation_run.h"

#include "app/experiments/result_files.h"
#include "app/experiments/score_files.h"
#include "engine/experiments/evaluation.h"
#include "io/eval_data.h"
#include "io/recipe.h"

#include <algorithm>

namespace expertscope {

namespace fs = std::filesystem;

namespace {

std::vector<EvalData> readAll(const EvaluationPlan &plan)
{
    std::vector<EvalData> all;
    for (const std::string &file : plan.data) {
        EvalData &data = all.emplace_back(readEvalData(file));
        if (plan.limit > 0 && plan.limit < std::ssize(data.corpus.rows)) {
            data.corpus.rows.resize(static_cast<std::size_t>(plan.limit));
            data.tasks.resize(std::min(data.tasks.size(), data.corpus.rows.size()));
        }
    }
    return all;
}

fs::path scoreFile(const EvaluationPlan &plan, std::size_t data, const std::string &condition)
{
    if (plan.folder.empty())
        return {};
    const std::string stem = fs::path{plan.data[data]}.stem().string();
    return plan.folder / "scores" / (std::to_string(data + 1) + '-' + fileStem(stem) + "--" + fileStem(condition) + ".jsonl");
}

/// A number keeps equal names apart.
std::string uniqueName(const std::string &name, const std::vector<ConditionScores> &others)
{
    std::string unique = name;
    const auto taken = [&](const ConditionScores &other) { return fileStem(other.name) == fileStem(unique); };
    for (int number = 2; std::any_of(others.begin(), others.end(), taken); ++number)
        unique = name + ' ' + std::to_string(number);
    return unique;
}

} // namespace

NamedRecipe namedRecipe(const fs::path &file)
{
    NamedRecipe named{readRecipe(file), {}};
    named.name = named.recipe.name.empty() ? file.stem().string() : named.recipe.name;
    return named;
}

Result runEvaluation(const EvaluationPlan &plan, const Experiment &experiment)
{
    const Params params{evaluationKind().params, plan.params};
    const std::vector<EvalData> data = readAll(plan);
    std::vector<ConditionScores> conditions{{"baseline", {}}};
    for (const NamedRecipe &recipe : plan.recipes)
        conditions.push_back({uniqueName(recipe.name, conditions), {}});
    if (!plan.folder.empty()) {
        claimFolder(plan.folder, {"scores", "result.json", "result.txt"});
        fs::create_directory(plan.folder / "scores");
    }
    std::int64_t total = 0, before = 0;
    for (const EvalData &one : data)
        total += std::ssize(one.corpus.rows) * std::ssize(conditions);
    for (std::size_t c = 0; c < conditions.size(); ++c)
        for (std::size_t d = 0; d < data.size(); ++d) {
            conditions[c].scores.push_back(scored(data[d], plan.scoring, c == 0 ? nullptr : &plan.recipes[c - 1].recipe,
                scoreFile(plan, d, conditions[c].name), experiment, experiment.progress.part(before, total)));
            before += std::ssize(data[d].corpus.rows);
        }
    const Result result = evaluationResult(data, conditions, params, experiment.progress);
    if (!plan.folder.empty())
        writeResult(plan.folder, evaluationKind(), result);
    return result;
}

} // namespace expertscope
