// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Where tokens go from one layer to the next: transition counts, what a layer says about the next one, and whole paths.
#include "engine/analysis/analyses.h"
#include "engine/analysis/expert_paths.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/trace_pass.h"
#include "engine/analysis/transition_steps.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"pairs", "Pairs", "top-1: from a token's first expert to its first expert of the next layer; all: from every chosen one to every one",
        ParamKind::Type::Choice, "top-1", 0, 0, "top-1|all"},
    {"first-layer", "First layer of the band", "The model's own number; -1: the first MoE layer", ParamKind::Type::Integer, "-1", -1, 1e6},
    {"last-layer", "Last layer of the band", "The model's own number, at most 7 MoE layers after the first; -1: 3 after the first",
        ParamKind::Type::Integer, "-1", -1, 1e6},
    {"cell", "Cells of the matrices", "What a cell says of its row's expert and its column's expert", ParamKind::Type::Choice,
        "probability", 0, 0, "probability|log2-lift|count"},
    {"flows", "Flows per layer", "Rows of the table of flows for each layer of the band, the largest", ParamKind::Type::Integer, "300", 1,
        1e6},
    {"paths", "Paths", "Rows of the table of paths, the most frequent", ParamKind::Type::Integer, "50", 1, 1e6},
    {"min-count", "Least tokens", "Flows and paths of fewer tokens are not listed", ParamKind::Type::Integer, "20", 1, 1e9},
    {"shifts", "Shifts of the null", "How often the next layer is shifted against this one for the chance level; 0 leaves it out",
        ParamKind::Type::Integer, "39", 0, 10000},
    {"seed", "Seed", "Of the shifts", ParamKind::Type::Integer, "42", 0, 9e15},
};

struct Band {
    int first = 0, last = 0; ///< indices, inclusive
};

Band bandOf(const TraceMeta &meta, const Params &given)
{
    const std::int64_t first = given.integer("first-layer"), last = given.integer("last-layer");
    Band band;
    band.first = first < 0 ? 0 : layerIndex(meta, first);
    band.last = last < 0 ? std::min(band.first + 3, meta.moeLayers() - 1) : layerIndex(meta, last);
    if (band.last <= band.first || band.last - band.first >= mostPathLayers)
        throw Error{ErrorKind::Usage, "the band has to be 2 to " + std::to_string(mostPathLayers) + " MoE layers", meta.title,
            "Choose a last layer after the first one"};
    return band;
}

/// Two-sided, of a share against its chance level: never less error than independent tokens have.
double pOf(const Ratio &ratio, double chance)
{
    const double tokens = std::sqrt(std::max(0.0, chance * (1 - chance)) / ratio.x);
    const double error = std::isnan(ratio.error()) ? tokens : std::max(tokens, ratio.error());
    return error > 0 ? normalP((ratio.value() - chance) / error) : noNumber;
}

Table informationTable(const TraceMeta &meta, const std::vector<Step> &steps, const InformationIntervals &intervals, Series &lines)
{
    std::vector<std::int64_t> layer, next, n;
    std::vector<double> value, low, high, corrected, chance, nullLow, nullHigh, p, entropy;
    for (std::size_t m = 0; m < steps.size(); ++m) {
        const Step &step = steps[m];
        const Interval null = interval95(step.null);
        layer.push_back(meta.layers[m]);
        next.push_back(meta.layers[m + 1]);
        value.push_back(step.information.bits);
        low.push_back(intervals.information[m].low);
        high.push_back(intervals.information[m].high);
        corrected.push_back(step.information.corrected);
        chance.push_back(mean(step.null));
        nullLow.push_back(null.low);
        nullHigh.push_back(null.high);
        p.push_back(upperP(step.information.bits, step.null));
        entropy.push_back(step.information.columnEntropy);
        n.push_back(step.tokens);
    }
    lines = {.id = "information-by-layer",
        .title = "What a layer says about the next",
        .xTitle = "Layer",
        .yTitle = "Mutual information with the next layer",
        .unit = "bits",
        .x = std::vector<double>(layer.begin(), layer.end()),
        .curves = {{Curve::Role::Data, "mutual information", value, low, high},
            {Curve::Role::Data, "entropy of the next layer", entropy, {}, {}},
            {Curve::Role::Chance, "another token of the same text", chance, nullLow, nullHigh}},
        .names = {}};
    std::vector<std::int64_t> flags = significant(p);
    return {.id = "mutual-information",
        .title = "What a layer's choice says about the next layer's",
        .columns = {
            {"layer", "", "The model's own number of the layer", std::move(layer)},
            {"next_layer", "", "The MoE layer after it", std::move(next)},
            {"value", "bits", "Mutual information of a token's expert in the layer and in the next", std::move(value)},
            {"low", "bits", "95 % interval of value by the spread between sequences; empty for a single sequence", std::move(low)},
            {"high", "bits", "95 % interval of value by the spread between sequences; empty for a single sequence", std::move(high)},
            {"corrected", "bits", "The same less what a finite sample adds: (cells - rows - columns + 1) / (2 n ln 2)",
                std::move(corrected)},
            {"chance", "bits", "Mean mutual information with the next layer's choice of another token of the same sequence",
                std::move(chance)},
            {"null_low", "bits", "2.5 % of the shifts lie below", std::move(nullLow)},
            {"null_high", "bits", "2.5 % of the shifts lie above", std::move(nullHigh)},
            {"p", "1", "Share of shifts with as much information, the observed one counted in", std::move(p)},
            {"significant", "", "1 where p passes Benjamini-Hochberg at 5 % over all layers", std::move(flags)},
            {"entropy", "bits", "Entropy of the next layer's choices: the most the mutual information can be", std::move(entropy)},
            {"n", "tokens", "Tokens that chose an expert in both layers", std::move(n)},
        }};
}

