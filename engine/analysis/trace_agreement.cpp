// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How alike two traces of the same texts route: two checkpoints (saturation), two precisions, a model and its steered self.
#include "engine/analysis/agreement_sums.h"
#include "engine/analysis/analyses.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/share.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"kl-extra", "Experts in the KL", "The router KL is over the first trace's k + floor(a (E - k)) likeliest experts, a from 0 to 1",
        ParamKind::Type::Real, "0.1", 0, 1},
    {"bootstrap", "Bootstrap replicates", "Draws of whole sequences for the intervals; 0 leaves them out", ParamKind::Type::Integer, "500",
        0, 10000},
    {"seed", "Seed", "Of the bootstrap", ParamKind::Type::Integer, "42", 0, 9e15},
};

struct Estimate {
    std::vector<double> value, low, high;
};

/// sum y / sum x over sequences, per layer, with a bootstrap of whole sequences.
Estimate estimate(const std::vector<AgreementSums> &layers, std::vector<double> AgreementSums::*y, std::span<const double> tokens,
    std::span<const std::uint32_t> draws)
{
    const std::size_t sequences = tokens.size();
    Estimate result;
    for (const AgreementSums &layer : layers) {
        const std::vector<double> &sums = layer.*y;
        if (sums.empty()) {
            for (auto *list : {&result.value, &result.low, &result.high})
                list->push_back(noNumber);
            continue;
        }
        result.value.push_back(std::accumulate(sums.begin(), sums.end(), 0.0) / std::accumulate(tokens.begin(), tokens.end(), 0.0));
        std::vector<double> drawn;
        for (std::size_t at = 0; at < draws.size() && sequences > 1; at += sequences) {
            double sum = 0, n = 0;
            for (std::size_t s = 0; s < sequences; ++s) {
                sum += draws[at + s] * sums[s];
                n += draws[at + s] * tokens[s];
            }
            drawn.push_back(sum / n);
        }
        const Interval interval = interval95(std::move(drawn));
        result.low.push_back(interval.low);
        result.high.push_back(interval.high);
    }
    return result;
}

std::vector<std::int64_t> integersOf(const std::vector<int> &values)
{
    return {values.begin(), values.end()};
}

