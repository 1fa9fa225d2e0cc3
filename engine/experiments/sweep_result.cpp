// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a sweep found, as tables, curves and sentences.
#include "engine/analysis/result_parts.h"
#include "engine/experiments/item_groups.h"
#include "engine/experiments/metrics.h"
#include "engine/experiments/sweep.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace expertscope {

namespace {

std::string number(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%+.3g", value);
    return text;
}

std::string words(const PairedDifference &of)
{
    return number(of.difference) + " [" + number(of.interval.low) + ", " + number(of.interval.high) + "]";
}

/// Columns of a table of differences, in the order of their rows.
struct Differences {
    std::vector<double> value, low, high, p;
    std::vector<std::int64_t> n, units;

    void add(const PairedDifference &of)
    {
        value.push_back(of.difference);
        low.push_back(of.interval.low);
        high.push_back(of.interval.high);
        p.push_back(of.p);
        n.push_back(of.items);
        units.push_back(of.units);
    }
    void appendTo(Table &table, const Metric &metric)
    {
        const std::string unit{metric.unit};
        const std::vector<std::int64_t> flags = significant(p);
        table.columns.push_back(
            {"value", unit, std::string{metric.title} + " minus that of the baseline, in the other languages", std::move(value)});
        table.columns.push_back({"low", unit, "Lower end of the paired 95 % bootstrap interval over texts", std::move(low)});
        table.columns.push_back({"high", unit, "Upper end of it", std::move(high)});
        table.columns.push_back({"p", "1", "Two-sided p of no difference", std::move(p)});
        table.columns.push_back(
            {"significant", "", "1 where the false discovery rate over the table is at most 5 % (Benjamini-Hochberg)", flags});
        table.columns.push_back({"n", "items", "Items in other languages than the pivot", std::move(n)});
        table.columns.push_back({"units", "texts", "Translations of one text are one", std::move(units)});
    }
};

/// The columns that say what was done.
struct Conditions {
    std::vector<std::string> condition, kind, op, strength, window;
    std::vector<double> tau;
    std::vector<std::int64_t> experts;