Table flowTable(const TraceMeta &meta, const std::vector<Step> &steps, Band band, const Params &given)
{
    struct Flow {
        int layer, from, to;
        Ratio ratio;
        double share, chance;
    };
    std::vector<Flow> flows;
    std::vector<double> p;
    std::vector<std::size_t> listed;
    const auto minCount = static_cast<double>(given.integer("min-count"));
    for (int m = band.first; m < band.last; ++m) {
        const Step &step = steps[static_cast<std::size_t>(m)];
        const std::size_t begin = flows.size();
        for (int i = 0; step.counts && i < meta.experts; ++i)
            for (int j = 0; j < meta.experts; ++j) {
                const auto tokens = static_cast<double>(step.tokens);
                const Ratio ratio = step.counts->ratio(i, j);
                if (ratio.y < minCount)
                    continue;
                flows.push_back(
                    {m, i, j, ratio, ratio.y / tokens, static_cast<double>(step.arrivals[static_cast<std::size_t>(j)]) / tokens});
                p.push_back(pOf(ratio, flows.back().chance));
            }
        std::vector<std::size_t> order(flows.size() - begin);
        std::iota(order.begin(), order.end(), begin);
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return flows[a].ratio.y > flows[b].ratio.y; });
        order.resize(std::min(order.size(), static_cast<std::size_t>(given.integer("flows"))));
        listed.insert(listed.end(), order.begin(), order.end());
    }
    const std::vector<std::int64_t> flags = significant(p);
    std::vector<std::int64_t> layer, from, to, count, isSignificant, n;
    std::vector<double> share, value, low, high, chance, lift, pListed;
    for (const std::size_t at : listed) {
        const Flow &flow = flows[at];
        const Interval interval = flow.ratio.interval();
        layer.push_back(meta.layers[static_cast<std::size_t>(flow.layer)]);
        from.push_back(flow.from);
        to.push_back(flow.to);
        count.push_back(static_cast<std::int64_t>(flow.ratio.y));
        share.push_back(flow.share);
        value.push_back(flow.ratio.value());
        low.push_back(interval.low);
        high.push_back(interval.high);
        chance.push_back(flow.chance);
        lift.push_back(flow.ratio.value() / flow.chance);
        pListed.push_back(p[at]);
        isSignificant.push_back(flags[at]);
        n.push_back(static_cast<std::int64_t>(flow.ratio.x));
    }
    return {.id = "flows",
        .title = "Flows between the layers of the band",
        .columns = {
            {"layer", "", "The model's own number of the layer they leave", std::move(layer)},
            {"from", "", "Expert of that layer", std::move(from)},
            {"to", "", "Expert of the next MoE layer", std::move(to)},
            {"count", "tokens", "Tokens that take both", std::move(count)},
            {"share", "1", "Share of all tokens", std::move(share)},
            {"value", "1", "P(to | from): share of the tokens of `from`", std::move(value)},
            {"low", "1", "95 % interval of value by the spread between sequences; empty for a single sequence", std::move(low)},
            {"high", "1", "95 % interval of value by the spread between sequences; empty for a single sequence", std::move(high)},
            {"chance", "1", "P(to): value if the layers had nothing to do with each other", std::move(chance)},
            {"lift", "1", "value / chance", std::move(lift)},
            {"p", "1", "Two-sided, of value against chance", std::move(pListed)},
            {"significant", "", "1 where p passes Benjamini-Hochberg at 5 % over all flows of the band that are large enough",
                std::move(isSignificant)},
            {"n", "tokens", "Tokens that take `from`", std::move(n)},
        }};
}

