// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Whether routing depends on the position in the sequence, and which positions an expert of limited capacity would drop.
#include "engine/analysis/analyses.h"
#include "engine/analysis/key_information.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/statistics.h"
#include "engine/analysis/token_counts.h"
#include "engine/analysis/trace_pass.h"

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"width", "Bin width", "Positions that are counted together, in tokens", ParamKind::Type::Integer, "16", 1, 1e6},
    {"capacity-factor", "Capacity factor", "An expert takes factor * k * N / E of the N tokens of a sequence", ParamKind::Type::Real,
        "1.25", 0, 1000},
    {"least-capacity", "Least capacity", "Tokens every expert takes at least", ParamKind::Type::Integer, "4", 0, 1e9},
    {"order", "Order of choices", "rank: all first choices before all second ones; token: token by token", ParamKind::Type::Choice, "rank",
        0, 0, "rank|token"},
    {"null", "Shifts", "Times each sequence's positions are shifted round by a random distance, for the chance level",
        ParamKind::Type::Integer, "20", 0, 1000},
    {"seed", "Seed", "Of the shifts", ParamKind::Type::Integer, "42", 0, 9e15},
};

/// Bin of every row, the positions of each sequence shifted round by a random distance if there is a Random.
std::vector<std::uint32_t> binsOf(const TraceMeta &meta, std::int64_t width, Random *random)
{
    std::vector<std::uint32_t> bins(static_cast<std::size_t>(meta.tokens), FrequentKeys::none);
    for (const SequenceInfo &info : meta.sequences) {
        const std::int64_t n = info.range().count();
        const std::int64_t shift = random && n > 0 ? static_cast<std::int64_t>(random->below(static_cast<std::uint64_t>(n))) : 0;
        for (std::int64_t t = 0; t < n; ++t)
            bins[static_cast<std::size_t>(info.firstToken + t)] = static_cast<std::uint32_t>((t + shift) % n / width);
    }
    return bins;
}

/// Which choices of one sequence find their expert full: dropped[t] = number of choices of token t.
std::vector<int> dropped(std::span<const ExpertId> ids, std::size_t width, std::size_t experts, const Params &given)
{
    const std::size_t tokens = ids.size() / width;
    const auto choices = static_cast<double>(std::count_if(ids.begin(), ids.end(), [](ExpertId id) { return id != noExpert; }));
    const auto capacity = std::max(
        given.integer("least-capacity"), static_cast<std::int64_t>(given.real("capacity-factor") * choices / static_cast<double>(experts)));
    std::vector<std::int64_t> taken(experts);
    std::vector<int> drops(tokens);
    const bool byRank = given.text("order") == "rank";
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const std::size_t token = byRank ? i % tokens : i / width, slot = byRank ? i / tokens : i % width;
        const ExpertId id = ids[token * width + slot];
        if (id != noExpert && ++taken[id] > capacity)
            ++drops[token];
    }
    return drops;
}

struct Drops {
    std::vector<std::int64_t> choices, dropped; ///< [bins]
};

/// Per layer, choices and dropped choices of each bin; a sequence is one batch.
std::vector<Drops> dropsByBin(const RoutingTrace &trace, const Params &given, std::size_t bins, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    const auto width = static_cast<std::size_t>(meta.slotCount), experts = static_cast<std::size_t>(meta.experts);
    const std::int64_t binWidth = given.integer("width");
    std::vector<Drops> found(meta.layers.size(), Drops{std::vector<std::int64_t>(bins), std::vector<std::int64_t>(bins)});
    struct State {
        std::size_t sequence = 0;
        std::vector<ExpertId> ids; ///< of the sequence under way
    };
    std::vector<State> states(meta.layers.size());
    forEachBlock(trace, {}, progress, [&](const LayerBlock &block) {
        State &state = states[static_cast<std::size_t>(block.layer)];
        Drops &drops = found[static_cast<std::size_t>(block.layer)];
        for (std::int64_t row = block.range.begin; row < block.range.end;) {
            while (state.sequence < meta.sequences.size() && row >= meta.sequences[state.sequence].range().end)
                ++state.sequence;
            if (state.sequence == meta.sequences.size())
                break;
            const TokenRange whole = meta.sequences[state.sequence].range();
            const std::int64_t end = std::min(whole.end, block.range.end);
            const auto part =
                block.ids.subspan(static_cast<std::size_t>(row - block.range.begin) * width, static_cast<std::size_t>(end - row) * width);
            state.ids.insert(state.ids.end(), part.begin(), part.end());
            row = end;
            if (end < whole.end)
                continue;
            const std::vector<int> ofToken = dropped(state.ids, width, experts, given);
            for (std::size_t t = 0; t < ofToken.size(); ++t) {
                const auto bin = static_cast<std::size_t>(static_cast<std::int64_t>(t) / binWidth);
                const auto first = state.ids.begin() + static_cast<std::ptrdiff_t>(t * width);
                drops.dropped[bin] += ofToken[t];
                drops.choices[bin] +=
                    std::count_if(first, first + static_cast<std::ptrdiff_t>(width), [](ExpertId id) { return id != noExpert; });
            }
            state.ids.clear();
        }
    });
    return found;
}