    void add(const SweepCondition &of)
    {
        condition.push_back(of.id);
        kind.push_back(of.kind);
        op.push_back(of.op);
        strength.push_back(of.strength);
        tau.push_back(of.tau);
        window.push_back(of.window);
        experts.push_back(static_cast<std::int64_t>(sizeOf(of.experts)));
    }
    std::vector<Column> columns()
    {
        return {{"condition", "", "Name of the condition and of its scores", std::move(condition)},
            {"kind", "", "task: the experts found; the others are controls", std::move(kind)},
            {"op", "", "Op of the recipe", std::move(op)}, {"strength", "", "Its strength; empty where it has none", std::move(strength)},
            {"tau", "1", "Threshold of the score", std::move(tau)}, {"window", "", "Layers, as the plan names them", std::move(window)},
            {"experts", "experts", "How many experts are edited, all layers together", std::move(experts)}};
    }
};

/// How a condition of the report differs from the baseline, and the chosen one from it.
struct Reported {
    PairedDifference difference, chosenMinusIt;
};

Table selectionTable(const SweepOutcome &outcome, const Metric &metric)
{
    Conditions names;
    Differences differences;
    std::vector<std::int64_t> chosen;
    for (std::size_t c = 0; c < outcome.grid.size(); ++c) {
        names.add(outcome.grid[c]);
        differences.add(outcome.selection[c]);
        chosen.push_back(c == outcome.chosen);
    }
    Table table{.id = "selection", .title = "What was tried on the open half", .columns = names.columns()};
    differences.appendTo(table, metric);
    table.columns.push_back({"chosen", "", "1 for the best, which the held-out half judges", std::move(chosen)});
    return table;
}

Table controlsTable(const SweepOutcome &outcome, const std::vector<Reported> &reported, const Metric &metric)
{
    Conditions names;
    Differences differences;
    std::vector<double> against, low, high, p;
    for (std::size_t c = 0; c < outcome.report.size(); ++c) {
        if (!isControl(outcome.grid[outcome.chosen], outcome.report[c]))
            continue;
        names.add(outcome.report[c]);
        differences.add(reported[c].difference);
        const PairedDifference &of = reported[c].chosenMinusIt;
        against.push_back(c == 0 ? noNumber : of.difference);
        low.push_back(c == 0 ? noNumber : of.interval.low);
        high.push_back(c == 0 ? noNumber : of.interval.high);
        p.push_back(c == 0 ? noNumber : of.p);
    }
    Table table{.id = "controls", .title = "The chosen recipe and its controls on held-out texts", .columns = names.columns()};
    differences.appendTo(table, metric);
    const std::string unit{metric.unit};
    table.columns.push_back(
        {"chosen_minus_it", unit, "The metric under the chosen recipe minus that under the control", std::move(against)});
    table.columns.push_back({"chosen_minus_it_low", unit, "Lower end of its paired 95 % bootstrap interval", std::move(low)});
    table.columns.push_back({"chosen_minus_it_high", unit, "Upper end of it", std::move(high)});
    table.columns.push_back({"chosen_minus_it_p", "1", "Two-sided p that they are the same", std::move(p)});
    return table;
}

Table doseTable(const SweepOutcome &outcome, const std::vector<Reported> &reported, const Metric &metric)
{
    Conditions names;
    Differences differences;
    for (std::size_t c = 0; c < outcome.report.size(); ++c) {
        names.add(outcome.report[c]);
        differences.add(reported[c].difference);
    }
    Table table{.id = "dose-response", .title = "All conditions on held-out texts", .columns = names.columns()};
    differences.appendTo(table, metric);
    return table;
}

/// One chart an op: difference over strength; random sets as a band from the lowest to the highest.
void addDoseCurves(
    Result &result, const SweepPlan &plan, const SweepOutcome &outcome, const std::vector<Reported> &reported, const Metric &metric)
{
    for (const std::string &op : plan.ops) {
        std::vector<double> strengths;
        for (const SweepCondition &of : outcome.report)
            if (of.op == op && !of.strength.empty() && of.kind != "window")
                strengths.push_back(std::stod(of.strength));
        std::sort(strengths.begin(), strengths.end());
        strengths.erase(std::unique(strengths.begin(), strengths.end()), strengths.end());
        if (strengths.size() < 2)
            continue;
        Series series{.id = "dose-response-" + op,
            .title = "Dose-response of " + op + " on held-out texts",
            .xTitle = "Strength",
            .yTitle = "Difference of " + std::string{metric.title},
            .unit = std::string{metric.unit},
            .x = strengths,
            .curves = {},
            .names = {}};
        for (const char *kind : {"task", "random", "same-load", "language"}) {
            const bool random = std::string_view{kind} == "random";
            Curve curve{random ? Curve::Role::Chance : Curve::Role::Data, kind, {}, {}, {}};
            for (const double strength : strengths) {
                std::vector<double> values;
                Interval interval;
                for (std::size_t c = 0; c < outcome.report.size(); ++c) {
                    const SweepCondition &of = outcome.report[c];
                    if (of.kind != kind || of.op != op || of.strength.empty() || std::stod(of.strength) != strength)
                        continue;
                    values.push_back(reported[c].difference.difference);
                    interval = reported[c].difference.interval;
                }
                curve.y.push_back(mean(values));
                curve.low.push_back(values.empty() ? noNumber : random ? *std::min_element(values.begin(), values.end()) : interval.low);
                curve.high.push_back(values.empty() ? noNumber : random ? *std::max_element(values.begin(), values.end()) : interval.high);
            }
            if (std::any_of(curve.y.begin(), curve.y.end(), [](double y) { return !std::isnan(y); }))
                series.curves.push_back(std::move(curve));
        }
        result.series.push_back(std::move(series));
    }
}

Table expertsTable(const SweepOutcome &outcome)
{
    const SweepExperts &experts = outcome.experts;
    std::vector<std::int64_t> layer, expert, chosen;
    std::vector<double> load;
    for (std::size_t m = 0; m < experts.scores.layers.size(); ++m)
        for (int e = 0; e < experts.scores.experts; ++e) {
            layer.push_back(experts.scores.layers[m]);
            expert.push_back(e);
            const ExpertSet &set = outcome.grid[outcome.chosen].experts;
            chosen.push_back(std::any_of(set.begin(), set.end(), [&](const LayerExperts &of) {
                return of.layer == experts.scores.layers[m] && std::find(of.experts.begin(), of.experts.end(), e) != of.experts.end();
            }));
        }
    return {.id = "experts",
        .title = "Scores of all experts on the open half",
        .columns = {{"layer", "", "The model's own number of the layer", std::move(layer)}, {"expert", "", "Expert", std::move(expert)},
            {"value", "1", "Score that the sets were chosen by", experts.scores.values},
            {"language", "1", "Largest difference of frequency of any language from the pivot", experts.language.values},
            {"load", "1", "Mean share of a text's tokens that chose the expert", experts.load.values},
            {"chosen", "", "1 in the chosen recipe", std::move(chosen)}}};
}

const char *judgement(const PairedDifference &of, const Metric &metric)
{
    if (std::isnan(of.interval.low) || (of.interval.low <= 0 && of.interval.high >= 0))
        return "no change that its interval tells from none";
    return (of.difference < 0) == metric.lowerIsBetter ? "a gain" : "a loss";
}

void addWords(
    Result &result, const SweepPlan &plan, const SweepOutcome &outcome, const std::vector<Reported> &reported, const Metric &metric)
{
    const SweepCondition &chosen = outcome.grid[outcome.chosen];
    const PairedDifference &of = reported.front().difference;
    result.notes.push_back("Held-out outcome of " + chosen.id + " (layer: experts: " + wordsOf(chosen.experts)
        + "): " + judgement(of, metric) + ". " + std::string{metric.title} + " in languages other than " + plan.pivot + ": " + words(of)
        + " " + std::string{metric.unit} + ", from " + nlohmann::json(std::round(of.baseline * 1e4) / 1e4).dump()
        + "; on the open half, which chose it, " + words(outcome.selection[outcome.chosen]) + ".");
    std::vector<double> random;
    for (std::size_t c = 1; c < outcome.report.size(); ++c)
        if (outcome.report[c].kind == "random" && isControl(outcome.grid[outcome.chosen], outcome.report[c]))
            random.push_back(reported[c].difference.difference);
    if (!random.empty())
        result.notes.push_back("As many random experts in the same layers: mean " + number(mean(random)) + ", from "
            + number(*std::min_element(random.begin(), random.end())) + " to " + number(*std::max_element(random.begin(), random.end()))
            + " over " + std::to_string(random.size()) + " sets.");
    result.notes.push_back(outcome.experts.suggested.words);
    result.notes.insert(result.notes.end(), outcome.notes.begin(), outcome.notes.end());
    const auto add = [&](const char *id, const char *title, const PairedDifference &difference, double chance) {
        result.numbers.push_back({.id = id,
            .title = title,
            .unit = std::string{metric.unit},
            .value = difference.difference,
            .low = difference.interval.low,
            .high = difference.interval.high,
            .chance = chance,
            .n = difference.units,
            .of = "texts"});
    };
    add("chosen_difference", "Change by the chosen recipe, held-out texts (chance: random experts)", of, mean(random));
    add("selection_difference", "The same on the texts that chose it", outcome.selection[outcome.chosen], noNumber);
}

std::vector<Reported> compareAll(const SweepPlan &plan, const SweepOutcome &outcome, const Progress &progress)
{
    std::vector<Reported> reported;
    const EvalData &data = outcome.data.front();
    const std::vector<ItemScore> &baseline = outcome.scores.front().scores.front(), &chosen = outcome.scores[1].scores.front();
    for (std::size_t c = 0; c < outcome.report.size(); ++c) {
        progress.check();
        const std::vector<ItemScore> &scores = outcome.scores[c + 1].scores.front();
        reported.push_back({targetDifference(data, baseline, scores, plan), targetDifference(data, scores, chosen, plan)});
    }
    return reported;
}

} // namespace