void addLayers(Result &result, const TracePair &pair, const std::vector<AgreementSums> &layers, std::span<const double> tokens,
    std::span<const std::uint32_t> draws)
{
    const auto agreement = estimate(layers, &AgreementSums::shared, tokens, draws);
    const auto same = estimate(layers, &AgreementSums::sameSet, tokens, draws);
    const auto top = estimate(layers, &AgreementSums::sameFirst, tokens, draws);
    const auto full = estimate(layers, &AgreementSums::kl, tokens, draws);
    const auto some = estimate(layers, &AgreementSums::klTop, tokens, draws);
    const auto weights = estimate(layers, &AgreementSums::weightDifference, tokens, draws);
    const double all = std::accumulate(tokens.begin(), tokens.end(), 0.0);
    std::vector<double> chance, chanceLoad, topChance, flips;
    for (std::size_t m = 0; m < layers.size(); ++m) {
        const double experts = static_cast<double>(layers[m].firstLoad.size());
        double choices = 0, product = 0;
        for (std::size_t e = 0; e < layers[m].firstLoad.size(); ++e) {
            choices += static_cast<double>(layers[m].secondLoad[e]);
            product += static_cast<double>(layers[m].firstLoad[e]) / all * (static_cast<double>(layers[m].secondLoad[e]) / all);
        }
        chance.push_back(choices / all / experts);
        chanceLoad.push_back(choices > 0 ? product / (choices / all) : noNumber);
        topChance.push_back(1 / experts);
        flips.push_back(1 - top.value[m]);
    }
    const std::size_t count = layers.size();
    Table table{.id = "agreement", .title = "Agreement of both traces in each layer", .columns = {}};
    table.columns = {{"layer", "", "The model's own number of the layer", integersOf(pair.layers)},
        {"value", "1", "Set agreement: mean share of a token's experts that are the same in both traces", agreement.value},
        {"low", "1", "Lower end of the 95 % interval, bootstrap of sequences", agreement.low}, {"high", "1", "Upper end", agreement.high},
        {"chance", "1", "Of random sets: k/E", chance},
        {"chance_load", "1", "Of sets of unrelated tokens with the experts' loads in both traces", chanceLoad},
        {"same_set", "1", "Share of tokens whose sets are the same", same.value},
        {"top1", "1", "Share of tokens with the same first choice", top.value}, {"top1_low", "1", "Lower end", top.low},
        {"top1_high", "1", "Upper end", top.high}, {"top1_chance", "1", "1/E", topChance},
        {"flip_rate", "1", "Share of tokens whose first choice differs", flips},
        {"kl", "nats", "Mean KL of the first trace's softmax from the second's, all experts; empty without router logits in both",
            full.value},
        {"kl_low", "nats", "Lower end", full.low}, {"kl_high", "nats", "Upper end", full.high},
        {"kl_top", "nats", "The same over the first trace's likeliest experts, renormalised (setting kl-extra)", some.value},
        {"weight_difference", "1", "Mean over tokens of the sum of |difference| of the gate weights of shared experts", weights.value},
        {"n", "tokens", "Tokens compared", std::vector<std::int64_t>(count, std::llround(all))},
        {"sequences", "sequences", "Sequences compared", std::vector<std::int64_t>(count, std::ssize(tokens))}};
    result.tables.push_back(std::move(table));
    Series lines = layerSeries("agreement-by-layer", "Agreement by layer", "Share", "1", pair.layers);
    lines.curves.push_back({Curve::Role::Data, "same experts", agreement.value, agreement.low, agreement.high});
    lines.curves.push_back({Curve::Role::Data, "same first choice", top.value, top.low, top.high});
    lines.curves.push_back({Curve::Role::Chance, "unrelated tokens", chanceLoad, {}, {}});
    result.series.push_back(std::move(lines));
    if (!std::isnan(mean(full.value))) {
        Series kl = layerSeries("kl-by-layer", "Router KL by layer", "KL divergence", "nats", pair.layers);
        kl.curves.push_back({Curve::Role::Data, "all experts", full.value, full.low, full.high});
        kl.curves.push_back({Curve::Role::Data, "likeliest experts", some.value, some.low, some.high});
        result.series.push_back(std::move(kl));
    }
    // the mean over layers of each sequence: one bootstrap of sequences for the headline
    AgreementSums pooled;
    pooled.shared.resize(tokens.size());
    pooled.sameFirst.resize(tokens.size());
    for (const AgreementSums &layer : layers)
        for (std::size_t s = 0; s < tokens.size(); ++s) {
            pooled.shared[s] += layer.shared[s] / static_cast<double>(layers.size());
            pooled.sameFirst[s] += layer.sameFirst[s] / static_cast<double>(layers.size());
        }
    const auto headline = estimate({pooled}, &AgreementSums::shared, tokens, draws);
    const auto firstChoice = estimate({pooled}, &AgreementSums::sameFirst, tokens, draws);
    result.numbers.push_back({.id = "mean_agreement",
        .title = "Set agreement, mean over layers",
        .unit = "1",
        .value = headline.value.front(),
        .low = headline.low.front(),
        .high = headline.high.front(),
        .chance = mean(chanceLoad),
        .n = std::llround(all),
        .of = "tokens"});
    result.numbers.push_back({.id = "mean_top1",
        .title = "Same first choice, mean over layers",
        .unit = "1",
        .value = firstChoice.value.front(),
        .low = firstChoice.low.front(),
        .high = firstChoice.high.front(),
        .chance = mean(topChance),
        .n = std::llround(all),
        .of = "tokens"});
}

