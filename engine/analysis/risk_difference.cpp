// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Experts that go with a behaviour: how much more often tokens of one side of paired texts choose them than tokens of the other.
#include "engine/analysis/analyses.h"
#include "engine/analysis/paired_sides.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/sequence_counts.h"
#include "engine/analysis/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"column", "Side is said by", "Label column, domain or language; auto takes the first that tells the texts of a pair apart",
        ParamKind::Type::Text, "auto"},
    {"side-1", "Side 1", "Value of the column; empty = the first", ParamKind::Type::Text, ""},
    {"side-2", "Side 2", "Value of the column; empty = the next", ParamKind::Type::Text, ""},
    {"span", "Tokens compared", "All, those of the prompt, those generated, or the longest ending that both texts of a pair share",
        ParamKind::Type::Choice, "all", 0, 0, "all|prompt|generated|shared-end"},
    {"match", "Control", "Count only token ids that both texts have, or cut both to the same length", ParamKind::Type::Choice, "none", 0, 0,
        "none|ids|length"},
    {"min-count", "Least count", "An expert that fewer compared tokens chose is neither tested nor ranked", ParamKind::Type::Integer, "50",
        0, 1e9},
    {"top", "Top experts", "Rows in the list of top experts", ParamKind::Type::Integer, "50", 1, 100000},
    {"bootstrap", "Bootstrap replicates", "Draws of whole pairs for the intervals; 0 leaves them out", ParamKind::Type::Integer, "300", 0,
        10000},
    {"permutations", "Permutations", "Times the sides of pairs are swapped at random, for p and chance; 0 leaves them out",
        ParamKind::Type::Integer, "1000", 0, 100000},
    {"seed", "Seed", "Of the bootstrap and the permutations", ParamKind::Type::Integer, "42", 0, 9e15},
};

constexpr std::uint64_t permutationStreams = std::uint64_t{1} << 32; // away from those of the bootstrap

struct LayerDifference {
    std::vector<std::int64_t> first, second; ///< [E] compared tokens of each side that chose the expert
    std::vector<double> value; ///< [E]
    std::vector<Interval> interval; ///< [E]
    std::vector<double> p; ///< [E]
    std::vector<double> nullMagnitude; ///< [permutations] mean |difference| over experts
};

/// How often each pair is drawn, or whether its sides are swapped; the same for all layers.
struct Draws {
    std::vector<std::uint32_t> times; ///< [replicates, P]
    std::vector<std::uint8_t> swapped; ///< [permutations, P]
};

double share(double count, double of)
{
    return of > 0 ? count / of : noNumber;
}

