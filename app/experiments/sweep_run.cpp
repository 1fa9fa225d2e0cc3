// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/experiments/sweep_run.h"

#include "app/appending_sink.h"
#include "app/experiments/plan_files.h"
#include "app/experiments/result_files.h"
#include "app/experiments/score_files.h"
#include "engine/core/error.h"
#include "engine/experiments/text_sequences.h"
#include "io/eval_data.h"
#include "io/recipe.h"

#include <map>

namespace expertscope {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t pieceBytes = 32'768; ///< of text that is traced at a time

/// Files of a plan, each read once.
class PlanData {
public:
    EvalData rows(const RowChoice &choice, const SweepPlan &plan, bool heldOut)
    {
        const auto [at, isNew] = m_files.try_emplace(choice.data);
        if (isNew)
            at->second = readEvalData(choice.data);
        EvalData chosen = chosenRows(at->second, choice, plan, heldOut);
        if (chosen.corpus.rows.empty())
            throw Error{ErrorKind::Check, std::string{"no row of the "} + (heldOut ? "held-out" : "open") + " half fits", choice.data,
                "Choose other rows, or another share to hold out"};
        return chosen;
    }

private:
    std::map<std::string, EvalData> m_files;
};

/// Their routing, a piece at a time.
TracePtr traced(const std::vector<CorpusRow> &rows, std::int64_t batchTokens, const Experiment &experiment)
{
    const auto trace = std::make_shared<MemoryTrace>();
    for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
        for (std::size_t bytes = 0; end < rows.size() && bytes < pieceBytes; ++end)
            bytes += rows[end].prompt.size() + rows[end].continuation.size();
        const std::vector<CorpusRow> piece(
            rows.begin() + static_cast<std::ptrdiff_t>(begin), rows.begin() + static_cast<std::ptrdiff_t>(end));
        TracePtr part;
        experiment.model.use([&](const LentModel &lent) {
            part = traceOfRows(lent.model, lent.backend, lent.tokenizer, piece, batchTokens, Progress{experiment.progress.stopToken()});
        });
        if (begin == 0)
            trace->begin(part->meta());
        AppendingSink sink{*trace};
        copyTrace(*part, sink, Progress{experiment.progress.stopToken()});
        experiment.progress.report(static_cast<std::int64_t>(end), std::ssize(rows), "texts traced");
    }
    trace->finish({});
    return trace;
}

SweepExperts found(const SweepPlan &plan, PlanData &data, const Experiment &experiment)
{
    std::vector<CorpusRow> rows;
    const auto add = [&](const RowChoice &choice) {
        const std::size_t before = rows.size();
        for (CorpusRow &row : data.rows(choice, plan, false).corpus.rows) {
            if (row.prompt.empty() && row.continuation.empty())
                continue;
            row.labels.clear();
            rows.push_back(std::move(row));
        }
        return rows.size() - before;
    };
    const bool byTask = plan.method == "task";
    const std::size_t targets = byTask ? add(plan.target) : 0;
    const std::size_t baselines = byTask ? add(plan.baseline) : 0;
    add(plan.parallel);
    return sweepExperts(traced(rows, plan.scoring.batchTokens, experiment), targets, baselines, plan, experiment.progress);
}

/// Scores conditions one after another, each into a file of its own, and says how far all of them are.
class Scorer {
public:
    Scorer(const SweepPlan &plan, fs::path folder, const Experiment &experiment)
        : m_plan{plan}
        , m_folder{std::move(folder)}
        , m_experiment{experiment}
    {
    }

    void expect(std::int64_t items)
    {
        m_before = 0;
        m_total = items;
    }
    std::vector<ItemScore> scores(
        const EvalData &data, const Recipe *recipe, const std::string &half, std::size_t number, const std::string &condition)
    {
        const std::string name = half + '-' + std::to_string(number + 1) + "--" + fileStem(condition) + ".jsonl";
        std::vector<ItemScore> all =
            scored(data, m_plan.scoring, recipe, m_folder / name, m_experiment, m_experiment.progress.part(m_before, m_total));
        m_before += std::ssize(all);
        return all;
    }

private:
    const SweepPlan &m_plan;
    fs::path m_folder;
    const Experiment &m_experiment;
    std::int64_t m_before = 0, m_total = 0;
};

} // namespace

SweepExperts findSweepExperts(const SweepPlan &plan, const Experiment &experiment)
{
    PlanData data;
    return found(plan, data, experiment);
}

SweepReport runSweep(
    const SweepPlan &plan, const fs::path &folder, const Experiment &experiment, const std::function<void(const SweepExperts &)> &onFound)
{
    claimFolder(folder, {"scores", "result.json", "result.txt", "recipe.json", "plan.json"});
    fs::create_directory(folder / "scores");
    writePlan(plan, folder / "plan.json");
    PlanData files;
    std::vector<EvalData> open, heldOut;
    for (const RowChoice &choice : plan.evaluate) {
        open.push_back(files.rows(choice, plan, false));
        heldOut.push_back(files.rows(choice, plan, true));
    }
    const SweepExperts experts = found(plan, files, experiment);
    if (onFound)
        onFound(experts);
    std::vector<std::string> notes;
    const std::vector<SweepCondition> grid = gridConditions(plan, experts, notes);
    experiment.stage(std::to_string(grid.size()) + " conditions on the open half. " + experts.suggested.words);

    Scorer scorer{plan, folder / "scores", experiment};
    scorer.expect(std::ssize(open.front().corpus.rows) * (std::ssize(grid) + 1));
    std::vector<PairedDifference> selection;
    const std::vector<ItemScore> before = scorer.scores(open.front(), nullptr, "open", 0, "baseline");
    for (const SweepCondition &of : grid)
        selection.push_back(targetDifference(open.front(), before, scorer.scores(open.front(), &of.recipe, "open", 0, of.id), plan));
    const std::size_t chosen = bestCondition(open.front(), selection);

    const std::vector<SweepCondition> report = reportConditions(plan, experts, grid[chosen]);
    experiment.stage("Chosen: " + grid[chosen].id + ". " + std::to_string(report.size()) + " conditions on the held-out half.");
    std::vector<ConditionScores> reported{{"baseline", {}}};
    for (const SweepCondition &of : report)
        reported.push_back({of.id, {}});
    const auto dataOf = [&](std::size_t c) {
        const bool everywhere = c == 0 || isControl(grid[chosen], report[c - 1]);
        return std::span{heldOut}.first(everywhere ? heldOut.size() : 1);
    };
    std::int64_t items = 0;
    for (std::size_t c = 0; c < reported.size(); ++c)
        for (const EvalData &data : dataOf(c))
            items += std::ssize(data.corpus.rows);
    scorer.expect(items);
    for (std::size_t c = 0; c < reported.size(); ++c)
        for (std::size_t d = 0; d < dataOf(c).size(); ++d)
            reported[c].scores.push_back(
                scorer.scores(heldOut[d], c == 0 ? nullptr : &report[c - 1].recipe, "held-out", d, reported[c].name));

    const SweepOutcome outcome{.experts = experts,
        .grid = grid,
        .selection = selection,
        .chosen = chosen,
        .data = heldOut,
        .report = report,
        .scores = reported,
        .notes = notes};
    SweepReport done{sweepResult(plan, outcome, experiment.progress), {}};
    done.recipe = sweepRecipe(plan, outcome, done.result);
    writeResult(folder, sweepKind(), done.result);
    writeRecipe(done.recipe, folder / "recipe.json", true);
    return done;
}

} // namespace expertscope
