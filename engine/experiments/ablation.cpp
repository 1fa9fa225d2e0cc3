// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/ablation.h"

#include "engine/analysis/result_parts.h"
#include "engine/core/error.h"
#include "engine/experiments/loss_sink.h"
#include "engine/steering/compiled_recipe.h"

#include <algorithm>
#include <array>
#include <numeric>

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

std::vector<AblationEffect> ablateExperts(const Model &model, Backend &backend, std::span<const TokenSequence> sequences,
    std::span<const ExpertPlace> experts, const Params &settings, const std::function<void(const AblationEffect &)> &onEffect,
    const Progress &progress)
{
    const std::string &op = settings.text("op");
    const auto total = std::ssize(experts) + 1;
    const Progress quiet{progress.stopToken()};
    KeptLayers kept;
    const LossSink own = lossOf(model, backend, sequences, settings, Steering{.kept = &kept}, quiet);
    if (std::accumulate(own.loss().weight.begin(), own.loss().weight.end(), 0.0) == 0)
        throw Error{ErrorKind::Usage, "no token of these texts is predicted by another", "texts", "Give texts of two tokens or more"};
    progress.report(1, total, "experts");

    std::vector<AblationEffect> effects;
    for (const ExpertPlace &expert : experts) {
        progress.check();
        CompiledRecipe recipe{without(expert, op), model, backend, nullptr};
        LossSink ablated = own;
        if (own.load(expert.layer, expert.expert) > 0 || op != "exclude") { // to leave out an expert that nobody uses changes nothing
            Steering steering = recipe.steering();
            steering.kept = &kept;
            ablated = lossOf(model, backend, sequences, settings, steering, quiet);
        }
        effects.push_back({expert, compareLosses(own, ablated, settings), own.load(expert.layer, expert.expert)});
        if (onEffect)
            onEffect(effects.back());
        progress.report(std::ssize(effects) + 1, total, "experts");
    }
    return effects;
}

const AnalysisKind &ablationKind()
{
    static const auto params =
        joined(std::array{ParamKind{"op", "Ablation",
                   "exclude: tokens that do not use the expert are left alone; mask: as if the layer did not have it",
                   ParamKind::Type::Choice, "exclude", 0, 0, "exclude|mask"}},
            lossParams);
    static const AnalysisKind kind{.id = "ablation",
        .title = "Effect of ablating experts",
        .help = "How much worse does the model predict these texts without each expert?",
        .definition = "The loss in nats per predicted token of the model without the expert, less that of the model as it is: above 0 the "
                      "expert helps. Intervals are 95 % percentile intervals of a paired bootstrap over sequences, p is of sign flips of "
                      "the sequences' differences; both are per expert, without correction for how many are looked at.",
        .source = "Causal audit of expert scores, arXiv:2606.10703",
        .params = params,
        .run = nullptr};
    return kind;
}

Result ablationResult(std::span<const AblationEffect> effects, const Params &settings, std::span<const int> layers, int experts)
{
    std::vector<const AblationEffect *> order;
    for (const AblationEffect &effect : effects)
        order.push_back(&effect);
    std::stable_sort(order.begin(), order.end(),
        [](const AblationEffect *a, const AblationEffect *b) { return a->loss.difference > b->loss.difference; });

    std::vector<std::int64_t> layer, expert, used, sequences;
    std::vector<double> value, low, high, p;
    Matrix map =
        layerExpertMatrix("effects-map", "Effect of ablating each expert", "Loss without it, less with it", "nats", layers, experts);
    map.neutral = 0;
    for (const AblationEffect *effect : order) {
        layer.push_back(effect->expert.layer);
        expert.push_back(effect->expert.expert);
        value.push_back(effect->loss.difference);
        low.push_back(effect->loss.interval.low);
        high.push_back(effect->loss.interval.high);
        p.push_back(effect->loss.p);
        used.push_back(effect->tokensUsing);
        sequences.push_back(effect->loss.units);
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
    result.tables.push_back({"effects", "Effect of ablating each expert, the largest first",
        {{"layer", "", "The model's own number", layer}, {"expert", "", "Number in its layer", expert},
            {"value", "nats", "Loss per predicted token without the expert, less with it", value},
            {"low", "nats", "Lower end of the 95 % interval", low}, {"high", "nats", "Upper end", high},
            {"p", "1", "Two-sided, of sign flips of the sequences' differences", p},
            {"tokens", "tokens", "That use the expert in the unchanged model", used}, {"n", "sequences", "Compared in pairs", sequences}}});
    result.matrices.push_back(std::move(map));
    return result;
}

} // namespace expertscope