const AnalysisKind &sweepKind()
{
    static const AnalysisKind kind{.id = "steering-sweep",
        .title = "Steering experiment",
        .help = "Do the experts of a task, as one language uses them, help in the others?",
        .definition =
            "Experts are scored on the open half of the texts: the mean share of a task text's tokens that chose the expert minus that of "
            "a "
            "baseline text, both in the pivot language. Sets above a threshold in a window of layers are boosted; op, strength, threshold "
            "and "
            "window are chosen by the open half, and everything else is measured on the held-out half: texts are held out with all their "
            "translations. Values are differences from the unsteered model over items in other languages than the pivot. Intervals: "
            "paired bootstrap over texts; p: random signs of the texts' differences (McNemar's exact test for accuracy where a text is one "
            "item), "
            "false discovery rate over each table. Controls edit as many experts in each layer: random ones, those of the nearest load, "
            "the "
            "strongest language experts; or the same choice in other layers; or pin the found experts to the smallest logit.",
        .source = "Bandarkar et al. 2025, arXiv 2510.04694, 5",
        .params = {},
        .run = nullptr};
    return kind;
}

Result sweepResult(const SweepPlan &plan, const SweepOutcome &outcome, const Progress &progress)
{
    const Metric &metric = mainMetric(outcome.data.front().kind);
    const std::vector<Reported> reported = compareAll(plan, outcome, progress);

    std::vector<ConditionScores> shown{outcome.scores.front()};
    for (std::size_t c = 0; c < outcome.report.size(); ++c)
        if (isControl(outcome.grid[outcome.chosen], outcome.report[c]))
            shown.push_back(outcome.scores[c + 1]);
    const std::vector<std::pair<std::string, std::string>> given{{"bootstrap", std::to_string(plan.bootstrap)},
        {"permutations", std::to_string(plan.permutations)}, {"seed", std::to_string(plan.seed)}, {"by", "language"}};
    Result result = evaluationResult(outcome.data, shown, Params{evaluationKind().params, given}, progress);
    result.analysis = sweepKind().id;
    result.title = sweepKind().title;
    result.numbers.clear();
    addWords(result, plan, outcome, reported, metric);
    result.tables.insert(result.tables.begin(), controlsTable(outcome, reported, metric));
    result.tables.push_back(doseTable(outcome, reported, metric));
    result.tables.push_back(selectionTable(outcome, metric));
    result.tables.push_back(expertsTable(outcome));
    addDoseCurves(result, plan, outcome, reported, metric);
    result.matrices.push_back(
        matrixOfScores(outcome.experts.scores, "scores-of-experts", "Score that the experts were chosen by", "Difference of frequency"));
    result.settings.insert(result.settings.begin(), {"plan", plan.name});
    result.settings.insert(result.settings.begin() + 1, {"held_out", nlohmann::json(plan.heldOut).dump()});
    return result;
}