/// Where sets part first on the way up, and in which sequences.
void addParting(Result &result, const TracePair &pair, const std::vector<AgreementSums> &layers, std::span<const double> tokens)
{
    std::vector<std::int64_t> parted(layers.size() + 1);
    std::vector<std::int64_t> firstPosition, firstLayer, n;
    std::vector<std::string> sequence;
    std::vector<double> agreement;
    std::size_t token = 0;
    for (std::size_t s = 0; s < pair.sequences.size(); ++s) {
        std::int64_t position = -1, layerThere = -1;
        const auto count = static_cast<std::size_t>(std::llround(tokens[s]));
        for (std::size_t t = 0; t < count; ++t, ++token) {
            std::size_t m = 0;
            while (m < layers.size() && !layers[m].differs[token])
                ++m;
            ++parted[m];
            if (m < layers.size() && position < 0) {
                position = static_cast<std::int64_t>(t);
                layerThere = pair.layers[m];
            }
        }
        double shared = 0;
        for (const AgreementSums &layer : layers)
            shared += layer.shared[s];
        sequence.push_back(pair.first->meta().sequences[static_cast<std::size_t>(pair.sequences[s])].id);
        agreement.push_back(shared / tokens[s] / static_cast<double>(layers.size()));
        firstPosition.push_back(position);
        firstLayer.push_back(layerThere);
        n.push_back(static_cast<std::int64_t>(count));
    }
    const std::int64_t all = std::accumulate(parted.begin(), parted.end(), std::int64_t{0});
    std::vector<double> value, low, high, cumulative;
    double sum = 0;
    for (std::size_t m = 0; m < layers.size(); ++m) {
        const Share here = share(parted[m], all);
        sum += here.value;
        value.push_back(here.value);
        low.push_back(here.low);
        high.push_back(here.high);
        cumulative.push_back(sum);
    }
    Table parting{.id = "parting", .title = "First layer in which a token's experts differ", .columns = {}};
    parting.columns = {{"layer", "", "The model's own number of the layer", integersOf(pair.layers)},
        {"value", "1", "Share of tokens whose sets differ here and in no earlier layer", value},
        {"low", "1", "Lower end of Wilson's 95 % interval, which takes tokens as independent", low}, {"high", "1", "Upper end", high},
        {"cumulative", "1", "Share of tokens whose sets have differed by then", cumulative},
        {"n", "tokens", "Tokens compared", std::vector<std::int64_t>(layers.size(), all)}};
    Table sequences{.id = "sequences", .title = "Where each sequence parts", .columns = {}};
    sequences.columns = {{"sequence", "", "Id of the sequence", sequence}, {"value", "1", "Set agreement, mean over layers", agreement},
        {"first_position", "", "First token whose experts differ in a layer; -1 if none does", firstPosition},
        {"first_layer", "", "First layer in which that token's experts differ; -1 if none does", firstLayer},
        {"n", "tokens", "Tokens of the sequence", n}};
    Series line = layerSeries("parting-by-layer", "Tokens whose experts have differed by a layer", "Share of tokens", "1", pair.layers);
    line.curves.push_back({Curve::Role::Data, "have parted", cumulative, {}, {}});
    result.series.push_back(std::move(line));
    result.tables.push_back(std::move(parting));
    result.tables.push_back(std::move(sequences));
    result.numbers.push_back({.id = "never_parted",
        .title = "Tokens with the same experts in every layer",
        .unit = "1",
        .value = static_cast<double>(parted.back()) / static_cast<double>(all),
        .n = all,
        .of = "tokens"});
}

