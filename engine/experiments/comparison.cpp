// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/comparison.h"

#include "engine/analysis/agreement_sums.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

double total(const auto &values)
{
    return std::accumulate(values.begin(), values.end(), 0.0, [](double sum, auto value) { return sum + static_cast<double>(value); });
}

void addTokens(Result &result, const Comparison &comparison)
{
    const TokenRange all{0, comparison.baseline->meta().tokens};
    const TokenColumns own = comparison.baseline->tokens(all), steered = comparison.steered->tokens(all);
    const auto tokens = static_cast<std::size_t>(all.count());
    std::vector<std::int64_t> position(tokens), id(own.tokenId.begin(), own.tokenId.end()), same(tokens);
    std::vector<double> before(tokens), after(tokens), change(tokens), kl(comparison.divergence.begin(), comparison.divergence.end());
    for (std::size_t t = 0; t < tokens; ++t) {
        position[t] = own.position[t];
        before[t] = -static_cast<double>(own.logprob[t]);
        after[t] = -static_cast<double>(steered.logprob[t]);
        change[t] = after[t] - before[t];
        same[t] = own.predictedId[t] == steered.predictedId[t];
    }
    const auto known =
        static_cast<std::int64_t>(std::count_if(change.begin(), change.end(), [](double value) { return !std::isnan(value); }));
    const std::int64_t n = all.count();
    result.numbers.push_back(
        {.id = "loss_change", .title = "Loss, steered minus baseline", .unit = "nats", .value = mean(change), .n = known, .of = "tokens"});
    result.numbers.push_back(
        {.id = "loss_baseline", .title = "Loss, baseline", .unit = "nats", .value = mean(before), .n = known, .of = "tokens"});
    result.numbers.push_back(
        {.id = "loss_steered", .title = "Loss, steered", .unit = "nats", .value = mean(after), .n = known, .of = "tokens"});
    result.numbers.push_back({.id = "divergence",
        .title = "KL(baseline || steered) of the next token",
        .unit = "nats",
        .value = mean(kl),
        .n = n,
        .of = "tokens"});
    result.numbers.push_back({.id = "same_prediction",
        .title = "Same likeliest next token",
        .unit = "1",
        .value = static_cast<double>(std::accumulate(same.begin(), same.end(), std::int64_t{0})) / static_cast<double>(n),
        .n = n,
        .of = "tokens"});

    std::vector<double> x(position.begin(), position.end());
    Series losses{.id = "loss",
        .title = "Loss of each token",
        .xTitle = "Position",
        .yTitle = "Loss",
        .unit = "nats",
        .x = x,
        .curves = {},
        .names = {}};
    losses.curves.push_back({Curve::Role::Data, "baseline", before, {}, {}});
    losses.curves.push_back({Curve::Role::Data, "steered", after, {}, {}});
    Series changes{.id = "change",
        .title = "Change of each token",
        .xTitle = "Position",
        .yTitle = "Change",
        .unit = "nats",
        .x = x,
        .curves = {},
        .names = {}};
    changes.curves.push_back({Curve::Role::Data, "loss", change, {}, {}});
    changes.curves.push_back({Curve::Role::Data, "KL of the next token", kl, {}, {}});
    result.series.push_back(std::move(changes));
    result.series.push_back(std::move(losses));

    Table table{.id = "tokens", .title = "Every token", .columns = {}};
    table.columns = {{"position", "", "Of the token in the text", std::move(position)}, {"token_id", "", "The token", std::move(id)},
        {"loss_baseline", "nats", "-log p of the token with the model's own routing; empty at the first one", std::move(before)},
        {"loss_steered", "nats", "The same with the recipe", std::move(after)},
        {"value", "nats", "Loss, steered minus baseline", std::move(change)},
        {"kl", "nats", "KL(baseline || steered) of the distribution of the token that follows", std::move(kl)},
        {"same_prediction", "", "1 where the likeliest next token is the same", std::move(same)}};
    result.tables.push_back(std::move(table));
}