double ratio(std::int64_t part, std::int64_t whole)
{
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : noNumber;
}

void addDrops(Result &result, const TraceMeta &meta, const std::vector<Drops> &drops, std::size_t bins, std::int64_t width)
{
    std::vector<std::int64_t> layer, from, n;
    std::vector<double> value, chance;
    std::vector<double> start, all, expected;
    std::int64_t dropped = 0, choices = 0;
    for (std::size_t m = 0; m < drops.size(); ++m) {
        std::int64_t droppedOfLayer = 0, choicesOfLayer = 0;
        for (std::size_t b = 0; b < bins; ++b) {
            droppedOfLayer += drops[m].dropped[b];
            choicesOfLayer += drops[m].choices[b];
        }
        dropped += droppedOfLayer;
        choices += choicesOfLayer;
        for (std::size_t b = 0; b < bins; ++b) {
            layer.push_back(meta.layers[m]);
            from.push_back(static_cast<std::int64_t>(b) * width);
            value.push_back(ratio(drops[m].dropped[b], drops[m].choices[b]));
            chance.push_back(ratio(droppedOfLayer, choicesOfLayer));
            n.push_back(drops[m].choices[b]);
        }
    }
    for (std::size_t b = 0; b < bins; ++b) {
        std::int64_t droppedOfBin = 0, choicesOfBin = 0;
        for (const Drops &ofLayer : drops) {
            droppedOfBin += ofLayer.dropped[b];
            choicesOfBin += ofLayer.choices[b];
        }
        start.push_back(static_cast<double>(b) * static_cast<double>(width));
        all.push_back(ratio(droppedOfBin, choicesOfBin));
        expected.push_back(ratio(dropped, choices));
    }
    Table table{.id = "drops", .title = "Choices that would find their expert full", .columns = {}};
    table.columns = {{"layer", "", "The model's own number of the layer", layer}, {"position", "", "First position of the bin", from},
        {"value", "1", "Share of the bin's choices whose expert has reached its capacity", value},
        {"chance", "1", "Share over all positions of the layer: what every position would show if order did not matter", chance},
        {"n", "choices", "Choices of the bin", n}};
    result.tables.push_back(std::move(table));
    Series series{.id = "drops-by-position",
        .title = "Choices dropped at limited capacity, all layers",
        .xTitle = "Position",
        .yTitle = "Share of choices dropped",
        .unit = "1",
        .x = start,
        .curves = {},
        .names = {}};
    series.curves.push_back({Curve::Role::Data, "dropped", all, {}, {}});
    series.curves.push_back({Curve::Role::Chance, "all positions alike", expected, {}, {}});
    result.series.push_back(std::move(series));
    result.numbers.push_back({.id = "dropped",
        .title = "Choices dropped at limited capacity",
        .unit = "1",
        .value = ratio(dropped, choices),
        .n = choices,
        .of = "choices"});
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts), layers = meta.layers.size();
    std::int64_t longest = 0;
    for (const SequenceInfo &info : meta.sequences)
        longest = std::max(longest, info.range().count());
    const std::int64_t width = given.integer("width");
    const auto bins = static_cast<std::size_t>((longest + width - 1) / width);

    std::vector<std::vector<std::uint32_t>> all{binsOf(meta, width, nullptr)};
    for (std::int64_t s = 0; s < given.integer("null"); ++s) {
        Random random{static_cast<std::uint64_t>(given.integer("seed")), static_cast<std::uint64_t>(s)};
        all.push_back(binsOf(meta, width, &random));
    }
    const std::vector<std::span<const std::uint32_t>> labellings(all.begin(), all.end());
    std::vector<double> value(layers, noNumber), plugIn(layers, noNumber), chance(layers, noNumber), low(layers, noNumber),
        high(layers, noNumber), spread(layers, noNumber), p(layers, noNumber);
    forEachLayerKeyCounts(
        trace, bins, labellings, false, progress.part(0, 2 * meta.tokens), [&](int layer, std::span<const KeyCounts> counts) {
            const auto m = static_cast<std::size_t>(layer);
            plugIn[m] = keyInformation(counts[0].chosen, experts).bits;
            std::vector<double> null, spreads;
            for (const KeyCounts &shifted : counts.subspan(1))
                null.push_back(keyInformation(shifted.chosen, experts).bits);
            for (std::size_t b = 0; b < bins; ++b)
                spreads.push_back(spreadOverExperts(std::span{counts[0].chosen}.subspan(b * experts, experts)));
            chance[m] = mean(null);
            const Interval band = interval95(null);
            low[m] = band.low;
            high[m] = band.high;
            value[m] = plugIn[m] - chance[m];
            spread[m] = mean(spreads);
            p[m] = upperP(plugIn[m], null);
        });
    Result result;
    Table table{.id = "position", .title = "What the position says about the experts", .columns = {}};
    table.columns = {
        {"layer", "", "The model's own number of the layer", std::vector<std::int64_t>(meta.layers.begin(), meta.layers.end())},
        {"value", "bits", "Mutual information of the bin of positions and the chosen expert, less chance", value},
        {"plug_in", "bits", "The same as counted", plugIn},
        {"chance", "bits", "Mean of the same with each sequence's positions shifted round by a random distance", chance},
        {"null_low", "bits", "2.5 % of the shifted values", low}, {"null_high", "bits", "97.5 % of the shifted values", high},
        {"spread", "1", "Mean over bins of the standard deviation over experts of the share of the bin's choices", spread},
        {"n", "tokens", "Tokens counted", std::vector<std::int64_t>(layers, meta.tokens)},
        {"p", "1", "Share of shifts with as much information, the observed one counted", p},
        {"significant", "", "1 where the false discovery rate over the layers is at most 5 %", significant(p)}};
    result.tables.push_back(std::move(table));
    Series series = layerSeries("position-by-layer", "What the position says about the experts", "Mutual information", "bits", meta.layers);
    series.curves.push_back({Curve::Role::Data, "position, as counted", plugIn, {}, {}});
    if (given.integer("null") > 0)
        series.curves.push_back({Curve::Role::Chance, "positions shifted round", chance, low, high});
    result.series.push_back(std::move(series));
    result.numbers.push_back({.id = "mean_information",
        .title = "Mutual information of position and expert, mean over layers",
        .unit = "bits",
        .value = mean(value),
        .chance = 0,
        .n = meta.tokens,
        .of = "tokens"});
    addDrops(result, meta, dropsByBin(trace, given, bins, progress.part(meta.tokens, 2 * meta.tokens)), bins, width);
    return result;
}

} // namespace

AnalysisKind position()
{
    return {.id = "position",
        .title = "Position",
        .help = "Does routing depend on the position, and which positions would lose their expert at limited capacity?",
        .definition =
            "Positions are counted in bins. value = mutual information of bin and chosen expert (all k choices count), less the mean of "
            "the same "
            "with each sequence's positions shifted round by a random distance, which keeps the smoothness of routing along a sequence. "
            "Drops: "
            "each sequence is a batch of N tokens, an expert takes max(least, floor(factor * k N / E)) choices in order, later ones are "
            "dropped; chance = the share over all positions, which no order changes. n is tokens, and choices for drops.",
        .source = "Xue et al. 2024, OpenMoE, arXiv 2402.01739, section 4 (drop towards the end) and appendix E",
        .params = params,
        .numbers = "dropped|mean_information",
        .traces = 1,
        .needs = {.tokens = true},
        .run = run};
}

} // namespace expertscope
