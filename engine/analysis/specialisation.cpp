// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Which experts the tokens of a language, domain or label choose more or less often than other tokens do.
#include "engine/analysis/analyses.h"
#include "engine/analysis/group_shares.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/share.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"grouping", "Group by", "language, domain, sequence or a label column; auto takes the first that tells sequences apart",
        ParamKind::Type::Text, "auto"},
    {"group", "Group of the map", "The group that the layer x expert map shows; empty = the first", ParamKind::Type::Text, ""},
    {"map", "Map shows", "log2 of the lift against the expert's load, or the share minus the load", ParamKind::Type::Choice, "log2-lift", 0,
        0, "log2-lift|difference"},
    {"min-count", "Least count", "An expert that fewer tokens chose is neither tested nor ranked", ParamKind::Type::Integer, "50", 0, 1e9},
    {"top", "Top experts", "Rows per group in the list of top experts", ParamKind::Type::Integer, "20", 1, 1000},
    {"bootstrap", "Bootstrap replicates", "Draws of whole sequences for the intervals; 0 leaves them out", ParamKind::Type::Integer, "300",
        0, 10000},
    {"permutations", "Permutations", "Relabellings of whole sequences for p and the chance of the divergence; 0 leaves them out",
        ParamKind::Type::Integer, "1000", 0, 100000},
    {"seed", "Seed", "Of the bootstrap and the permutations", ParamKind::Type::Integer, "42", 0, 9e15},
};

constexpr std::size_t mostRows = 2'000'000;

/// Counted once, from tokens or from imported counts; everything below is read from here.
struct Counted {
    SequenceGroups groups;
    std::vector<int> layers;
    std::size_t experts = 0;
    bool byToken = false; ///< else imported counts: no sequences to draw
    std::vector<LayerGroupShares> shares; ///< [M]

    double tokens() const { return static_cast<double>(std::accumulate(groups.tokens.begin(), groups.tokens.end(), std::int64_t{0})); }
    std::int64_t chosen(std::size_t layer, std::size_t expert) const
    {
        std::int64_t sum = 0;
        for (std::size_t g = 0; g < groups.names.size(); ++g)
            sum += shares[layer].counts[g * experts + expert];
        return sum;
    }
};

void checkSize(const Counted &counted)
{
    if (counted.groups.names.size() * counted.layers.size() * counted.experts > mostRows)
        throw Error{ErrorKind::Usage,
            std::to_string(counted.groups.names.size()) + " groups by \"" + counted.groups.grouping + "\" are too many for a table",
            "specialisation", "Group by a column with fewer different values (setting grouping)"};
}

Counted count(const RoutingTrace &trace, const Params &given, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    Counted counted;
    counted.layers = meta.layers;
    counted.experts = static_cast<std::size_t>(meta.experts);
    counted.shares.resize(meta.layers.size());
    if (const auto imported = trace.importedCounts()) {
        const std::string grouping = given.text("grouping") == "auto" ? imported->grouping : given.text("grouping");
        const RoutingSummary summary = summarise(trace, grouping, {}, progress);
        counted.groups = {.grouping = grouping, .names = summary.groups, .of = {}, .sequences = {}, .tokens = summary.tokens};
        counted.groups.sequences.assign(summary.groups.size(), 0);
        checkSize(counted);
        const std::size_t cells = summary.groups.size() * counted.experts;
        for (std::size_t m = 0; m < counted.shares.size(); ++m) {
            LayerGroupShares &shares = counted.shares[m];
            for (std::size_t i = 0; i < cells; ++i)
                shares.counts.push_back(summary.counts[summary.index(
                    static_cast<int>(i / counted.experts), static_cast<int>(m), static_cast<int>(i % counted.experts))]);
            shares.divergence = jensenShannonBits(std::vector<double>(shares.counts.begin(), shares.counts.end()), counted.experts);
            shares.interval.resize(cells);
            shares.p.assign(cells, noNumber);
        }
        return counted;
    }
    counted.byToken = true;
    counted.groups = groupSequences(meta, given.text("grouping"));
    checkSize(counted);
    const bool several = counted.groups.names.size() > 1;
    const GroupDraws draws = drawGroups(meta, counted.groups, static_cast<std::size_t>(given.integer("bootstrap")),
        several ? static_cast<std::size_t>(given.integer("permutations")) : 0, static_cast<std::uint64_t>(given.integer("seed")));
    forEachLayerCounts(trace, {}, progress, [&](int layer, std::span<const std::uint32_t> counts) {
        counted.shares[static_cast<std::size_t>(layer)] = layerGroupShares(counted.groups, draws, counts, counted.experts);
    });
    return counted;
}