void addLayers(Result &result, const Comparison &comparison)
{
    const TraceMeta &meta = comparison.baseline->meta();
    Matrix map = layerExpertMatrix("difference", "Choices of each expert: steered minus baseline", "Difference of shares",
        "1", meta.layers, meta.experts);
    map.neutral = 0;
    std::vector<double> agreement, changed, before, after;
    const double tokens = static_cast<double>(meta.tokens);
    auto cell = map.values.begin();
    for (const AgreementSums &sums : agreementSums(alignTraces(comparison.baseline, comparison.steered, {}), 0, {})) {
        agreement.push_back(total(sums.shared) / tokens);
        changed.push_back(total(sums.replaced) / tokens);
        before.push_back(total(sums.firstLoad) / tokens);
        after.push_back(total(sums.secondLoad) / tokens);
        cell = std::transform(sums.firstLoad.begin(), sums.firstLoad.end(), sums.secondLoad.begin(), cell,
            [&](std::int64_t first, std::int64_t second) { return static_cast<double>(second - first) / tokens; });
    }
    const std::int64_t n = meta.tokens;
    result.numbers.push_back({.id = "agreement",
        .title = "Same experts, mean over layers",
        .unit = "1",
        .value = mean(agreement),
        .chance = meta.experts > 0 ? mean(before) / meta.experts : noNumber,
        .n = n,
        .of = "tokens"});
    result.numbers.push_back({.id = "experts_baseline",
        .title = "Experts per token and layer, baseline",
        .unit = "experts",
        .value = mean(before),
        .n = n,
        .of = "tokens"});
    result.numbers.push_back({.id = "experts_steered",
        .title = "Experts per token and layer, steered",
        .unit = "experts",
        .value = mean(after),
        .n = n,
        .of = "tokens"});
    Series lines = layerSeries("layers", "Experts of a token by layer", "Experts per token", "experts", meta.layers);
    lines.curves.push_back({Curve::Role::Data, "replaced", changed, {}, {}});
    lines.curves.push_back({Curve::Role::Data, "chosen, steered", after, {}, {}});
    lines.curves.push_back({Curve::Role::Data, "chosen, baseline", before, {}, {}});
    result.series.push_back(std::move(lines));
    // how much of it the recipe itself did: later layers also change because their input has
    std::vector<double> direct;
    for (int layer : meta.layers) {
        const auto at = comparison.log.layers.find(layer);
        direct.push_back(at == comparison.log.layers.end() ? 0 : at->second.meanChanged());
    }
    Table table{.id = "layers", .title = "Every layer", .columns = {}};
    table.columns = {
        {"layer", "", "The model's own number of the layer", std::vector<std::int64_t>(meta.layers.begin(), meta.layers.end())},
        {"value", "1", "Mean share of a token's experts that are the same in both runs", std::move(agreement)},
        {"replaced", "experts", "Experts of the baseline per token that the steered run does not choose", std::move(changed)},
        {"replaced_here", "experts",
            "Of the experts the model's rule would choose from the steered run's own logits, those the recipe replaced, per token",
            std::move(direct)},
        {"experts_baseline", "experts", "Experts per token, baseline", std::move(before)},
        {"experts_steered", "experts", "Experts per token, steered", std::move(after)},
        {"n", "tokens", "Tokens of the text", std::vector<std::int64_t>(static_cast<std::size_t>(meta.moeLayers()), n)}};
    result.tables.push_back(std::move(table));
    result.matrices.push_back(std::move(map));
}

} // namespace

Result comparisonResult(const Comparison &comparison)
{
    Result result;
    result.analysis = "steering-comparison";
    result.title = "Steered against baseline";
    addTokens(result, comparison);
    addLayers(result, comparison);
    result.notes.push_back("One text is no sample: these numbers have no interval. An experiment (expertscope eval) compares many texts.");
    return result;
}

} // namespace expertscope
