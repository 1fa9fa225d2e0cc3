// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the open half says of the experts, before anything is tried.
#include "engine/analysis/result_parts.h"
#include "engine/experiments/sweep.h"

#include <algorithm>

namespace expertscope {

namespace {

Table setsTable(const SweepPlan &plan, const SweepExperts &experts)
{
    std::vector<std::string> window, words;
    std::vector<std::int64_t> first, last, count;
    std::vector<double> tau;
    for (const std::string &name : plan.windows)
        for (const double threshold : plan.tau) {
            const LayerWindow layers = layersOf(name, experts);
            const ExpertSet set = above(experts.scores, threshold, layers);
            window.push_back(name);
            first.push_back(layers.first);
            last.push_back(layers.last);
            tau.push_back(threshold);
            count.push_back(static_cast<std::int64_t>(sizeOf(set)));
            words.push_back(wordsOf(set));
        }
    return {.id = "sets",
        .title = "Experts above each threshold in each window",
        .columns = {{"window", "", "Layers, as the plan names them", std::move(window)},
            {"first_layer", "", "The model's own number", std::move(first)}, {"last_layer", "", "The model's own number", std::move(last)},
            {"tau", "1", "Threshold of the score", std::move(tau)},
            {"experts", "experts", "How many have a higher score", std::move(count)},
            {"layer_experts", "", "Layer: experts, the highest score first", std::move(words)}}};
}

Table countsTable(const SweepPlan &plan, const SweepExperts &experts)
{
    std::vector<std::int64_t> layer, count;
    std::vector<double> tau;
    for (const int number : experts.scores.layers)
        for (const double threshold : plan.tau) {
            layer.push_back(number);
            tau.push_back(threshold);
            count.push_back(static_cast<std::int64_t>(sizeOf(above(experts.scores, threshold, {number, number}))));
        }
    return {.id = "by-layer",
        .title = "How many experts of each layer",
        .columns = {{"layer", "", "The model's own number of the layer", std::move(layer)},
            {"tau", "1", "Threshold of the score", std::move(tau)},
            {"experts", "experts", "How many have a higher score", std::move(count)}}};
}

Table scoresTable(const SweepExperts &experts)
{
    const std::size_t all = static_cast<std::size_t>(experts.scores.experts);
    std::vector<std::size_t> order(experts.scores.values.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    std::stable_sort(
        order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return experts.scores.values[a] > experts.scores.values[b]; });
    std::vector<std::int64_t> layer, expert;
    std::vector<double> value, language, load;
    for (const std::size_t i : order) {
        layer.push_back(experts.scores.layers[i / all]);
        expert.push_back(static_cast<std::int64_t>(i % all));
        value.push_back(experts.scores.values[i]);
        language.push_back(experts.language.values[i]);
        load.push_back(experts.load.values[i]);
    }
    return {.id = "experts",
        .title = "Scores of all experts on the open half",
        .columns = {{"layer", "", "The model's own number of the layer", std::move(layer)}, {"expert", "", "Expert", std::move(expert)},
            {"value", "1", "Score that the sets are chosen by", std::move(value)},
            {"language", "1", "Largest difference of frequency of any language from the pivot", std::move(language)},
            {"load", "1", "Mean share of a text's tokens that chose the expert", std::move(load)}}};
}

/// The curve once more inside of each window that is not all of it.
Series markedDivergence(const SweepPlan &plan, const SweepExperts &experts)
{
    Series series = experts.suggested.divergence;
    const std::vector<double> whole = series.curves.front().y;
    for (const std::string &name : plan.windows) {
        if (name == "all")
            continue;
        const LayerWindow window = layersOf(name, experts);
        Curve inside{Curve::Role::Data, "window " + std::to_string(window.first) + " to " + std::to_string(window.last), whole, {}, {}};
        for (std::size_t m = 0; m < inside.y.size(); ++m)
            if (!window.holds(experts.scores.layers[m]))
                inside.y[m] = noNumber;
        if (std::none_of(series.curves.begin(), series.curves.end(), [&](const Curve &other) { return other.name == inside.name; }))
            series.curves.push_back(std::move(inside));
    }
    return series;
}

/// A curve a threshold: experts above it by layer.
Series countsSeries(const SweepPlan &plan, const SweepExperts &experts)
{
    Series series{.id = "experts-by-layer",
        .title = "Experts above the threshold",
        .xTitle = "Layer",
        .yTitle = "Experts",
        .unit = "experts",
        .x = std::vector<double>(experts.scores.layers.begin(), experts.scores.layers.end()),
        .curves = {},
        .names = {}};
    for (const double threshold : plan.tau) {
        Curve curve{Curve::Role::Data, "above " + shortNumber(threshold), {}, {}, {}};
        for (const int number : experts.scores.layers)
            curve.y.push_back(static_cast<double>(sizeOf(above(experts.scores, threshold, {number, number}))));
        series.curves.push_back(std::move(curve));
    }
    return series;
}

} // namespace

Result findingsResult(const SweepPlan &plan, const SweepExperts &experts)
{
    Result result;
    result.analysis = sweepKind().id;
    result.title = "Experts found on the open half";
    result.settings = {{"plan", plan.name}};
    result.notes.push_back(experts.suggested.words);
    for (const double threshold : plan.tau) {
        const ExpertSet set = above(experts.scores, threshold, layersOf("suggested", experts));
        result.numbers.push_back({.id = "experts_above_" + shortNumber(threshold),
            .title = "Experts above " + shortNumber(threshold) + " in the suggested window",
            .unit = "experts",
            .value = static_cast<double>(sizeOf(set)),
            .n = static_cast<std::int64_t>(experts.scores.values.size()),
            .of = "experts of all layers"});
    }
    result.tables = {setsTable(plan, experts), countsTable(plan, experts), scoresTable(experts)};
    if (!experts.suggested.divergence.curves.empty())
        result.series.push_back(markedDivergence(plan, experts));
    result.series.push_back(countsSeries(plan, experts));
    result.matrices.push_back(
        matrixOfScores(experts.scores, "scores-of-experts", "Score that the experts are chosen by", "Difference of frequency"));
    return result;
}

} // namespace expertscope