LayerDifference differenceOf(const PairedSides &pairs, const Draws &draws, std::span<const std::uint32_t> counts, std::size_t experts)
{
    const std::size_t pairCount = pairs.first.size();
    const auto add = [&](std::vector<std::uint32_t> &to, int sequence) {
        const auto row = counts.subspan(static_cast<std::size_t>(sequence) * experts, experts);
        for (std::size_t e = 0; e < experts; ++e)
            to[e] += row[e];
    };
    std::vector<std::uint32_t> first(experts), second(experts);
    double firstTokens = 0, secondTokens = 0;
    const auto clear = [&] {
        std::fill(first.begin(), first.end(), 0u);
        std::fill(second.begin(), second.end(), 0u);
        firstTokens = secondTokens = 0;
    };
    const auto addPair = [&](std::size_t i, bool swapped) {
        add(swapped ? second : first, pairs.first[i]);
        add(swapped ? first : second, pairs.second[i]);
        (swapped ? secondTokens : firstTokens) += static_cast<double>(pairs.firstTokens[i]);
        (swapped ? firstTokens : secondTokens) += static_cast<double>(pairs.secondTokens[i]);
    };
    const auto difference = [&](std::size_t e) { return share(first[e], firstTokens) - share(second[e], secondTokens); };

    LayerDifference result;
    for (std::size_t i = 0; i < pairCount; ++i)
        addPair(i, false);
    result.first.assign(first.begin(), first.end());
    result.second.assign(second.begin(), second.end());
    for (std::size_t e = 0; e < experts; ++e)
        result.value.push_back(difference(e));

    result.interval.resize(experts);
    std::vector<std::vector<double>> drawn(experts);
    for (std::size_t at = 0; at < draws.times.size() && pairCount > 1; at += pairCount) {
        clear();
        for (std::size_t i = 0; i < pairCount; ++i)
            for (std::uint32_t time = 0; time < draws.times[at + i]; ++time)
                addPair(i, false);
        for (std::size_t e = 0; e < experts; ++e)
            drawn[e].push_back(difference(e));
    }
    for (std::size_t e = 0; e < experts; ++e)
        result.interval[e] = interval95(std::move(drawn[e]));

    std::vector<std::int64_t> above(experts), below(experts);
    double permutations = 0;
    for (std::size_t at = 0; at < draws.swapped.size(); at += pairCount) {
        clear();
        for (std::size_t i = 0; i < pairCount; ++i)
            addPair(i, draws.swapped[at + i]);
        double magnitude = 0;
        for (std::size_t e = 0; e < experts; ++e) {
            const double swapped = difference(e);
            above[e] += swapped >= result.value[e];
            below[e] += swapped <= result.value[e];
            magnitude += std::abs(swapped) / static_cast<double>(experts);
        }
        result.nullMagnitude.push_back(magnitude);
        ++permutations;
    }
    for (std::size_t e = 0; e < experts; ++e)
        result.p.push_back(
            permutations > 0 ? std::min(1.0, 2 * static_cast<double>(1 + std::min(above[e], below[e])) / (1 + permutations)) : noNumber);
    return result;
}

Draws drawPairs(std::size_t pairs, const Params &given)
{
    const auto seed = static_cast<std::uint64_t>(given.integer("seed"));
    Draws draws{.times = bootstrapDraws(static_cast<std::size_t>(given.integer("bootstrap")), pairs, seed), .swapped = {}};
    for (std::int64_t r = 0; r < given.integer("permutations"); ++r) {
        Random random{seed, permutationStreams + static_cast<std::uint64_t>(r)};
        for (std::size_t i = 0; i < pairs; ++i)
            draws.swapped.push_back(static_cast<std::uint8_t>(random.below(2)));
    }
    return draws;
}

/// Rows with enough counts by falling distance of the interval's nearer end from 0, then by |value|.
std::vector<std::size_t> ranked(const Table &table, std::int64_t minCount, std::size_t top)
{
    const auto &value = table.reals("value"), &low = table.reals("low"), &high = table.reals("high");
    const auto nearest = [&](std::size_t row) {
        if (std::isnan(low[row]))
            return 0.0;
        return std::max({0.0, low[row], -high[row]});
    };
    std::vector<std::size_t> order;
    for (std::size_t row = 0; row < table.rows(); ++row)
        if (table.integers("count_1")[row] + table.integers("count_2")[row] >= std::max<std::int64_t>(1, minCount))
            order.push_back(row);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return nearest(a) != nearest(b) ? nearest(a) > nearest(b) : std::abs(value[a]) > std::abs(value[b]);
    });
    order.resize(std::min(order.size(), top));
    return order;
}

