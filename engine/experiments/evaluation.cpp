// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/evaluation.h"

#include "engine/core/parallel.h"
#include "engine/experiments/item_groups.h"
#include "engine/experiments/metrics.h"

#include <algorithm>
#include <array>

namespace expertscope {

namespace {

constexpr std::array<ParamKind, 4> params{{
    {"by", "Group by", "Columns between commas: language, domain or label columns; empty = all that tell items apart",
        ParamKind::Type::Text, ""},
    {"bootstrap", "Bootstrap replicates", "Resamplings of the items for the intervals; 0 leaves them out", ParamKind::Type::Integer, "1000",
        0, 1e5},
    {"permutations", "Permutations", "Sign flips for p, where there is no exact test; 0 leaves p out", ParamKind::Type::Integer, "2000", 0,
        1e6},
    {"seed", "Seed", "Of bootstrap and permutations", ParamKind::Type::Integer, "42", 0, 9e15},
}};

/// One row of a table to be: a metric of a group of one data file, under one condition.
struct Cell {
    std::size_t data = 0, group = 0, condition = 0;
    const Metric *metric = nullptr;
    MetricEstimate estimate;
    double chance = noNumber; ///< of the metric if the model guessed: of accuracy alone
    PairedDifference difference; ///< of conditions after the first
};

struct Examination {
    std::span<const EvalData> data;
    std::span<const ConditionScores> conditions;
    std::vector<std::vector<ItemGroup>> groups; ///< [data]
    std::vector<Cell> cells;
};

constexpr std::int64_t fewTexts = 10; ///< of so few a bootstrap says little, and the least p of sign flips is 2 / 2^n

std::string fileName(const EvalData &data)
{
    const std::string &source = data.corpus.source;
    const auto slash = source.find_last_of('/');
    return slash == std::string::npos ? source : source.substr(slash + 1);
}

/// Accuracy of guessing: the mean over the items of 1 / their choices. Nothing for other metrics.
double chanceOf(const Metric &metric, const EvalData &data, std::span<const std::size_t> items)
{
    if (metric.kind != EvalKind::Choice || !metric.binary || items.empty())
        return noNumber;
    double sum = 0;
    for (const std::size_t item : items)
        sum += 1 / static_cast<double>(data.tasks[item].choices.size());
    return sum / static_cast<double>(items.size());
}

/// "items", or "items of 3 texts": what an interval rests on.
std::string counted(std::int64_t items, std::int64_t units)
{
    return units == items ? "items" : "items of " + std::to_string(units) + (units == 1 ? " text" : " texts");
}

/// How the items of a file are scored, for a reader who meant them otherwise.
std::string readAs(const EvalData &data)
{
    switch (data.kind) {
    case EvalKind::Choice:
        return fileName(data) + " holds questions with choices: the most probable choice is the model's answer.";
    case EvalKind::Generation:
        return fileName(data) + " holds questions without choices: the greedy continuation must match an answer exactly.";
    case EvalKind::Text:
        break;
    }
    return fileName(data) + " holds texts: their loss is measured.";
}

/// Cells in table order: by data, metric, group and condition.
std::vector<Cell> cellsOf(const Examination &all)
{
    std::vector<Cell> cells;
    for (std::size_t d = 0; d < all.data.size(); ++d)
        for (const Metric &metric : metrics())
            for (std::size_t g = 0; g < all.groups[d].size() && metric.kind == all.data[d].kind; ++g)
                for (std::size_t c = 0; c < all.conditions.size(); ++c)
                    cells.push_back({.data = d,
                        .group = g,
                        .condition = c,
                        .metric = &metric,
                        .estimate = {},
                        .chance = chanceOf(metric, all.data[d], all.groups[d][g].items),
                        .difference = {}});
    return cells;
}

void compute(Cell &cell, const Examination &all, const Params &given)
{
    const EvalData &data = all.data[cell.data];
    const auto replicates = static_cast<std::size_t>(given.integer("bootstrap"));
    const auto seed = static_cast<std::uint64_t>(given.integer("seed"));
    const Units units = unitsOf(data.corpus, all.groups[cell.data][cell.group].items);
    const MetricValues values = metricValues(*cell.metric, data, all.conditions[cell.condition].scores[cell.data]);
    cell.estimate = estimate(values, units, replicates, seed);
    if (cell.condition > 0)
        cell.difference = compare(metricValues(*cell.metric, data, all.conditions.front().scores[cell.data]), values, units,
            cell.metric->binary, replicates, static_cast<std::size_t>(given.integer("permutations")), seed);
}

/// The columns that say what a row is of.
struct RowNames {
    std::vector<std::string> data, metric, unit, condition, by, group;