Table sharesTable(const Counted &counted, std::int64_t minCount)
{
    std::vector<std::int64_t> layer, expert, number, n, sequences;
    std::vector<std::string> group;
    std::vector<double> value, low, high, wilsonLow, wilsonHigh, chance, load, liftColumn, liftLow, liftHigh, p;
    const double tokens = counted.tokens();
    for (std::size_t m = 0; m < counted.layers.size(); ++m) {
        const LayerGroupShares &shares = counted.shares[m];
        const auto choices = static_cast<double>(std::accumulate(shares.counts.begin(), shares.counts.end(), std::int64_t{0}));
        for (std::size_t e = 0; e < counted.experts; ++e) {
            const std::int64_t chosen = counted.chosen(m, e);
            const double loadOfExpert = static_cast<double>(chosen) / tokens;
            for (std::size_t g = 0; g < counted.groups.names.size(); ++g) {
                const std::size_t cell = g * counted.experts + e;
                const Share wilson = share(shares.counts[cell], counted.groups.tokens[g]);
                const Interval &drawn = shares.interval[cell];
                const bool hasDrawn = !std::isnan(drawn.low);
                layer.push_back(counted.layers[m]);
                expert.push_back(static_cast<std::int64_t>(e));
                group.push_back(counted.groups.names[g]);
                value.push_back(wilson.value);
                low.push_back(drawn.low);
                high.push_back(drawn.high);
                wilsonLow.push_back(wilson.low);
                wilsonHigh.push_back(wilson.high);
                chance.push_back(choices / tokens / static_cast<double>(counted.experts));
                load.push_back(loadOfExpert);
                const Lift against = lift(wilson, loadOfExpert);
                liftColumn.push_back(against.value);
                // the wider of the two: a bootstrap of few sequences that all agree has no width
                liftLow.push_back(hasDrawn ? std::min(drawn.low / loadOfExpert, against.low) : against.low);
                liftHigh.push_back(hasDrawn ? std::max(drawn.high / loadOfExpert, against.high) : against.high);
                number.push_back(wilson.count);
                n.push_back(wilson.of);
                sequences.push_back(counted.groups.sequences[g]);
                p.push_back(chosen >= minCount ? shares.p[cell] : noNumber);
            }
        }
    }
    Table table{.id = "specialisation", .title = "Share of each group's tokens that chose the expert", .columns = {}};
    table.columns = {{"layer", "", "The model's own number of the layer", layer}, {"expert", "", "Expert of that layer", expert},
        {"group", "", "Value of the column that was grouped by", group},
        {"value", "1", "Share of the group's tokens that chose the expert", value},
        {"low", "1", "Lower end of the 95 % interval of value, bootstrap of the group's sequences", low},
        {"high", "1", "Upper end of that interval", high},
        {"wilson_low", "1", "Lower end of Wilson's 95 % interval of value, which takes tokens as independent", wilsonLow},
        {"wilson_high", "1", "Upper end of that interval", wilsonHigh},
        {"chance", "1", "Share if all experts were alike: experts chosen per token over E", chance},
        {"load", "1", "Share of the tokens of all groups that chose the expert", load},
        {"lift", "1", "value over load: 1 = the group is like all tokens", liftColumn},
        {"lift_low", "1", "Lower end of the wider of both intervals, over load", liftLow},
        {"lift_high", "1", "Upper end of the wider of both intervals, over load", liftHigh},
        {"count", "tokens", "Tokens of the group that chose the expert", number}, {"n", "tokens", "Tokens of the group", n},
        {"sequences", "sequences", "Sequences of the group; 0 where only counts are known", sequences},
        {"p", "1", "Two-sided, sequences relabelled; empty below the least count", p},
        {"significant", "", "1 where the false discovery rate over the whole table is at most 5 %", significant(p)}};
    return table;
}