void addLayers(Result &result, const std::vector<int> &layers, const std::vector<LayerDifference> &found, std::int64_t pairs)
{
    std::vector<double> value, chance, low, high, p;
    for (const LayerDifference &layer : found) {
        double sum = 0;
        for (const double x : layer.value)
            sum += std::abs(x);
        value.push_back(sum / static_cast<double>(layer.value.size()));
        chance.push_back(mean(layer.nullMagnitude));
        const Interval band = interval95(layer.nullMagnitude);
        low.push_back(band.low);
        high.push_back(band.high);
        p.push_back(upperP(value.back(), layer.nullMagnitude));
    }
    Table table{.id = "layers", .title = "How much a layer's experts differ", .columns = {}};
    table.columns = {{"layer", "", "The model's own number of the layer", std::vector<std::int64_t>(layers.begin(), layers.end())},
        {"value", "1", "Mean |risk difference| over experts", value}, {"chance", "1", "Its mean with sides swapped at random", chance},
        {"null_low", "1", "2.5 % of the swapped values", low}, {"null_high", "1", "97.5 % of the swapped values", high},
        {"n", "pairs", "Pairs", std::vector<std::int64_t>(layers.size(), pairs)},
        {"p", "1", "Share of swapped values as large, the observed one counted", p},
        {"significant", "", "1 where the false discovery rate over the layers is at most 5 %", significant(p)}};
    result.tables.push_back(std::move(table));
    Series series = layerSeries("difference-by-layer", "How much a layer's experts differ", "Mean |risk difference|", "1", layers);
    series.curves.push_back({Curve::Role::Data, "mean over experts", value, {}, {}});
    if (!found.front().nullMagnitude.empty())
        series.curves.push_back({Curve::Role::Chance, "sides swapped at random", chance, low, high});
    result.series.push_back(std::move(series));
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts);
    const PairedSides pairs = pairedSides(
        trace, {given.text("column"), given.text("side-1"), given.text("side-2"), given.text("span"), given.text("match")}, progress);
    const Draws draws = drawPairs(pairs.first.size(), given);
    std::vector<LayerDifference> found(meta.layers.size());
    forEachLayerCounts(
        trace, [&](std::int64_t row) { return pairs.counted[static_cast<std::size_t>(row)] != 0; }, progress,
        [&](int layer, std::span<const std::uint32_t> counts) {
            found[static_cast<std::size_t>(layer)] = differenceOf(pairs, draws, counts, experts);
        });

    const std::int64_t tokens1 = std::accumulate(pairs.firstTokens.begin(), pairs.firstTokens.end(), std::int64_t{0});
    const std::int64_t tokens2 = std::accumulate(pairs.secondTokens.begin(), pairs.secondTokens.end(), std::int64_t{0});
    std::vector<std::int64_t> layer, expert, count1, count2;
    std::vector<double> value, low, high, share1, share2, p;
    for (std::size_t m = 0; m < found.size(); ++m)
        for (std::size_t e = 0; e < experts; ++e) {
            const LayerDifference &of = found[m];
            layer.push_back(meta.layers[m]);
            expert.push_back(static_cast<std::int64_t>(e));
            value.push_back(of.value[e]);
            low.push_back(of.interval[e].low);
            high.push_back(of.interval[e].high);
            share1.push_back(share(static_cast<double>(of.first[e]), static_cast<double>(tokens1)));
            share2.push_back(share(static_cast<double>(of.second[e]), static_cast<double>(tokens2)));
            count1.push_back(of.first[e]);
            count2.push_back(of.second[e]);
            p.push_back(of.first[e] + of.second[e] >= given.integer("min-count") ? of.p[e] : noNumber);
        }
    const std::vector<std::int64_t> flags = significant(p);
    Result result;
    Table table{.id = "risk-difference", .title = pairs.side1 + " minus " + pairs.side2, .columns = {}};
    table.columns = {{"layer", "", "The model's own number of the layer", layer}, {"expert", "", "Expert of that layer", expert},
        {"value", "1", "Share of side 1's compared tokens that chose the expert minus that of side 2", value},
        {"low", "1", "Lower end of the 95 % interval, bootstrap of pairs", low}, {"high", "1", "Upper end", high},
        {"chance", "1", "Without a difference: 0", std::vector<double>(value.size(), 0.0)},
        {"share_1", "1", "Share of side 1's compared tokens that chose the expert", share1}, {"share_2", "1", "The same of side 2", share2},
        {"count_1", "tokens", "Tokens of side 1 that chose the expert", count1}, {"count_2", "tokens", "The same of side 2", count2},
        {"n_1", "tokens", "Compared tokens of side 1", std::vector<std::int64_t>(value.size(), tokens1)},
        {"n_2", "tokens", "Compared tokens of side 2", std::vector<std::int64_t>(value.size(), tokens2)},
        {"n", "pairs", "Pairs", std::vector<std::int64_t>(value.size(), std::ssize(pairs.first))},
        {"p", "1", "Two-sided, sides of pairs swapped at random; empty below the least count", p},
        {"significant", "", "1 where the false discovery rate over the whole table is at most 5 %", flags}};
    const auto order = ranked(table, given.integer("min-count"), static_cast<std::size_t>(given.integer("top")));
    result.tables.push_back(table);
    result.tables.push_back(rowsOf(table, order, "top-experts", "Experts that differ most, by the nearer end of the interval"));
    addLayers(result, meta.layers, found, std::ssize(pairs.first));

    Matrix map =
        layerExpertMatrix("risk-difference-map", pairs.side1 + " minus " + pairs.side2, "Risk difference", "1", meta.layers, meta.experts);
    map.neutral = 0;
    map.values = value;
    Matrix flagged = layerExpertMatrix(
        "risk-difference-significant", "Where the sides differ significantly", "Significant", "", meta.layers, meta.experts);
    flagged.values.assign(flags.begin(), flags.end());
    result.matrices.push_back(std::move(map));
    result.matrices.push_back(std::move(flagged));

    std::vector<double> magnitudes;
    for (const double x : value)
        magnitudes.push_back(std::abs(x));
    std::sort(magnitudes.rbegin(), magnitudes.rend());
    Series sorted{.id = "sorted-differences",
        .title = "All experts by |risk difference|",
        .xTitle = "Rank",
        .yTitle = "|Risk difference|",
        .unit = "1",
        .x = {},
        .curves = {{Curve::Role::Data, "experts", magnitudes, {}, {}}},
        .names = {}};
    for (std::size_t i = 0; i < magnitudes.size(); ++i)
        sorted.x.push_back(static_cast<double>(i + 1));
    result.series.push_back(std::move(sorted));
    result.numbers.push_back({.id = "significant",
        .title = "Experts that differ significantly",
        .unit = "experts",
        .value = static_cast<double>(std::count(flags.begin(), flags.end(), 1)),
        .n = std::count_if(p.begin(), p.end(), [](double x) { return !std::isnan(x); }),
        .of = "tested experts"});
    for (const auto &[id, limit] : {std::pair{"above_10", 0.1}, {"above_20", 0.2}, {"above_30", 0.3}})
        result.numbers.push_back({.id = id,
            .title = "Experts with a risk difference beyond " + std::to_string(limit).substr(0, 3),
            .unit = "experts",
            .value = static_cast<double>(std::count_if(magnitudes.begin(), magnitudes.end(), [&](double x) { return x > limit; })),
            .n = std::ssize(magnitudes),
            .of = "experts"});
    result.notes = pairs.notes;
    result.notes.push_back(std::to_string(pairs.first.size()) + " pairs by " + pairs.column + ": " + std::to_string(tokens1) + " tokens of "
        + pairs.side1 + " against " + std::to_string(tokens2) + " of " + pairs.side2 + ".");
    if (given.text("span") != "shared-end" && given.text("match") == "none")
        result.notes.push_back(
            "The sides may hold different words: part of the difference can be lexical. The control setting says how much.");
    return result;
}

} // namespace

AnalysisKind riskDifference()
{
    return {.id = "risk-difference",
        .title = "Risk difference",
        .help = "Which experts go with a behaviour that paired texts differ in?",
        .definition = "Pairs are texts with the same parallel id whose sides a label column tells. Over the compared tokens of all pairs: "
                      "share of side 1's "
                      "tokens that chose the expert minus share of side 2's (each token counts once, so long texts weigh more). Interval: "
                      "bootstrap of whole "
                      "pairs. p: the sides of each pair swapped at random, two-sided; experts below the least count are not tested; "
                      "significant = false "
                      "discovery rate of at most 5 %. n is pairs.",
        .source = "SteerMoE, arXiv 2509.09660, detection by risk difference",
        .params = params,
        .numbers = "significant|above_10|above_20|above_30",
        .traces = 1,
        .needs = {.tokens = true, .pairs = true},
        .run = run};
}

} // namespace expertscope
