// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Which experts are chosen together for the same token, against how often they would meet by chance.
#include "engine/analysis/analyses.h"
#include "engine/analysis/expected_pairs.h"
#include "engine/analysis/linkage.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/trace_pass.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"pairs", "Pairs", "all: every two experts of a token; adjacent: only neighbours in the order of weight, as OLMoE's script counts",
        ParamKind::Type::Choice, "all", 0, 0, "all|adjacent"},
    {"layer", "Layer of the matrix", "The model's own number; -1: the layer where experts have the fewest effective partners",
        ParamKind::Type::Integer, "-1", -1, 1e6},
    {"cell", "Cells of the matrix", "What a cell says of its row's expert and its column's expert", ParamKind::Type::Choice, "probability",
        0, 0, "probability|log2-lift|npmi|count"},
    {"rank-by", "Rank pairs by", "What puts a pair on top of the table", ParamKind::Type::Choice, "probability", 0, 0,
        "probability|lift|npmi"},
    {"top", "Pairs per layer", "Rows of the table of pairs for each layer", ParamKind::Type::Integer, "10", 1, 1e6},
    {"min-count", "Least meetings", "Pairs that met, and would by chance have met, fewer times are not ranked", ParamKind::Type::Integer,
        "20", 1, 1e9},
};

/// Two experts of a layer; `expert` is the one that is chosen less often, so that P(partner | expert) is the larger of the two.
struct Pair {
    int layer = 0, expert = 0, partner = 0;
    std::int64_t count = 0;
    Ratio ratio;
    double reverse = noNumber, uniform = noNumber, expected = noNumber; ///< expected: P(partner | expert) by chance with these loads
    double lift = noNumber, npmi = noNumber, p = noNumber;
};

struct Association {
    double lift = noNumber, npmi = noNumber;
};

Association association(std::int64_t both, std::int64_t a, std::int64_t b, std::int64_t tokens)
{
    if (a == 0 || b == 0 || tokens == 0)
        return {};
    const auto n = static_cast<double>(tokens), ab = static_cast<double>(both);
    const double lift = ab * n / (static_cast<double>(a) * static_cast<double>(b));
    if (both == 0)
        return {0.0, -1.0};
    return {lift, both == tokens ? 1.0 : std::log(lift) / -std::log(ab / n)};
}

/// The partners of one expert, and as many partners as there would be if those it has were equally frequent.
struct Partners {
    double effective = noNumber, chance = noNumber;
    int strongest = -1;
};

Partners partnersOf(const PairCounter &pairs, const std::vector<double> &expected, int expert)
{
    const int experts = pairs.experts();
    const auto row = static_cast<std::size_t>(expert) * static_cast<std::size_t>(experts);
    double sum = 0, expectedSum = 0, entropy = 0, expectedEntropy = 0;
    int cells = 0;
    std::int64_t most = 0;
    Partners result;
    for (int j = 0; j < experts; ++j) {
        if (j == expert)
            continue;
        sum += static_cast<double>(pairs.count(expert, j));
        expectedSum += expected[row + static_cast<std::size_t>(j)];
        cells += expected[row + static_cast<std::size_t>(j)] > 0;
        if (pairs.count(expert, j) > most) {
            most = pairs.count(expert, j);
            result.strongest = j;
        }
    }
    if (!(sum > 0))
        return result;
    for (int j = 0; j < experts; ++j) {
        if (j == expert)
            continue;
        if (const double p = static_cast<double>(pairs.count(expert, j)) / sum; p > 0)
            entropy -= p * std::log(p);
        if (const double p = expected[row + static_cast<std::size_t>(j)] / expectedSum; p > 0)
            expectedEntropy -= p * std::log(p);
    }
    result.effective = std::exp(entropy);
    // counts of a sample spread less than what they were drawn from, by (cells - 1) / 2n nats (Miller 1955); no good for few counts
    if (sum >= cells)
        result.chance = std::exp(expectedEntropy - (cells - 1) / (2 * sum));
    return result;
}