/// Of each group, the tested rows of largest lift by the lower end of its interval.
Table topExperts(const Table &table, const SequenceGroups &groups, std::int64_t minCount, std::size_t top)
{
    const std::size_t groupCount = groups.names.size();
    const auto &load = table.reals("load"), &low = table.reals("lift_low");
    const double tokens = static_cast<double>(std::accumulate(groups.tokens.begin(), groups.tokens.end(), std::int64_t{0}));
    std::vector<std::size_t> order;
    for (std::size_t g = 0; g < groupCount; ++g) {
        std::vector<std::size_t> rows;
        for (std::size_t row = g; row < table.rows(); row += groupCount)
            if (std::llround(load[row] * tokens) >= std::max<std::int64_t>(1, minCount) && !std::isnan(low[row]))
                rows.push_back(row);
        std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) { return low[a] > low[b]; });
        rows.resize(std::min(top, rows.size()));
        order.insert(order.end(), rows.begin(), rows.end());
    }
    return rowsOf(table, order, "top-experts", "Experts each group prefers, by the lower end of the lift");
}

/// Mean Jensen-Shannon divergence in bits over all pairs of groups (OLMoE's domain figure).
double meanPairwise(const LayerGroupShares &shares, std::size_t experts)
{
    const std::size_t groupCount = shares.counts.size() / experts;
    double sum = 0, pairs = 0;
    for (std::size_t a = 0; a < groupCount; ++a)
        for (std::size_t b = a + 1; b < groupCount; ++b) {
            std::vector<double> both;
            for (const std::size_t g : {a, b})
                for (std::size_t e = 0; e < experts; ++e)
                    both.push_back(static_cast<double>(shares.counts[g * experts + e]));
            sum += jensenShannonBits(both, experts);
            ++pairs;
        }
    return pairs > 0 ? sum / pairs : noNumber;
}