    void add(const Cell &cell, const Examination &all)
    {
        const ItemGroup &of = all.groups[cell.data][cell.group];
        data.push_back(fileName(all.data[cell.data]));
        metric.emplace_back(cell.metric->id);
        unit.emplace_back(cell.metric->unit);
        condition.push_back(all.conditions[cell.condition].name);
        by.push_back(of.by);
        group.push_back(of.name);
    }
    std::vector<Column> columns()
    {
        return {{"data", "", "File of the items", std::move(data)}, {"metric", "", "What is measured", std::move(metric)},
            {"unit", "", "Unit of the metric", std::move(unit)},
            {"condition", "", "Routing under which the model ran", std::move(condition)},
            {"by", "", "Column that makes the groups", std::move(by)}, {"group", "", "Value of that column", std::move(group)}};
    }
};

Table scoresTable(const Examination &all)
{
    RowNames names;
    std::vector<double> value, low, high, chance;
    std::vector<std::int64_t> n, units;
    for (const Cell &cell : all.cells) {
        names.add(cell, all);
        value.push_back(cell.estimate.value);
        low.push_back(cell.estimate.interval.low);
        high.push_back(cell.estimate.interval.high);
        chance.push_back(cell.chance);
        n.push_back(cell.estimate.items);
        units.push_back(cell.estimate.units);
    }
    Table table{.id = "scores", .title = "Scores", .columns = names.columns()};
    table.columns.push_back({"value", "", "The metric over the group's items", std::move(value)});
    table.columns.push_back({"low", "", "Lower end of the 95 % bootstrap interval", std::move(low)});
    table.columns.push_back({"high", "", "Upper end of it", std::move(high)});
    table.columns.push_back({"chance", "", "Accuracy of guessing; nothing for other metrics", std::move(chance)});
    table.columns.push_back({"n", "items", "Items with a score", std::move(n)});
    table.columns.push_back({"units", "texts", "Items with the same parallel id are one text", std::move(units)});
    return table;
}

Table differencesTable(const Examination &all)
{
    RowNames names;
    std::vector<double> baseline, value, low, high, p;
    std::vector<std::string> test;
    std::vector<std::int64_t> higher, lower, n, units;
    for (const Cell &cell : all.cells) {
        if (cell.condition == 0)
            continue;
        const PairedDifference &of = cell.difference;
        names.add(cell, all);
        baseline.push_back(of.baseline);
        value.push_back(of.difference);
        low.push_back(of.interval.low);
        high.push_back(of.interval.high);
        p.push_back(of.p);
        test.emplace_back(of.test);
        higher.push_back(of.higher);
        lower.push_back(of.lower);
        n.push_back(of.items);
        units.push_back(of.units);
    }
    const std::vector<std::int64_t> flags = significant(p);
    Table table{.id = "differences", .title = "Differences from " + all.conditions.front().name, .columns = names.columns()};
    table.columns.push_back({"baseline", "", "The metric under " + all.conditions.front().name, std::move(baseline)});
    table.columns.push_back({"value", "", "The metric under the condition minus that", std::move(value)});
    table.columns.push_back({"low", "", "Lower end of the paired 95 % bootstrap interval of the difference", std::move(low)});
    table.columns.push_back({"high", "", "Upper end of it", std::move(high)});
    table.columns.push_back({"p", "1", "Two-sided p of no difference", std::move(p)});
    table.columns.push_back(
        {"significant", "", "1 where the false discovery rate over the table is at most 5 % (Benjamini-Hochberg)", flags});
    table.columns.push_back({"test", "", "mcnemar: exact, on items that changed; sign-flip: permutation of texts", std::move(test)});
    table.columns.push_back({"higher", "items", "Items whose value rose", std::move(higher)});
    table.columns.push_back({"lower", "items", "Items whose value fell", std::move(lower)});
    table.columns.push_back({"n", "items", "Items with a score under both", std::move(n)});
    table.columns.push_back({"units", "texts", "Items with the same parallel id are one text", std::move(units)});
    return table;
}

void addNumbers(Result &result, const Examination &all)
{
    for (const Cell &cell : all.cells) {
        if (cell.group != 0 || cell.metric != &mainMetric(all.data[cell.data].kind))
            continue;
        if (cell.condition == 0 && cell.estimate.units < fewTexts)
            result.notes.push_back("The intervals and p of " + fileName(all.data[cell.data]) + " rest on "
                + std::to_string(cell.estimate.units) + (cell.estimate.units == 1 ? " text" : " texts")
                + " (items with the same parallel id are one text): too few for either to say much, and too few for a small p.");
        const std::string of = (all.data.size() > 1 ? fileName(all.data[cell.data]) + ", " : "") + all.conditions[cell.condition].name;
        const std::string id = std::string{cell.metric->id} + '_' + std::to_string(cell.data) + '_' + std::to_string(cell.condition);
        result.numbers.push_back({.id = id,
            .title = std::string{cell.metric->title} + ": " + of,
            .unit = std::string{cell.metric->unit},
            .value = cell.estimate.value,
            .low = cell.estimate.interval.low,
            .high = cell.estimate.interval.high,
            .chance = cell.chance,
            .n = cell.estimate.items,
            .of = counted(cell.estimate.items, cell.estimate.units)});
        if (cell.condition > 0)
            result.numbers.push_back({.id = "difference_" + id,
                .title = "Difference from " + all.conditions.front().name + ": " + of,
                .unit = std::string{cell.metric->unit},
                .value = cell.difference.difference,
                .low = cell.difference.interval.low,
                .high = cell.difference.interval.high,
                .n = cell.difference.items,
                .of = counted(cell.difference.items, cell.difference.units)});
    }
}

/// Bars of the main metric of a data file by one column: a curve per condition.
void addBars(Result &result, const Examination &all, std::size_t d, const std::string &by, bool differences)
{
    const Metric &metric = mainMetric(all.data[d].kind);
    const std::string of = all.data.size() > 1 ? " in " + fileName(all.data[d]) : "";
    Series series{.id = std::string{differences ? "differences-" : "scores-"} + std::to_string(d) + "-by-" + by,
        .title = std::string{metric.title} + (differences ? ": difference from " + all.conditions.front().name : "") + " by " + by + of,
        .xTitle = by,
        .yTitle = std::string{differences ? "Difference of " : ""} + std::string{metric.title},
        .unit = std::string{metric.unit},
        .x = {},
        .curves = {},
        .bars = true,
        .names = {}};
    for (std::size_t c = differences ? 1 : 0; c < all.conditions.size(); ++c)
        series.curves.push_back({Curve::Role::Data, all.conditions[c].name, {}, {}, {}});
    Curve guessing{Curve::Role::Chance, "guessing", {}, {}, {}};
    for (const Cell &cell : all.cells) {
        const ItemGroup &group = all.groups[cell.data][cell.group];
        if (cell.data != d || cell.metric != &metric || group.by != by || (differences && cell.condition == 0))
            continue;
        if (cell.condition == (differences ? 1u : 0u)) {
            series.x.push_back(static_cast<double>(series.x.size()));
            series.names.push_back(group.name);
            guessing.y.push_back(cell.chance);
        }
        Curve &curve = series.curves[cell.condition - (differences ? 1 : 0)];
        const Interval &interval = differences ? cell.difference.interval : cell.estimate.interval;
        curve.y.push_back(differences ? cell.difference.difference : cell.estimate.value);
        curve.low.push_back(interval.low);
        curve.high.push_back(interval.high);
    }
    if (!differences && metric.kind == EvalKind::Choice && metric.binary)
        series.curves.push_back(std::move(guessing));
    result.series.push_back(std::move(series));
}

} // namespace

const AnalysisKind &evaluationKind()
{
    static const AnalysisKind kind{.id = "evaluation",
        .title = "Evaluation",
        .help = "How well does the model do, and what does a recipe change?",
        .definition =
            "Loss: negative log2-probability of all scored tokens over their bytes; a row with a continuation is scored on that alone, and "
            "special tokens and a first token without a context are not scored. Multiple choice: the choice with the largest "
            "log-probability "
            "after the question, per byte of its text, per token, or plain; chance is the mean of 1 / choices. Exact match: the greedy "
            "continuation's first line equals an "
            "answer "
            "after Unicode NFKC, lower case, white space to single blanks, no blank or full stop at the ends. Differences are paired by "
            "item. "
            "Intervals: percentile bootstrap; items that share a parallel id are one text and are drawn together. p: McNemar's exact test "
            "for "
            "accuracy where every text is one item, else random signs of the texts' differences; false discovery rate over the table.",
        .source = "McNemar 1947; Efron 1979; Benjamini and Hochberg 1995; length normalisation: Brown et al. 2020, arXiv 2005.14165, 2.4",
        .params = params,
        .traces = 0,
        .run = nullptr};
    return kind;
}

Result evaluationResult(
    std::span<const EvalData> data, std::span<const ConditionScores> conditions, const Params &given, const Progress &progress)
{
    Result result;
    Examination all{.data = data, .conditions = conditions, .groups = {}, .cells = {}};
    for (const EvalData &one : data) {
        result.notes.push_back(readAs(one));
        all.groups.push_back(itemGroups(one.corpus, given.text("by"), result.notes));
    }
    all.cells = cellsOf(all);
    parallelFor(std::ssize(all.cells), 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            progress.check();
            compute(all.cells[static_cast<std::size_t>(i)], all, given);
        }
    });
    addNumbers(result, all);
    if (conditions.size() > 1)
        result.tables.push_back(differencesTable(all));
    result.tables.push_back(scoresTable(all));
    for (std::size_t d = 0; d < data.size(); ++d) {
        std::string last = "all";
        for (const ItemGroup &group : all.groups[d])
            if (group.by != std::exchange(last, group.by)) {
                if (conditions.size() > 1)
                    addBars(result, all, d, group.by, true);
                addBars(result, all, d, group.by, false);
            }
    }
    result.analysis = evaluationKind().id;
    result.title = evaluationKind().title;
    result.settings = given.all();
    return result;
}

} // namespace expertscope