double p(const Pair &pair)
{
    // with few sequences, or all alike, the spread between them says too little: never less than that of independent tokens
    const double tokens = std::sqrt(std::max(0.0, pair.expected * (1 - pair.expected)) / pair.ratio.x);
    const double error = std::isnan(pair.ratio.error()) ? tokens : std::max(tokens, pair.ratio.error());
    return error > 0 ? normalP((pair.ratio.value() - pair.expected) / error) : noNumber;
}

struct LayerResult {
    std::vector<Pair> pairs; ///< with at least min-count meetings, or as many expected
    std::vector<Partners> partners; ///< [E]
    std::unique_ptr<PairCounter> counts;
    double uniform = noNumber; ///< P(j|i) of an even router
};

LayerResult evaluate(std::unique_ptr<PairCounter> counts, int layer, std::int64_t tokens, std::int64_t minCount)
{
    LayerResult result;
    const int experts = counts->experts();
    const std::vector<double> expected = expectedPairs(*counts);
    double choices = 0, meetings = 0;
    for (int i = 0; i < experts; ++i) {
        choices += static_cast<double>(counts->first(i));
        for (int j = 0; j < experts; ++j)
            meetings += static_cast<double>(counts->count(i, j));
        result.partners.push_back(partnersOf(*counts, expected, i));
    }
    if (choices > 0 && experts > 1)
        result.uniform = meetings / choices / (experts - 1);
    for (int i = 0; i < experts; ++i)
        for (int j = i + 1; j < experts; ++j) {
            const double chance = expected[static_cast<std::size_t>(i) * static_cast<std::size_t>(experts) + static_cast<std::size_t>(j)];
            const std::int64_t count = counts->count(i, j);
            if (count < minCount && chance < static_cast<double>(minCount))
                continue;
            const bool turn = counts->first(j) < counts->first(i);
            Pair pair{.layer = layer, .expert = turn ? j : i, .partner = turn ? i : j, .count = count, .ratio = {}};
            pair.ratio = counts->ratio(pair.expert, pair.partner);
            pair.reverse = counts->ratio(pair.partner, pair.expert).value();
            pair.uniform = result.uniform;
            pair.expected = std::min(1.0, chance / pair.ratio.x);
            const Association a = association(count, counts->first(i), counts->first(j), tokens);
            pair.lift = a.lift;
            pair.npmi = a.npmi;
            pair.p = p(pair);
            result.pairs.push_back(pair);
        }
    counts->dropErrors();
    result.counts = std::move(counts);
    return result;
}

std::vector<LayerResult> count(const RoutingTrace &trace, bool adjacent, std::int64_t minCount, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    std::vector<LayerResult> results(meta.layers.size());
    std::vector<std::unique_ptr<PairCounter>> counters(meta.layers.size());
    const auto slotCount = static_cast<std::size_t>(meta.slotCount);
    forEachBlock(trace, {}, progress, [&](const LayerBlock &block) {
        auto &counter = counters[static_cast<std::size_t>(block.layer)];
        if (!counter)
            counter = std::make_unique<PairCounter>(meta.experts);
        std::vector<ExpertId> chosen;
        forEachSequence(meta, block.range, [&](int sequence, TokenRange piece) {
            for (std::int64_t t = piece.begin; t < piece.end; ++t) {
                chosen.clear();
                for (const ExpertId id : block.ids.subspan(static_cast<std::size_t>(t - block.range.begin) * slotCount, slotCount))
                    if (id != noExpert)
                        chosen.push_back(id);
                for (std::size_t a = 0; a < chosen.size(); ++a) {
                    counter->addFirst(chosen[a]);
                    for (std::size_t b = a + 1; b < (adjacent ? std::min(a + 2, chosen.size()) : chosen.size()); ++b)
                        if (chosen[a] != chosen[b]) {
                            counter->addPair(chosen[a], chosen[b]);
                            counter->addPair(chosen[b], chosen[a]);
                        }
                }
            }
            if (piece.end == meta.sequences[static_cast<std::size_t>(sequence)].range().end)
                counter->endSequence();
        });
        if (block.range.end == meta.tokens)
            results[static_cast<std::size_t>(block.layer)] = evaluate(std::move(counter), block.layer, meta.tokens, minCount);
    });
    return results;
}