void addDivergence(Result &result, const Counted &counted)
{
    std::vector<std::int64_t> layer, n, flagged;
    std::vector<double> value, low, high, chance, nullLow, nullHigh, pairwise, p;
    const auto &flags = result.tables.front().integers("significant");
    const std::size_t perLayer = counted.experts * counted.groups.names.size();
    std::vector<double> drawnMean, nullMean;
    const auto addTo = [&](std::vector<double> &sum, const std::vector<double> &values) {
        sum.resize(values.size());
        for (std::size_t r = 0; r < values.size(); ++r)
            sum[r] += values[r] / static_cast<double>(counted.layers.size());
    };
    for (std::size_t m = 0; m < counted.layers.size(); ++m) {
        const LayerGroupShares &shares = counted.shares[m];
        layer.push_back(counted.layers[m]);
        value.push_back(shares.divergence);
        const Interval interval = interval95(shares.drawnDivergence), null = interval95(shares.nullDivergence);
        low.push_back(interval.low);
        high.push_back(interval.high);
        chance.push_back(mean(shares.nullDivergence));
        nullLow.push_back(null.low);
        nullHigh.push_back(null.high);
        pairwise.push_back(meanPairwise(shares, counted.experts));
        p.push_back(upperP(shares.divergence, shares.nullDivergence));
        const auto first = flags.begin() + static_cast<std::ptrdiff_t>(m * perLayer);
        flagged.push_back(std::count(first, first + static_cast<std::ptrdiff_t>(perLayer), 1));
        n.push_back(std::llround(counted.tokens()));
        addTo(drawnMean, shares.drawnDivergence);
        addTo(nullMean, shares.nullDivergence);
    }
    Table table{.id = "layers", .title = "How far the groups are apart in each layer", .columns = {}};
    table.columns = {{"layer", "", "The model's own number of the layer", layer},
        {"value", "bits", "Jensen-Shannon divergence of the groups' routing, equal weights; at most log2 of the number of groups", value},
        {"low", "bits", "Lower end of the 95 % interval, bootstrap of sequences within groups", low},
        {"high", "bits", "Upper end of that interval; short groups pull both ends up", high},
        {"chance", "bits", "Mean over relabelled sequences: what noise alone shows", chance},
        {"null_low", "bits", "2.5 % of the relabelled values", nullLow}, {"null_high", "bits", "97.5 % of the relabelled values", nullHigh},
        {"pairwise", "bits", "Mean divergence of two groups, over all pairs of groups", pairwise},
        {"specialised", "", "Pairs of expert and group that are flagged significant", flagged}, {"n", "tokens", "Tokens counted", n},
        {"p", "1", "Share of relabelled values as large, with the observed one counted", p},
        {"significant", "", "1 where the false discovery rate over the layers is at most 5 %", significant(p)}};
    Series lines = layerSeries("divergence-by-layer", "How far the groups are apart", "Jensen-Shannon divergence", "bits", counted.layers);
    lines.curves.push_back({Curve::Role::Data, "groups by " + counted.groups.grouping, value, low, high});
    if (!counted.shares.empty() && !counted.shares.front().nullDivergence.empty())
        lines.curves.push_back({Curve::Role::Chance, "sequences relabelled", chance, nullLow, nullHigh});
    result.series.push_back(std::move(lines));
    result.tables.push_back(std::move(table));
    const Interval interval = interval95(drawnMean);
    result.numbers.push_back({.id = "mean_divergence",
        .title = "Mean divergence of the groups over layers",
        .unit = "bits",
        .value = mean(value),
        .low = interval.low,
        .high = interval.high,
        .chance = mean(nullMean),
        .n = std::llround(counted.tokens()),
        .of = "tokens"});
}

void addMaps(Result &result, const Counted &counted, const Params &given)
{
    const auto &names = counted.groups.names;
    const auto at = given.text("group").empty() ? names.begin() : std::find(names.begin(), names.end(), given.text("group"));
    if (at == names.end()) {
        std::string known;
        for (const std::string &name : names)
            known += (known.empty() ? "" : ", ") + name;
        throw Error{ErrorKind::Usage, "there is no group \"" + given.text("group") + "\" by " + counted.groups.grouping, "specialisation",
            "The groups are " + known};
    }
    const auto g = static_cast<std::size_t>(at - names.begin());
    const bool lifts = given.text("map") == "log2-lift";
    Matrix map = layerExpertMatrix("specialisation-map", "Experts of " + *at + " (" + counted.groups.grouping + ")",
        lifts ? "log2 lift, half a count added" : "Share minus load", lifts ? "bits" : "1", counted.layers,
        static_cast<int>(counted.experts));
    map.neutral = 0;
    Matrix flags = layerExpertMatrix("specialisation-significant", "Where " + *at + " differs significantly", "Significant", "",
        counted.layers, static_cast<int>(counted.experts));
    const double tokens = counted.tokens(), tokensOfGroup = static_cast<double>(counted.groups.tokens[g]);
    const auto &flagged = result.tables.front().integers("significant");
    for (std::size_t m = 0; m < counted.layers.size(); ++m)
        for (std::size_t e = 0; e < counted.experts; ++e) {
            const auto inGroup = static_cast<double>(counted.shares[m].counts[g * counted.experts + e]);
            const auto inAll = static_cast<double>(counted.chosen(m, e));
            const std::size_t cell = m * counted.experts + e;
            if (!lifts)
                map.values[cell] = inGroup / tokensOfGroup - inAll / tokens;
            else if (inGroup > 0)
                map.values[cell] = std::log2((inGroup + 0.5) / (tokensOfGroup + 1)) - std::log2((inAll + 0.5) / (tokens + 1));
            if (counted.byToken)
                flags.values[cell] = static_cast<double>(flagged[cell * names.size() + g]);
        }
    if (lifts)
        setLiftScale(map, "never chosen");
    result.matrices.push_back(std::move(map));
    result.matrices.push_back(std::move(flags));
}