Table pathTable(const ExpertPaths &found, int depth, std::int64_t rows)
{
    std::vector<double> p;
    for (const ExpertPath &path : found.paths)
        p.push_back(pOf(path.share, path.independent));
    const std::vector<std::int64_t> flags = significant(p);
    const std::size_t listed = std::min(found.paths.size(), static_cast<std::size_t>(rows));
    std::vector<std::string> experts;
    std::vector<std::int64_t> count, n;
    std::vector<double> value, low, high, chance, lift, markov, overMarkov;
    for (const ExpertPath &path : std::span{found.paths}.first(listed)) {
        std::string text;
        for (int m = 0; m < depth; ++m)
            text += (m ? " > " : "") + std::to_string(path.experts[static_cast<std::size_t>(m)]);
        const Interval interval = path.share.interval();
        experts.push_back(text);
        count.push_back(static_cast<std::int64_t>(path.share.y));
        value.push_back(path.share.value());
        low.push_back(interval.low);
        high.push_back(interval.high);
        chance.push_back(path.independent);
        lift.push_back(path.share.value() / path.independent);
        markov.push_back(path.markov);
        overMarkov.push_back(path.share.value() / path.markov);
        n.push_back(found.tokens);
    }
    p.resize(listed);
    return {.id = "paths",
        .title = "Most frequent paths through the band",
        .columns = {
            {"path", "", "First expert of the token in each layer of the band", std::move(experts)},
            {"count", "tokens", "Tokens that take it", std::move(count)},
            {"value", "1", "Share of the tokens", std::move(value)},
            {"low", "1", "95 % interval by the spread between sequences; empty for a single sequence", std::move(low)},
            {"high", "1", "95 % interval by the spread between sequences; empty for a single sequence", std::move(high)},
            {"chance", "1", "Share if the layers had nothing to do with each other: product of the experts' loads", std::move(chance)},
            {"lift", "1", "value / chance", std::move(lift)},
            {"markov", "1", "Share if each step depended on the one before alone", std::move(markov)},
            {"over_markov", "1", "value / markov: above 1, the path is more than its steps", std::move(overMarkov)},
            {"p", "1", "Two-sided, of value against chance", std::move(p)},
            {"significant", "", "1 where p passes Benjamini-Hochberg at 5 % over all paths of enough tokens",
                std::vector<std::int64_t>(flags.begin(), flags.begin() + static_cast<std::ptrdiff_t>(listed))},
            {"n", "tokens", "Tokens that have a first expert in every layer of the band", std::move(n)},
        }};
}

