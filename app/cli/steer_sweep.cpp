// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope steer sweep: runs a plan; every score is kept, so that a run that was stopped goes on.
#include "app/cli/result_output.h"
#include "app/cli/score_files.h"
#include "app/cli/steer.h"
#include "app/cli/verbs.h"
#include "engine/core/error.h"
#include "engine/experiments/sweep.h"
#include "engine/experiments/text_sequences.h"
#include "io/eval_data.h"
#include "io/input_file.h"
#include "io/recipe.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>

namespace expertscope {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t planLimitBytes = 10'000'000;

struct Options {
    ModelOptions model;
    std::string plan, output;
    std::int64_t batchTokens = 2048;
    ResultFormat format;
};

/// Files of a plan, each read once.
class PlanData {
public:
    explicit PlanData(fs::path folder)
        : m_folder{std::move(folder)}
    {
    }

    EvalData rows(const RowChoice &choice, const SweepPlan &plan, bool heldOut)
    {
        const auto [at, isNew] = m_files.try_emplace(choice.data);
        if (isNew)
            at->second = readEvalData(m_folder / choice.data);
        EvalData chosen = chosenRows(at->second, choice, plan, heldOut);
        if (chosen.corpus.rows.empty())
            throw Error{ErrorKind::Check, std::string{"no row of the "} + (heldOut ? "held-out" : "open") + " half fits", choice.data,
                "Choose other rows, or another share to hold out"};
        return chosen;
    }

private:
    fs::path m_folder;
    std::map<std::string, EvalData> m_files;
};

class Sweep {
public:
    Sweep(const Options &options, SweepPlan plan, Command &command)
        : m_options{options}
        , m_plan{std::move(plan)}
        , m_command{command}
        , m_data{fs::path{options.plan}.parent_path()}
        , m_open{loadModel(options.model, command.terminal)}
    {
        m_plan.scoring.batchTokens = options.batchTokens;
    }

    void run()
    {
        std::vector<EvalData> open, heldOut;
        for (const RowChoice &choice : m_plan.evaluate) {
            open.push_back(m_data.rows(choice, m_plan, false));
            heldOut.push_back(m_data.rows(choice, m_plan, true));
        }
        const SweepExperts experts = find();
        std::vector<std::string> notes;
        const std::vector<SweepCondition> grid = gridConditions(m_plan, experts, notes);
        note(std::to_string(grid.size()) + " conditions on the open half. " + experts.suggested.words);

        std::vector<PairedDifference> selection;
        const std::vector<ItemScore> before = scores(open.front(), nullptr, "open", 0, "baseline");
        for (const SweepCondition &of : grid)
            selection.push_back(targetDifference(open.front(), before, scores(open.front(), &of.recipe, "open", 0, of.id), m_plan));
        const std::size_t chosen = bestCondition(open.front(), selection);

        const std::vector<SweepCondition> report = reportConditions(m_plan, experts, grid[chosen]);
        note("Chosen: " + grid[chosen].id + ". " + std::to_string(report.size()) + " conditions on the held-out half.");
        std::vector<ConditionScores> reported{{"baseline", {}}};
        for (const SweepCondition &of : report)
            reported.push_back({of.id, {}});
        for (std::size_t c = 0; c < reported.size(); ++c) {
            const bool everywhere = c == 0 || isControl(grid[chosen], report[c - 1]);
            for (std::size_t d = 0; d < (everywhere ? heldOut.size() : 1); ++d)
                reported[c].scores.push_back(scores(heldOut[d], c == 0 ? nullptr : &report[c - 1].recipe, "held-out", d, reported[c].name));
        }

        const SweepOutcome outcome{.experts = experts,
            .grid = grid,
            .selection = selection,
            .chosen = chosen,
            .data = heldOut,
            .report = report,
            .scores = reported,
            .notes = notes};
        const Result result = sweepResult(m_plan, outcome, m_command.terminal.progress());
        m_command.terminal.endProgress();
        const fs::path folder{m_options.output};
        writeResult(folder, sweepKind(), result);
        writeRecipe(sweepRecipe(m_plan, outcome, result), folder / "recipe.json", true);
        const std::string text = formatted(sweepKind(), result, m_options.format);
        std::fwrite(text.data(), 1, text.size(), stdout);
    }

private:
    void note(const std::string &text) { m_command.terminal.note(text); }

    /// Experts as the open half shows them.
    SweepExperts find()
    {
        std::vector<CorpusRow> rows;
        const auto add = [&](const RowChoice &choice) {
            std::size_t before = rows.size();
            for (CorpusRow &row : m_data.rows(choice, m_plan, false).corpus.rows) {
                row.labels.clear();
                rows.push_back(std::move(row));
            }
            return rows.size() - before;
        };
        const bool byTask = m_plan.method == "task";
        const std::size_t targets = byTask ? add(m_plan.target) : 0;
        const std::size_t baselines = byTask ? add(m_plan.baseline) : 0;
        add(m_plan.parallel);
        const TracePtr trace =
            traceOfRows(*m_open.model, *m_open.backend, *m_open.tokenizer, rows, m_options.batchTokens, m_command.terminal.progress());
        SweepExperts experts = sweepExperts(trace, targets, baselines, m_plan, m_command.terminal.progress());
        m_command.terminal.endProgress();
        return experts;
    }

    std::vector<ItemScore> scores(
        const EvalData &data, const Recipe *recipe, const std::string &half, std::size_t number, const std::string &condition)
    {
        const std::string name = half + '-' + std::to_string(number + 1) + "--" + fileStem(condition) + ".jsonl";
        return scored(m_open, data, m_plan.scoring, recipe, fs::path{m_options.output} / "scores" / name, m_command.terminal);
    }

    const Options &m_options;
    SweepPlan m_plan;
    Command &m_command;
    PlanData m_data;
    LoadedModel m_open;
};

void run(const Options &options, Command &command)
{
    const auto started = std::chrono::steady_clock::now();
    const std::string text = readWholeFile(options.plan, planLimitBytes);
    SweepPlan plan = parsePlan(text, options.plan);
    claimFolder(options.output, {"scores", "result.json", "result.txt", "recipe.json", "plan.json"});
    const fs::path folder{options.output};
    fs::create_directory(folder / "scores");
    writeFile(folder / "plan.json", text, true);
    Sweep{options, std::move(plan), command}.run();
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
    declareResultFormat(app, options->format);
    app.footer("Example:\n  expertscope steer sweep docs/demo-experiment.json --model resources/demo/model -o experiment");
    app.callback(
        [options, &command] { command.exitCode = untilStopped(options->output, command.terminal, [&] { run(*options, command); }); });
}

} // namespace expertscope