void addNotes(Result &result, const Counted &counted, const Params &given)
{
    const SequenceGroups &groups = counted.groups;
    if (groups.names.size() == 1)
        result.notes.push_back("All tokens are of one group by " + groups.grouping + ": there is nothing to compare it with.");
    if (!counted.byToken)
        result.notes.push_back(
            "Only counts were imported: intervals are Wilson's, which takes tokens as independent and is too narrow, and there "
            "are no p-values.");
    if (groups.leftOut > 0)
        result.notes.push_back(
            std::to_string(groups.leftOut) + " sequences without tokens or without a value of " + groups.grouping + " were left out.");
    for (std::size_t g = 0; g < groups.names.size() && counted.byToken; ++g)
        if (groups.sequences[g] == 1)
            result.notes.push_back("The group " + groups.names[g] + " is one sequence: it has no bootstrap interval.");
    const auto &p = result.tables.front().reals("p");
    const auto tested = std::count_if(p.begin(), p.end(), [](double x) { return !std::isnan(x); });
    const auto permutations = static_cast<double>(given.integer("permutations"));
    const double least = 2 / (1 + permutations);
    const auto atLeast = std::count_if(p.begin(), p.end(), [&](double x) { return x <= least; });
    if (tested > 0 && result.number("specialised").value == 0 && atLeast > 0)
        result.notes.push_back("No row is flagged, but with " + std::to_string(given.integer("permutations"))
            + " permutations p cannot fall below " + std::to_string(least) + ", which is too coarse for " + std::to_string(tested)
            + " tests; more permutations may flag some.");
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const Counted counted = count(*input.traces.front(), given, progress);
    const std::int64_t minCount = given.integer("min-count");
    Result result;
    result.tables.push_back(sharesTable(counted, minCount));
    const auto &flags = result.tables.front().integers("significant");
    const auto &p = result.tables.front().reals("p");
    result.numbers.push_back({.id = "specialised",
        .title = "Pairs of expert and group that differ from the expert's load",
        .unit = "pairs",
        .value = counted.byToken ? static_cast<double>(std::count(flags.begin(), flags.end(), 1)) : noNumber,
        .n = std::count_if(p.begin(), p.end(), [](double x) { return !std::isnan(x); }),
        .of = "tested pairs"});
    result.tables.push_back(topExperts(result.tables.front(), counted.groups, minCount, static_cast<std::size_t>(given.integer("top"))));
    addDivergence(result, counted);
    addMaps(result, counted, given);
    addNotes(result, counted, given);
    return result;
}

} // namespace

AnalysisKind specialisation()
{
    return {.id = "specialisation",
        .title = "Specialisation",
        .help = "Which experts do the tokens of a language, domain or label prefer?",
        .definition =
            "value = share of a group's tokens that have the expert among the chosen ones (all tokens of the group pooled); it sums to k "
            "over "
            "experts. chance = k/E; load = the same share over the tokens of all groups; lift = value/load. Intervals: 95 % of a bootstrap "
            "that draws whole sequences within the group, and Wilson's. p: two-sided, value - load against the same with whole sequences "
            "relabelled; experts below the least count are not tested; significant = false discovery rate of at most 5 % over all tests. "
            "Divergence of a layer: H(mean of the groups' distributions over experts) - mean of their H, in bits; its chance is the mean "
            "over "
            "relabelled sequences. n is tokens.",
        .source = "Muennighoff et al. 2024, OLMoE, arXiv 2409.02060, section 5 (eq. 7); group routing: Xue et al. 2024, OpenMoE, arXiv "
                  "2402.01739, "
                  "section 4; Wilson 1927; Benjamini and Hochberg 1995",
        .params = params,
        .numbers = "mean_divergence|specialised",
        .traces = 1,
        .needs = {.groups = 1},
        .run = run};
}

} // namespace expertscope