void addMargins(Result &result, const TracePair &pair, const std::vector<AgreementSums> &layers)
{
    std::vector<std::int64_t> layer, n;
    std::vector<double> from, to, value, low, high;
    std::vector<std::int64_t> flipped(marginEdges.size()), seen(marginEdges.size());
    for (std::size_t m = 0; m < layers.size(); ++m)
        for (std::size_t bin = 0; bin < marginEdges.size(); ++bin) {
            const Share flips = share(layers[m].marginFlips[bin], layers[m].marginTokens[bin]);
            layer.push_back(pair.layers[m]);
            from.push_back(marginEdges[bin]);
            to.push_back(bin + 1 < marginEdges.size() ? marginEdges[bin + 1] : noNumber);
            value.push_back(flips.of > 0 ? flips.value : noNumber);
            low.push_back(flips.of > 0 ? flips.low : noNumber);
            high.push_back(flips.of > 0 ? flips.high : noNumber);
            n.push_back(flips.of);
            flipped[bin] += flips.count;
            seen[bin] += flips.of;
        }
    Table table{.id = "margins", .title = "How often sets differ, by the margin of the choice", .columns = {}};
    table.columns = {{"layer", "", "The model's own number of the layer", layer},
        {"from", "logits", "Least margin: lowest logit of a chosen expert minus highest of the others, in the first trace", from},
        {"to", "logits", "Margin the bin ends at; empty = no end", to}, {"value", "1", "Share of the tokens whose sets differ", value},
        {"low", "1", "Lower end of Wilson's 95 % interval, which takes tokens as independent", low}, {"high", "1", "Upper end", high},
        {"n", "tokens", "Tokens with such a margin", n}};
    result.tables.push_back(std::move(table));
    Series bars{.id = "flips-by-margin",
        .title = "How often sets differ, by the margin of the choice (all layers)",
        .xTitle = "Margin in the first trace, logits",
        .yTitle = "Share of tokens whose sets differ",
        .unit = "1",
        .x = {},
        .curves = {{Curve::Role::Data, "sets differ", {}, {}, {}}},
        .bars = true,
        .names = {}};
    for (std::size_t bin = 0; bin < marginEdges.size(); ++bin) {
        char label[32];
        std::snprintf(label, sizeof label, "from %g", marginEdges[bin]);
        const Share flips = share(flipped[bin], seen[bin]);
        bars.x.push_back(static_cast<double>(bin));
        bars.names.emplace_back(label);
        bars.curves[0].y.push_back(flips.of > 0 ? flips.value : noNumber);
        bars.curves[0].low.push_back(flips.of > 0 ? flips.low : noNumber);
        bars.curves[0].high.push_back(flips.of > 0 ? flips.high : noNumber);
    }
    result.series.push_back(std::move(bars));
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const TracePair pair = alignTraces(input.traces[0], input.traces[1], progress);
    std::vector<double> tokens;
    for (const int s : pair.sequences)
        tokens.push_back(static_cast<double>(pair.first->meta().sequences[static_cast<std::size_t>(s)].range().count()));
    const std::vector<AgreementSums> layers = agreementSums(pair, given.real("kl-extra"), progress);
    const std::vector<std::uint32_t> draws = bootstrapDraws(
        static_cast<std::size_t>(given.integer("bootstrap")), tokens.size(), static_cast<std::uint64_t>(given.integer("seed")));
    Result result;
    addLayers(result, pair, layers, tokens, draws);
    addParting(result, pair, layers, tokens);
    const bool logits = pair.first->meta().fields.routerLogit && pair.second->meta().fields.routerLogit;
    if (logits)
        addMargins(result, pair, layers);
    const double all = std::accumulate(tokens.begin(), tokens.end(), 0.0);
    Matrix difference = layerExpertMatrix("load-difference", "Load in the second trace minus the first",
        "Difference of the share of tokens", "1", pair.layers, pair.first->meta().experts);
    difference.neutral = 0;
    const auto experts = static_cast<std::size_t>(pair.first->meta().experts);
    for (std::size_t m = 0; m < layers.size(); ++m)
        for (std::size_t e = 0; e < experts; ++e)
            difference.values[m * experts + e] = static_cast<double>(layers[m].secondLoad[e] - layers[m].firstLoad[e]) / all;
    result.matrices.push_back(std::move(difference));
    result.notes = pair.notes;
    if (!logits)
        result.notes.push_back("The router KL and the margins are left out: they need router logits in both traces.");
    if (tokens.size() < 2)
        result.notes.push_back("One sequence cannot be drawn again: there are no intervals.");
    return result;
}

} // namespace

AnalysisKind traceAgreement()
{
    return {.id = "trace-agreement",
        .title = "Agreement of two traces",
        .help = "How alike do two checkpoints, precisions or policies route the same texts, and where do they part?",
        .definition = "Tokens are aligned by sequence id and position; traces with different tokens are refused. value = mean over tokens "
                      "of |A and B| / k, "
                      "A and B the experts of the token in each trace, k the larger of both sizes (router saturation, if the second trace "
                      "is the final "
                      "checkpoint). chance = k/E; chance_load = the same for unrelated tokens with these loads. Router KL: softmax of the "
                      "first trace from "
                      "that of the second, over all experts and over the first trace's likeliest ones. Margin: lowest chosen logit minus "
                      "the highest other "
                      "one. Parting: the first layer in which a token's sets differ. Intervals: bootstrap of sequences. n is tokens.",
        .source = "Router saturation: Muennighoff et al. 2024, OLMoE, arXiv 2409.02060, eq. 5; router KL over likely experts: EAQuant, "
                  "arXiv 2506.13329",
        .params = params,
        .numbers = "mean_agreement|mean_top1|never_parted",
        .traces = 2,
        .needs = {.tokens = true},
        .run = run};
}

} // namespace expertscope