/// Rows of experts i, columns of experts j, both in `order`.
Matrix matrixOf(const PairCounter &counts, std::int64_t tokens, const std::string &cell, const std::vector<int> &order)
{
    Matrix matrix;
    matrix.valueTitle = cell == "probability" ? "P(column | row)"
        : cell == "log2-lift"                 ? "log2 lift"
        : cell == "npmi"                      ? "NPMI"
                                              : "Tokens that chose both";
    matrix.unit = cell == "count" ? "tokens" : cell == "log2-lift" ? "bits" : "1";
    matrix.rowTitle = matrix.columnTitle = "Expert";
    matrix.neutral = cell == "npmi" ? 0.0 : noNumber;
    for (const int i : order) {
        matrix.rows.push_back(std::to_string(i));
        for (const int j : order) {
            const Association a = association(counts.count(i, j), counts.first(i), counts.first(j), tokens);
            matrix.values.push_back(i == j  ? noNumber
                    : cell == "probability" ? counts.ratio(i, j).value()
                    : cell == "log2-lift"   ? (a.lift > 0 ? std::log2(a.lift) : noNumber)
                    : cell == "npmi"        ? a.npmi
                                            : static_cast<double>(counts.count(i, j)));
        }
    }
    matrix.columns = matrix.rows;
    if (cell == "log2-lift")
        setLiftScale(matrix, "never together");
    return matrix;
}

std::vector<int> clusteredOrder(const PairCounter &counts, std::int64_t tokens)
{
    const int experts = counts.experts();
    std::vector<double> distances;
    for (int i = 0; i < experts; ++i)
        for (int j = 0; j < experts; ++j) {
            const double npmi = association(counts.count(i, j), counts.first(i), counts.first(j), tokens).npmi;
            distances.push_back(i == j ? 0 : std::isnan(npmi) ? 1 : 1 - npmi);
        }
    return leafOrder(distances, static_cast<std::size_t>(experts));
}