Matrix matrixOf(const TraceMeta &meta, const Step &step, int layer, const std::string &cell)
{
    const auto m = static_cast<std::size_t>(layer);
    const std::string from = std::to_string(meta.layers[m]), to = std::to_string(meta.layers[m + 1]);
    Matrix matrix{.id = "transitions-" + from,
        .title = "From layer " + from + " to layer " + to,
        .valueTitle = cell == "probability" ? "P(column | row)"
            : cell == "count"               ? "Tokens"
                                            : "log2 lift",
        .unit = cell == "probability" ? "1"
            : cell == "count"         ? "tokens"
                                      : "bits",
        .rowTitle = "Expert of layer " + from,
        .columnTitle = "Expert of layer " + to,
        .rows = {},
        .columns = {},
        .values = {}};
    for (int i = 0; i < meta.experts; ++i) {
        matrix.rows.push_back(std::to_string(i));
        for (int j = 0; j < meta.experts; ++j) {
            const Ratio ratio = step.counts->ratio(i, j);
            const double lift =
                ratio.value() * static_cast<double>(step.tokens) / static_cast<double>(step.arrivals[static_cast<std::size_t>(j)]);
            matrix.values.push_back(cell == "probability" ? ratio.value()
                    : cell == "count"                     ? ratio.y
                    : lift > 0                            ? std::log2(lift)
                                                          : noNumber);
        }
    }
    matrix.columns = matrix.rows;
    matrix.emptyMeans = "never left"; // no token has the row's expert
    if (cell == "log2-lift")
        setLiftScale(matrix, "never taken");
    return matrix;
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const Band band = bandOf(meta, given);
    const bool allPairs = given.text("pairs") == "all";
    const std::vector<Step> steps = countSteps(trace,
        {.allPairs = allPairs,
            .shifts = given.integer("shifts"),
            .seed = static_cast<std::uint64_t>(given.integer("seed")),
            .first = band.first,
            .last = band.last},
        progress);
    const ExpertPaths paths = countPaths(trace, band.first, band.last + 1, given.integer("min-count"), progress);

    Result result;
    Series lines;
    std::vector<double> correctedBits, entropy;
    for (const Step &step : steps) {
        correctedBits.push_back(step.information.corrected);
        entropy.push_back(step.information.columnEntropy);
    }
    const InformationIntervals intervals = informationIntervals(sumsOfSequences(trace, allPairs, steps, progress), correctedBits, entropy);
    result.tables.push_back(informationTable(meta, steps, intervals, lines));
    result.tables.push_back(flowTable(meta, steps, band, given));
    result.tables.push_back(pathTable(paths, band.last - band.first + 1, given.integer("paths")));
    result.series.push_back(std::move(lines));
    for (int m = band.first; m < band.last; ++m)
        if (const Step &step = steps[static_cast<std::size_t>(m)]; step.counts)
            result.matrices.push_back(matrixOf(meta, step, m, given.text("cell")));

    const Table &information = result.tables.front();
    std::vector<double> explained;
    for (std::size_t m = 0; m < steps.size(); ++m)
        explained.push_back(information.reals("corrected")[m] / information.reals("entropy")[m]);
    result.numbers.push_back({.id = "mutual_information",
        .title = "Mutual information of neighbouring layers, mean over layers",
        .unit = "bits",
        .value = mean(information.reals("value")),
        .low = intervals.meanInformation.low,
        .high = intervals.meanInformation.high,
        .chance = mean(information.reals("chance")),
        .n = meta.tokens,
        .of = "tokens"});
    result.numbers.push_back({.id = "explained",
        .title = "Share of the next layer's entropy that a layer explains, bias-corrected, mean over layers",
        .unit = "1",
        .value = mean(explained),
        .low = intervals.meanExplained.low,
        .high = intervals.meanExplained.high,
        .n = meta.tokens,
        .of = "tokens"});
    const std::string from = std::to_string(meta.layers[static_cast<std::size_t>(band.first)]);
    const std::string to = std::to_string(meta.layers[static_cast<std::size_t>(band.last)]);
    result.notes.push_back("Flows, paths and matrices are those of layers " + from + " to " + to + ".");
    if (allPairs)
        result.notes.push_back("A token counts once for each pair of its experts; paths are of first experts all the same.");
    if (!paths.complete)
        result.notes.push_back("There are more than two million different paths: rare ones were dropped while counting, so a path that is "
                               "rare at the beginning of the trace may be counted a little low.");
    if (meta.sequences.size() < 2)
        result.notes.push_back("The trace is a single sequence: there are no intervals, and p takes its tokens as independent.");
    return result;
}

} // namespace

AnalysisKind transitions()
{
    return {.id = "transitions",
        .title = "Transitions between layers",
        .help = "Where do the tokens of an expert go in the next layer?",
        .definition =
            "Tokens are counted by their expert in a layer and in the next MoE layer (first choices, or all pairs). Mutual information in "
            "bits "
            "of the shares counted, with Miller's correction for a finite sample; its chance level is the mean over circular shifts of the "
            "next layer within each sequence, so what the text as a whole says is in it. P(to|from) against P(to); paths of first experts "
            "against the product of loads and against a first-order chain. Intervals and p by the spread between sequences, significance "
            "by "
            "Benjamini-Hochberg at 5 %; flows and paths of too few tokens are left out.",
        .source = "Affinity: Yao et al. 2024 (ExFlow), arXiv 2401.08383; bias: Miller 1955, Roulston 1999",
        .params = params,
        .numbers = "mutual_information|explained",
        .traces = 1,
        .needs = {.tokens = true, .layers = 2},
        .run = run};
}

} // namespace expertscope