Recipe sweepRecipe(const SweepPlan &plan, const SweepOutcome &outcome, const Result &result)
{
    const SweepCondition &chosen = outcome.grid[outcome.chosen];
    const auto interval = [](const Number &of) {
        return nlohmann::ordered_json{{"value", of.value}, {"low", of.low}, {"high", of.high}, {"unit", of.unit}, {"texts", of.n}};
    };
    Recipe recipe = chosen.recipe;
    recipe.name = plan.name.empty() ? "Chosen by a sweep" : plan.name;
    const LayerWindow &suggested = outcome.experts.suggested.window;
    nlohmann::ordered_json found{{"method", plan.method}, {"source", sweepKind().source}, {"plan", plan.name}, {"pivot", plan.pivot},
        {"tau", chosen.tau}, {"window", chosen.window}, {"suggested_window", {suggested.first, suggested.last}},
        {"experts", sizeOf(chosen.experts)}, {"tried", outcome.grid.size()}, {"seed", plan.seed}, {"held_out", plan.heldOut},
        {"engine", "Expertscope " EXPERTSCOPE_VERSION}};
    found["difference_on_the_texts_that_chose_it"] = interval(result.number("selection_difference"));
    nlohmann::ordered_json measured{{"metric", mainMetric(outcome.data.front().kind).id}};
    measured["difference_on_held_out_texts"] = interval(result.number("chosen_difference"));
    measured["random_experts_mean_difference"] = result.number("chosen_difference").chance;
    const Table &table = result.table("differences");
    for (std::size_t row = 0; row < table.rows(); ++row)
        if (table.texts("condition")[row] == outcome.report.front().id && table.texts("by")[row] == "language")
            measured["by_language"].push_back({{"data", table.texts("data")[row]}, {"metric", table.texts("metric")[row]},
                {"language", table.texts("group")[row]}, {"difference", table.reals("value")[row]}, {"low", table.reals("low")[row]},
                {"high", table.reals("high")[row]}, {"p", table.reals("p")[row]}});
    recipe.foundJson = found.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    recipe.measuredJson = measured.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return recipe;
}

} // namespace expertscope
