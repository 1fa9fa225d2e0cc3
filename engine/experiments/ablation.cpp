// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/ablation.h"

#include "engine/analysis/result_parts.h"
#include "engine/analysis/statistics.h"
#include "engine/core/error.h"
#include "engine/steering/compiled_recipe.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

namespace expertscope {

namespace {

Recipe without(const ExpertPlace &expert, const std::string &op)
{
    Edit edit;
    edit.op = op;
    edit.experts = {{expert.layer, false, {expert.expert}}};
    Recipe recipe;
    recipe.edits = {edit};
    return recipe;
}

} // namespace

ExpertAblation::ExpertAblation(
    const Model &model, Backend &backend, std::span<const TokenSequence> sequences, Params settings, const Progress &progress)
    : m_model{model}
    , m_backend{backend}
    , m_sequences{sequences}
    , m_settings{std::move(settings)}
    , m_own{lossOf(model, backend, sequences, m_settings, Steering{.kept = &m_kept}, Progress{progress.stopToken()})}
{
    if (predictedTokens() == 0)
        throw Error{ErrorKind::Usage, "no token of these texts is predicted by another", "texts", "Give texts of two tokens or more"};
}

std::int64_t ExpertAblation::predictedTokens() const
{
    const std::vector<double> &tokens = m_own.loss().weight;
    return std::llround(std::accumulate(tokens.begin(), tokens.end(), 0.0));
}

AblationEffect ExpertAblation::effect(const ExpertPlace &expert, const Progress &progress)
{
    progress.check();
    const std::string &op = m_settings.text("op");
    CompiledRecipe recipe{without(expert, op), m_model, m_backend, nullptr};
    const std::int64_t tokens = m_own.load(expert.layer, expert.expert);
    if (tokens == 0 && op == "exclude") // to leave out an expert that nobody uses changes nothing
        return {expert, compareLosses(m_own, m_own, m_settings), 0};
    Steering steering = recipe.steering();
    steering.kept = &m_kept;
    const LossSink ablated = lossOf(m_model, m_backend, m_sequences, m_settings, steering, Progress{progress.stopToken()});
    return {expert, compareLosses(m_own, ablated, m_settings), tokens};
}

std::vector<AblationEffect> ablateExperts(const Model &model, Backend &backend, std::span<const TokenSequence> sequences,
    std::span<const ExpertPlace> experts, const Params &settings, const Progress &progress)
{
    const auto total = std::ssize(experts) + 1;
    ExpertAblation ablation{model, backend, sequences, settings, progress};
    progress.report(1, total, "experts");
    std::vector<AblationEffect> effects;
    for (const ExpertPlace &expert : experts) {
        effects.push_back(ablation.effect(expert, progress));
        progress.report(std::ssize(effects) + 1, total, "experts");
    }
    return effects;
}

const AnalysisKind &ablationKind()
{
    static const AnalysisKind kind{.id = "ablation",
        .title = "Effect of ablating experts",
        .help = "How much worse does the model predict these texts without each expert?",
        .definition =
            "The loss in nats per predicted token of the model without the expert, less that of the model as it is: above 0 the "
            "expert helps; chance is 0. Intervals are 95 % percentile intervals of a paired bootstrap over sequences, for each expert "
            "alone; p is of sign flips of the sequences' differences, for experts with enough tokens; significant controls the "
            "false discovery rate over the experts of the table (Benjamini and Hochberg).",
        .source = "Causal audit of expert scores, arXiv:2606.10703",
        .params = ablationParams,
        .run = nullptr};
    return kind;
}

std::vector<Column> effectColumns(std::span<const AblationEffect *const> rows, const Params &settings, const std::string &prefix)
{
    std::map<ExpertPlace, double> tested;
    for (const AblationEffect *effect : rows)
        if (effect && effect->tokensUsing >= settings.integer("min_count") && !std::isnan(effect->loss.p))
            tested[effect->expert] = effect->loss.p;
    std::vector<double> ps;
    for (const auto &[expert, p] : tested)
        ps.push_back(p);
    std::map<ExpertPlace, std::int64_t> flags;
    const std::vector<std::int64_t> flagged = significant(ps);
    for (const auto &[expert, p] : tested)
        flags[expert] = flagged[flags.size()];

    const auto column = [&](const std::string &name, const char *unit, const std::string &help, auto valueOf) {
        std::vector<double> values;
        for (const AblationEffect *effect : rows)
            values.push_back(effect ? valueOf(*effect) : noNumber);
        return Column{prefix.empty() ? name : name == "value" ? prefix : prefix + '_' + name, unit, help, std::move(values)};
    };
    const auto counted = [&](const std::string &name, const char *unit, const std::string &help, auto valueOf) {
        Column counts = column(name, unit, help, [&](const AblationEffect &effect) { return static_cast<double>(valueOf(effect)); });
        const auto &reals = std::get<std::vector<double>>(counts.values);
        if (std::none_of(reals.begin(), reals.end(), [](double x) { return std::isnan(x); }))
            counts.values = std::vector<std::int64_t>(reals.begin(), reals.end());
        return counts;
    };
    return {column("value", "nats", "Loss per predicted token without the expert, less with it: above 0 the expert helps; chance is 0",
                [](const AblationEffect &e) { return e.loss.difference; }),
        column("low", "nats", "Lower end of the 95 % interval, paired bootstrap over sequences",
            [](const AblationEffect &e) { return e.loss.interval.low; }),
        column("high", "nats", "Upper end of it", [](const AblationEffect &e) { return e.loss.interval.high; }),
        column("p", "1",
            "Two-sided, of sign flips of the sequences' differences; missing where fewer than " + settings.text("min_count")
                + " tokens use the expert",
            [&](const AblationEffect &e) { return tested.contains(e.expert) ? e.loss.p : noNumber; }),
        counted("significant", "1",
            "False discovery rate of 5 % over the " + std::to_string(tested.size()) + " experts tested here (Benjamini and Hochberg)",
            [&](const AblationEffect &e) { return flags.contains(e.expert) ? flags.at(e.expert) : 0; }),
        counted("tokens", "tokens", "That use the expert in the unchanged model", [](const AblationEffect &e) { return e.tokensUsing; }),
        counted("n", "sequences", "Compared in pairs", [](const AblationEffect &e) { return e.loss.units; })};
}

Result ablationResult(std::span<const AblationEffect> effects, const Params &settings, std::span<const int> layers, int experts)
{
    std::vector<const AblationEffect *> order;
    for (const AblationEffect &effect : effects)
        order.push_back(&effect);
    std::stable_sort(order.begin(), order.end(),
        [](const AblationEffect *a, const AblationEffect *b) { return a->loss.difference > b->loss.difference; });

    std::vector<std::int64_t> layer, expert;
    Matrix map =
        layerExpertMatrix("effects-map", "Effect of ablating each expert", "Loss without it, less with it", "nats", layers, experts);
    map.neutral = 0;
    for (const AblationEffect *effect : order) {
        layer.push_back(effect->expert.layer);
        expert.push_back(effect->expert.expert);
        const auto row = std::find(layers.begin(), layers.end(), effect->expert.layer) - layers.begin();
        map.values[static_cast<std::size_t>(row) * static_cast<std::size_t>(experts) + static_cast<std::size_t>(effect->expert.expert)] =
            effect->loss.difference;
    }
    Result result;
    result.analysis = ablationKind().id;
    result.title = ablationKind().title;
    result.settings = settings.all();
    if (!order.empty())
        result.numbers.push_back({.id = "loss",
            .title = "Loss of the model as it is",
            .unit = "nats",
            .value = order.front()->loss.baseline,
            .n = order.front()->loss.units,
            .of = "sequences"});
    Table table{"effects", "Effect of ablating each expert, the largest first",
        {{"layer", "", "The model's own number", std::move(layer)}, {"expert", "", "Number in its layer", std::move(expert)}}};
    for (Column &column : effectColumns(order, settings, ""))
        table.columns.push_back(std::move(column));
    result.tables.push_back(std::move(table));
    result.matrices.push_back(std::move(map));
    return result;
}

} // namespace expertscope