Table pairTable(const TraceMeta &meta, std::vector<LayerResult> &layers, const Params &given)
{
    std::vector<double> allP;
    for (const LayerResult &layer : layers)
        for (const Pair &pair : layer.pairs)
            allP.push_back(pair.p);
    const std::vector<std::int64_t> flags = significant(allP);
    const std::string &rankBy = given.text("rank-by");
    const auto rank = [&](const Pair &pair) { return rankBy == "lift" ? pair.lift : rankBy == "npmi" ? pair.npmi : pair.ratio.value(); };
    std::vector<std::int64_t> layer, expert, partner, count, isSignificant, n;
    std::vector<double> value, low, high, chance, expected, reverse, lift, overExpected, npmi, pValue;
    std::size_t begin = 0;
    for (const LayerResult &result : layers) {
        std::vector<std::size_t> order(result.pairs.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(
            order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rank(result.pairs[a]) > rank(result.pairs[b]); });
        order.resize(std::min(order.size(), static_cast<std::size_t>(given.integer("top"))));
        for (const std::size_t at : order) {
            const Pair &pair = result.pairs[at];
            const Interval interval = pair.ratio.interval();
            layer.push_back(meta.layers[static_cast<std::size_t>(pair.layer)]);
            expert.push_back(pair.expert);
            partner.push_back(pair.partner);
            value.push_back(pair.ratio.value());
            low.push_back(interval.low);
            high.push_back(interval.high);
            chance.push_back(pair.uniform);
            expected.push_back(pair.expected);
            reverse.push_back(pair.reverse);
            lift.push_back(pair.lift);
            overExpected.push_back(pair.expected > 0 ? pair.ratio.value() / pair.expected : noNumber);
            npmi.push_back(pair.npmi);
            pValue.push_back(pair.p);
            isSignificant.push_back(flags[begin + at]);
            count.push_back(pair.count);
            n.push_back(static_cast<std::int64_t>(pair.ratio.x));
        }
        begin += result.pairs.size();
    }
    return {.id = "pairs",
        .title = "Pairs of experts that are chosen together most",
        .columns = {
            {"layer", "", "The model's own number of the layer", std::move(layer)},
            {"expert", "", "The one of the two that is chosen less often", std::move(expert)},
            {"partner", "", "The other one", std::move(partner)},
            {"value", "1", "P(partner | expert): share of the expert's tokens that chose the partner too", std::move(value)},
            {"low", "1", "95 % interval by the spread between sequences; empty for a single sequence", std::move(low)},
            {"high", "1", "95 % interval by the spread between sequences; empty for a single sequence", std::move(high)},
            {"chance", "1", "P(partner | expert) of an even router: (k-1)/(E-1)", std::move(chance)},
            {"expected", "1", "P(partner | expert) if partners were picked at random, given the experts' loads", std::move(expected)},
            {"reverse", "1", "P(expert | partner)", std::move(reverse)},
            {"lift", "1", "Tokens that chose both x all tokens / (tokens of one x tokens of the other)", std::move(lift)},
            {"over_expected", "1", "value / expected: 1 is chance", std::move(overExpected)},
            {"npmi", "1", "ln lift / -ln share of tokens that chose both: -1 never, 1 always together", std::move(npmi)},
            {"p", "1", "Two-sided, of value against expected", std::move(pValue)},
            {"significant", "", "1 where p passes Benjamini-Hochberg at 5 % over all pairs of all layers that met often enough",
                std::move(isSignificant)},
            {"count", "tokens", "Tokens that chose both", std::move(count)},
            {"n", "tokens", "Tokens that chose the expert", std::move(n)},
        }};
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const std::int64_t wanted = given.integer("layer");
    int shown = wanted < 0 ? -1 : layerIndex(meta, wanted);
    std::vector<LayerResult> layers = count(trace, given.text("pairs") == "adjacent", given.integer("min-count"), progress);
    Result result;
    result.tables.push_back(pairTable(meta, layers, given));

    std::vector<std::int64_t> layerColumn, expert, strongest, n;
    std::vector<double> effective, chance, byLayer, chanceByLayer, strongestByLayer, uniformByLayer;
    for (std::size_t m = 0; m < layers.size(); ++m) {
        std::vector<double> values, chances;
        double most = noNumber;
        for (std::size_t e = 0; e < layers[m].partners.size(); ++e) {
            const Partners &partners = layers[m].partners[e];
            layerColumn.push_back(meta.layers[m]);
            expert.push_back(static_cast<std::int64_t>(e));
            effective.push_back(partners.effective);
            chance.push_back(partners.chance);
            strongest.push_back(partners.strongest);
            n.push_back(layers[m].counts->first(static_cast<int>(e)));
            if (!std::isnan(partners.chance)) { // both means over the same experts
                values.push_back(partners.effective);
                chances.push_back(partners.chance);
            }
        }
        for (const Pair &pair : layers[m].pairs)
            most = std::isnan(most) ? pair.ratio.value() : std::max(most, pair.ratio.value());
        byLayer.push_back(mean(values));
        chanceByLayer.push_back(mean(chances));
        strongestByLayer.push_back(most);
        uniformByLayer.push_back(layers[m].uniform);
    }
    if (shown < 0 && !layers.empty()) {
        const auto fewer = [](double a, double b) { return !std::isnan(a) && (std::isnan(b) || a < b); };
        shown = static_cast<int>(std::min_element(byLayer.begin(), byLayer.end(), fewer) - byLayer.begin());
    }
    result.tables.push_back({.id = "partners",
        .title = "Partners of each expert",
        .columns = {
            {"layer", "", "The model's own number of the layer", std::move(layerColumn)},
            {"expert", "", "Expert", std::move(expert)},
            {"value", "experts", "Effective partners: exp of the entropy of the expert's partners", std::move(effective)},
            {"chance", "experts", "The same if partners were picked at random, on as many tokens; empty for fewer meetings than experts",
                std::move(chance)},
            {"strongest", "", "The partner it meets most; -1 for none", std::move(strongest)},
            {"n", "tokens", "Tokens that chose the expert", std::move(n)},
        }});

    const std::vector<double> x(meta.layers.begin(), meta.layers.end());
    result.numbers.push_back({.id = "effective_partners",
        .title = "Effective partners of an expert, mean over layers",
        .unit = "experts",
        .value = mean(byLayer),
        .chance = mean(chanceByLayer),
        .n = meta.tokens,
        .of = "tokens"});
    result.series.push_back({.id = "partners-by-layer",
        .title = "Effective partners by layer",
        .xTitle = "Layer",
        .yTitle = "Effective partners",
        .unit = "experts",
        .x = x,
        .curves = {{Curve::Role::Data, "mean over experts", byLayer, {}, {}},
            {Curve::Role::Chance, "partners picked at random", chanceByLayer, {}, {}}},
        .names = {}});
    result.series.push_back({.id = "strongest-by-layer",
        .title = "Strongest pair by layer",
        .xTitle = "Layer",
        .yTitle = "Largest P(j | i)",
        .unit = "1",
        .x = x,
        .curves = {{Curve::Role::Data, "strongest pair", strongestByLayer, {}, {}},
            {Curve::Role::Chance, "even router", uniformByLayer, {}, {}}},
        .names = {}});

    if (shown >= 0 && layers[static_cast<std::size_t>(shown)].counts) {
        const PairCounter &counts = *layers[static_cast<std::size_t>(shown)].counts;
        const std::string title = "Co-activation in layer " + std::to_string(meta.layers[static_cast<std::size_t>(shown)]);
        std::vector<int> order(static_cast<std::size_t>(meta.experts));
        std::iota(order.begin(), order.end(), 0);
        Matrix plain = matrixOf(counts, meta.tokens, given.text("cell"), order);
        plain.id = "co-activation";
        plain.title = title;
        Matrix clustered = matrixOf(counts, meta.tokens, given.text("cell"), clusteredOrder(counts, meta.tokens));
        clustered.id = "co-activation-clustered";
        clustered.title = title + ", like experts beside each other";
        result.matrices.push_back(std::move(plain));
        result.matrices.push_back(std::move(clustered));
    }
    if (meta.sequences.size() < 2)
        result.notes.push_back("The trace is a single sequence: there are no intervals, and p takes its tokens as independent.");
    return result;
}

} // namespace

AnalysisKind coActivation()
{
    return {.id = "co-activation",
        .title = "Co-activation",
        .help = "Which experts are chosen together?",
        .definition =
            "N(i,j) = tokens that chose both experts, P(j|i) = N(i,j)/N(i), lift = N(i,j) T/(N(i) N(j)), over all pairs of a token's "
            "experts or "
            "only those next to each other in the order of weight. Chance is (k-1)/(E-1) for an even router; expected takes the experts' "
            "own "
            "loads: quasi-independence, an expert never meets itself. Intervals and p by the spread between sequences; pairs that met too "
            "seldom are left out; significance by Benjamini-Hochberg at 5 % over all pairs. Effective partners = exp of the entropy of an "
            "expert's partners. The clustered matrix has the order of an average-linkage tree of 1 - NPMI.",
        .source = "Muennighoff et al. 2024 (OLMoE), arXiv 2409.02060, section 5.2, eq. 6; NPMI: Bouma 2009",
        .params = params,
        .numbers = "effective_partners",
        .traces = 1,
        .needs = {.tokens = true, .chosenExperts = 2},
        .run = run};
}

} // namespace expertscope
