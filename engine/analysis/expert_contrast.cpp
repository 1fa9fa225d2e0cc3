// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Which experts two groups of texts use differently: task experts, domain experts, language experts, by difference of frequency.
#include "engine/analysis/analyses.h"
#include "engine/analysis/group_contrast.h"
#include "engine/analysis/parallel_texts.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/sequence_counts.h"
#include "engine/analysis/token_filter.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr std::array<ParamKind, 9> ownParams{{
    {"grouping", "Group by", "language, domain or a label column; auto = the first that tells sequences apart", ParamKind::Type::Text,
        "auto"},
    {"target", "Target", "Groups between commas; empty = all but the baseline", ParamKind::Type::Text, ""},
    {"baseline", "Baseline", "Groups between commas; empty = English, or the first group", ParamKind::Type::Text, ""},
    {"tau", "Threshold", "An expert is chosen where the difference of frequency is above this", ParamKind::Type::Real, "0.3", 0, 1},
    {"pivot", "Pivot language", "Of the multilingual experts in the overlap curve", ParamKind::Type::Text, "en"},
    {"min-count", "Least count", "Tokens that must have chosen an expert for it to be ranked", ParamKind::Type::Integer, "20", 0, 1e9},
    {"bootstrap", "Bootstrap replicates", "Resamplings of the sequences for the intervals; 0 leaves them out", ParamKind::Type::Integer,
        "500", 0, 1e4},
    {"permutations", "Permutations", "Of the labels over the sequences, for p; 0 leaves p out", ParamKind::Type::Integer, "1000", 0, 1e5},
    {"seed", "Seed", "Of bootstrap and permutations", ParamKind::Type::Integer, "42", 0, 9e15},
}};
constexpr auto params = joined(ownParams, tokenFilterParams);
constexpr std::size_t longestRanking = 50;

struct Sides {
    std::string grouping;
    std::vector<std::string> target, baseline; ///< names of groups
    bool isTarget(const std::string &name) const { return std::find(target.begin(), target.end(), name) != target.end(); }
    bool isBaseline(const std::string &name) const { return std::find(baseline.begin(), baseline.end(), name) != baseline.end(); }
};

std::string list(const std::vector<std::string> &names)
{
    std::string text;
    for (const std::string &name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

Sides sidesOf(const std::string &grouping, const std::vector<std::string> &names, const Params &given, std::vector<std::string> &notes)
{
    Sides sides{.grouping = grouping, .target = commaList(given.text("target")), .baseline = commaList(given.text("baseline"))};
    if (names.size() < 2)
        throw Error{ErrorKind::Check, "the trace has fewer than two groups by " + grouping, "grouping",
            "Group by a column that tells sequences apart"};
    if (sides.baseline.empty()) {
        const auto free = std::find_if(names.begin(), names.end(), [&](const std::string &name) { return !sides.isTarget(name); });
        if (grouping == "language" && !sides.isTarget("en"))
            sides.baseline = {names[pivotLanguage(names, "en", notes)]};
        else if (free != names.end())
            sides.baseline = {*free};
    }
    if (sides.target.empty())
        std::copy_if(
            names.begin(), names.end(), std::back_inserter(sides.target), [&](const auto &name) { return !sides.isBaseline(name); });
    for (const auto *side : {&sides.target, &sides.baseline})
        for (const std::string &name : *side)
            if (std::find(names.begin(), names.end(), name) == names.end())
                throw Error{ErrorKind::Usage, "there is no group \"" + name + "\" by " + grouping, "target, baseline",
                    "Its groups are " + list(names)};
    const bool both =
        std::any_of(sides.target.begin(), sides.target.end(), [&](const std::string &name) { return sides.isBaseline(name); });
    if (both || sides.target.empty() || sides.baseline.empty())
        throw Error{ErrorKind::Usage, both ? "a group is both target and baseline" : "target or baseline is empty", "target, baseline",
            "Name different groups out of " + list(names)};
    notes.push_back("Target: " + list(sides.target) + ". Baseline: " + list(sides.baseline) + ".");
    return sides;
}

/// What is counted: texts with their side and their language, and the tokens each has.
struct Units {
    std::vector<int> sequences; ///< [U] of the contrast
    std::vector<std::uint8_t> target; ///< [U]
    std::vector<int> others; ///< sequences outside the target, with a language: for the multilingual experts
    std::vector<std::int64_t> tokens; ///< [S] counted
    std::vector<std::uint8_t> counted; ///< [T], empty = all
};

Units unitsOf(const RoutingTrace &trace, const SequenceGroups &groups, const Sides &sides, const Params &given, const Progress &progress,
    std::vector<std::string> &notes)
{
    const TraceMeta &meta = trace.meta();
    Units units;
    ParallelTexts all;
    for (std::size_t s = 0; s < groups.of.size(); ++s)
        if (groups.of[s] >= 0)
            all.sequences.push_back(static_cast<int>(s));
    units.counted = countedTokens(trace, tokenFilter(given), all, progress, notes);
    for (const SequenceInfo &info : meta.sequences) {
        const TokenRange range = info.range();
        units.tokens.push_back(
            units.counted.empty() ? range.count() : std::count(units.counted.begin() + range.begin, units.counted.begin() + range.end, 1));
    }
    for (const int s : all.sequences) {
        const auto sequence = static_cast<std::size_t>(s);
        if (units.tokens[sequence] == 0)
            continue;
        const std::string &name = groups.names[static_cast<std::size_t>(groups.of[sequence])];
        const bool target = sides.isTarget(name);
        if (target || sides.isBaseline(name)) {
            units.sequences.push_back(s);
            units.target.push_back(target);
        }
        if (!target && !meta.sequences[sequence].language.empty())
            units.others.push_back(s);
    }
    return units;
}

/// Share of each sequence's tokens that chose each expert: [U, E].
std::vector<float> sharesOf(std::span<const std::uint32_t> counts, const Units &units, std::size_t experts)
{
    std::vector<float> shares;
    for (const int s : units.sequences)
        for (std::size_t e = 0; e < experts; ++e)
            shares.push_back(static_cast<float>(counts[static_cast<std::size_t>(s) * experts + e])
                / static_cast<float>(units.tokens[static_cast<std::size_t>(s)]));
    return shares;
}

/// Largest difference of frequency between any language and the pivot, over sequences outside the target: [E].
std::vector<double> multilingual(const TraceMeta &meta, std::span<const std::uint32_t> counts, const Units &units,
    const std::vector<std::string> &languages, std::size_t pivot, std::size_t experts)
{
    std::vector<double> sums(languages.size() * experts, 0.0), texts(languages.size(), 0.0);
    for (const int s : units.others) {
        const auto sequence = static_cast<std::size_t>(s);
        const auto g =
            static_cast<std::size_t>(std::find(languages.begin(), languages.end(), meta.sequences[sequence].language) - languages.begin());
        ++texts[g];
        for (std::size_t e = 0; e < experts; ++e)
            sums[g * experts + e] += static_cast<double>(counts[sequence * experts + e]) / static_cast<double>(units.tokens[sequence]);
    }
    std::vector<double> largest(experts, -1.0);
    for (std::size_t g = 0; g < languages.size(); ++g)
        for (std::size_t e = 0; e < experts && g != pivot; ++e)
            largest[e] = std::max(largest[e], sums[g * experts + e] / texts[g] - sums[pivot * experts + e] / texts[pivot]);
    return largest;
}

/// P(at least `both` of `a` drawn out of `all`, `b` of which are marked): hypergeometric upper tail.
double overlapP(std::int64_t both, std::int64_t a, std::int64_t b, std::int64_t all)
{
    const auto logChoose = [](std::int64_t n, std::int64_t k) {
        return std::lgamma(static_cast<double>(n + 1)) - std::lgamma(static_cast<double>(k + 1))
            - std::lgamma(static_cast<double>(n - k + 1));
    };
    double p = 0;
    for (std::int64_t x = std::max(both, a + b - all); x <= std::min(a, b); ++x)
        p += std::exp(logChoose(b, x) + logChoose(all - b, a - x) - logChoose(all, a));
    return std::min(1.0, p);
}

void addOverlap(Result &result, const std::vector<double> &task, const std::vector<double> &languages)
{
    std::vector<double> taus, taskSize, languageSize, both, chance, p;
    const auto cells = static_cast<std::int64_t>(task.size());
    for (int step = 0; step <= 12; ++step) {
        const double tau = 0.05 * step;
        std::int64_t a = 0, b = 0, ab = 0;
        for (std::size_t i = 0; i < task.size(); ++i) {
            a += task[i] > tau;
            b += languages[i] > tau;
            ab += task[i] > tau && languages[i] > tau;
        }
        taus.push_back(tau);
        taskSize.push_back(static_cast<double>(a));
        languageSize.push_back(static_cast<double>(b));
        both.push_back(static_cast<double>(ab));
        chance.push_back(static_cast<double>(a) * static_cast<double>(b) / static_cast<double>(cells));
        p.push_back(overlapP(ab, a, b, cells));
    }
    result.series.push_back({.id = "overlap-by-tau",
        .title = "Overlap of target experts and multilingual experts",
        .xTitle = "Threshold",
        .yTitle = "Experts",
        .unit = "experts",
        .x = taus,
        .curves = {{Curve::Role::Data, "target", taskSize, {}, {}}, {Curve::Role::Data, "multilingual", languageSize, {}, {}},
            {Curve::Role::Data, "both", both, {}, {}}, {Curve::Role::Chance, "both, if independent", chance, {}, {}}},
        .names = {}});
    result.tables.push_back({.id = "overlap",
        .title = "Overlap of target experts and multilingual experts",
        .columns = {{"tau", "1", "Threshold of the difference of frequency", taus},
            {"target", "experts", "Above it in the contrast", taskSize},
            {"multilingual", "experts", "Above it in any language against the pivot", languageSize},
            {"value", "experts", "In both sets", both}, {"chance", "experts", "In both if the sets were independent", chance},
            {"p", "1", "Hypergeometric probability of as many or more in both", p},
            {"n", "experts", "All experts of all layers", std::vector<std::int64_t>(taus.size(), cells)}}});
}

/// What the layers give, in layer order whatever thread computed them.
struct Findings {
    std::vector<LayerContrast> layers; ///< [M]
    std::vector<std::vector<std::int64_t>> chosenBy; ///< [M] of [E] tokens that chose the expert, both sides
    std::vector<std::vector<double>> multilingual; ///< [M] of [E]; empty without
};

void addContrast(Result &result, const Findings &findings, const ContrastDraws &draws, const std::vector<int> &layers, const Params &given)
{
    const auto experts = static_cast<int>(findings.layers.front().value.size());
    const double tau = given.real("tau");
    std::vector<std::int64_t> layer, expert, chosen, count;
    std::vector<double> value, low, high, p, target, baseline, perLayer, nullMean, nullLow, nullHigh;
    Matrix matrix = layerExpertMatrix(
        "contrast-map", "Difference of frequency, target minus baseline", "Difference of frequency", "1", layers, experts);
    matrix.neutral = 0;
    matrix.values.clear();
    for (std::size_t m = 0; m < layers.size(); ++m) {
        const LayerContrast &of = findings.layers[m];
        double above = 0;
        for (std::size_t e = 0; e < of.value.size(); ++e) {
            layer.push_back(layers[m]);
            expert.push_back(static_cast<std::int64_t>(e));
            value.push_back(of.value[e]);
            low.push_back(of.interval[e].low);
            high.push_back(of.interval[e].high);
            p.push_back(of.p[e]);
            chosen.push_back(of.value[e] > tau);
            target.push_back(of.targetShare[e]);
            baseline.push_back(of.baselineShare[e]);
            count.push_back(findings.chosenBy[m][e]);
            matrix.values.push_back(of.value[e]);
            above += of.value[e] > tau;
        }
        perLayer.push_back(above);
        const Interval null = interval95(of.nullAbove);
        nullMean.push_back(mean(of.nullAbove));
        nullLow.push_back(null.low);
        nullHigh.push_back(null.high);
    }
    const std::vector<std::int64_t> flags = significant(p);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < value.size(); ++i)
        if (count[i] >= given.integer("min-count"))
            order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return value[a] > value[b]; });
    order.resize(std::min(order.size(), longestRanking));
    const std::size_t rows = value.size();
    const auto all = std::accumulate(perLayer.begin(), perLayer.end(), 0.0);
    std::vector<double> nullAll(draws.permutations, 0.0);
    for (const LayerContrast &of : findings.layers)
        for (std::size_t r = 0; r < nullAll.size(); ++r)
            nullAll[r] += of.nullAbove[r];
    result.tables.insert(result.tables.begin(),
        Table{.id = "contrast",
            .title = "Difference of activation frequency",
            .columns = {{"layer", "", "The model's own number of the layer", std::move(layer)}, {"expert", "", "Expert", std::move(expert)},
                {"value", "1", "Frequency in the target minus in the baseline, each the mean over sequences", std::move(value)},
                {"low", "1", "Lower end of the 95 % bootstrap interval over sequences", std::move(low)},
                {"high", "1", "Upper end of it", std::move(high)}, {"p", "1", "Two-sided, labels permuted over sequences", std::move(p)},
                {"significant", "", "1 where the false discovery rate over all experts is at most 5 % (Benjamini-Hochberg)", flags},
                {"chosen", "", "1 where value is above the threshold", std::move(chosen)},
                {"target", "1", "Mean share of a target sequence's tokens that chose the expert", std::move(target)},
                {"baseline", "1", "The same of the baseline", std::move(baseline)},
                {"count", "tokens", "Tokens of both sides that chose the expert", std::move(count)},
                {"n", "sequences", "Target sequences", std::vector<std::int64_t>(rows, static_cast<std::int64_t>(draws.targets))},
                {"n_baseline", "sequences", "Baseline sequences",
                    std::vector<std::int64_t>(rows, static_cast<std::int64_t>(draws.baselines))}}});
    result.tables.insert(
        result.tables.begin() + 1, rowsOf(result.tables.front(), order, "top", "Experts of the target, largest difference first"));
    result.matrices.push_back(std::move(matrix));
    Series series = layerSeries("chosen-by-layer", "Experts above the threshold", "Experts", "experts", layers);
    series.curves.push_back({Curve::Role::Data, "above the threshold", perLayer, {}, {}});
    if (draws.permutations > 0)
        series.curves.push_back({Curve::Role::Chance, "label permutation", nullMean, nullLow, nullHigh});
    result.series.insert(result.series.begin(), std::move(series));
    const auto n = static_cast<std::int64_t>(draws.target.size());
    result.numbers.push_back({.id = "chosen_experts",
        .title = "Experts above the threshold",
        .unit = "experts",
        .value = all,
        .chance = mean(nullAll),
        .n = n,
        .of = "sequences"});
    result.numbers.push_back({.id = "significant_experts",
        .title = "Experts whose frequency differs significantly",
        .unit = "experts",
        .value = static_cast<double>(std::accumulate(flags.begin(), flags.end(), std::int64_t{0})),
        .n = n,
        .of = "sequences"});
}

/// Groups of imported counts stand for one text each.
Result ofCounts(const RoutingTrace &trace, const RoutingSummary &counts, const Params &given)
{
    Result result;
    const std::string grouping = given.text("grouping");
    if (grouping != "auto" && grouping != counts.grouping)
        throw Error{
            ErrorKind::Check, "the imported counts are by " + counts.grouping, "grouping", "Set grouping to auto or " + counts.grouping};
    if (!tokenFilter(given).all())
        throw Error{ErrorKind::Check, "imported counts cannot be counted again by token", "", "Leave the token filters as they are"};
    const Sides sides = sidesOf(counts.grouping, counts.groups, given, result.notes);
    std::vector<std::uint8_t> target;
    std::vector<int> groups;
    for (std::size_t g = 0; g < counts.groups.size(); ++g)
        if (sides.isTarget(counts.groups[g]) || sides.isBaseline(counts.groups[g])) {
            groups.push_back(static_cast<int>(g));
            target.push_back(sides.isTarget(counts.groups[g]));
        }
    const ContrastDraws draws = drawContrast(std::move(target), 0, 0, 0);
    Findings findings;
    for (int m = 0; m < counts.moeLayers(); ++m) {
        std::vector<float> shares;
        std::vector<std::int64_t> &chosenBy = findings.chosenBy.emplace_back(static_cast<std::size_t>(counts.experts), 0);
        for (const int g : groups)
            for (int e = 0; e < counts.experts; ++e) {
                shares.push_back(static_cast<float>(counts.frequency(g, m, e)));
                chosenBy[static_cast<std::size_t>(e)] += counts.counts[counts.index(g, m, e)];
            }
        findings.layers.push_back(layerContrast(shares, static_cast<std::size_t>(counts.experts), draws, given.real("tau")));
    }
    addContrast(result, findings, draws, trace.meta().layers, given);
    for (Column &column : result.tables.front().columns)
        if (column.unit == "sequences")
            column.unit = "corpora";
    for (Number &number : result.numbers)
        if (number.of == "sequences")
            number.of = "corpora";
    result.notes.push_back("The trace is imported counts: each group is one corpus, so there is no interval and no p.");
    return result;
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    if (const auto counts = trace.importedCounts())
        return ofCounts(trace, *counts, given);
    const TraceMeta &meta = trace.meta();
    Result result;
    const SequenceGroups groups = groupSequences(meta, given.text("grouping"));
    const Sides sides = sidesOf(groups.grouping, groups.names, given, result.notes);
    const Units units = unitsOf(trace, groups, sides, given, progress, result.notes);
    const ContrastDraws draws = drawContrast(units.target, static_cast<std::size_t>(given.integer("bootstrap")),
        static_cast<std::size_t>(given.integer("permutations")), static_cast<std::uint64_t>(given.integer("seed")));
    if (draws.targets == 0 || draws.baselines == 0)
        throw Error{ErrorKind::Check, "target or baseline has no tokens", "target, baseline",
            "Choose groups with tokens, or widen the token filters"};
    if (draws.targets < 2 || draws.baselines < 2)
        result.notes.push_back("Target or baseline is a single sequence, so there is no interval and no p.");

    std::vector<std::string> languages;
    for (const int s : units.others)
        if (const std::string &name = meta.sequences[static_cast<std::size_t>(s)].language;
            std::find(languages.begin(), languages.end(), name) == languages.end())
            languages.push_back(name);
    const bool overlap = groups.grouping != "language" && languages.size() > 1;
    const std::size_t pivot = overlap ? pivotLanguage(languages, given.text("pivot"), result.notes) : 0;
    const auto experts = static_cast<std::size_t>(meta.experts);
    Findings findings{.layers = std::vector<LayerContrast>(meta.layers.size()),
        .chosenBy = std::vector<std::vector<std::int64_t>>(meta.layers.size()),
        .multilingual = std::vector<std::vector<double>>(meta.layers.size())};
    const std::function<bool(std::int64_t)> countsToken = units.counted.empty()
        ? std::function<bool(std::int64_t)>{}
        : [&](std::int64_t row) { return units.counted[static_cast<std::size_t>(row)] != 0; };
    forEachLayerCounts(trace, countsToken, progress, [&](int layer, std::span<const std::uint32_t> counts) {
        const auto m = static_cast<std::size_t>(layer);
        findings.layers[m] = layerContrast(sharesOf(counts, units, experts), experts, draws, given.real("tau"));
        findings.chosenBy[m].assign(experts, 0);
        for (const int s : units.sequences)
            for (std::size_t e = 0; e < experts; ++e)
                findings.chosenBy[m][e] += counts[static_cast<std::size_t>(s) * experts + e];
        if (overlap)
            findings.multilingual[m] = multilingual(meta, counts, units, languages, pivot, experts);
    });
    if (overlap) {
        std::vector<double> task, multi;
        for (std::size_t m = 0; m < meta.layers.size(); ++m) {
            task.insert(task.end(), findings.layers[m].value.begin(), findings.layers[m].value.end());
            multi.insert(multi.end(), findings.multilingual[m].begin(), findings.multilingual[m].end());
        }
        addOverlap(result, task, multi);
    } else {
        result.notes.push_back(
            "The overlap with multilingual experts needs a grouping other than language, and two languages outside the target.");
    }
    addContrast(result, findings, draws, meta.layers, given);
    return result;
}

} // namespace

AnalysisKind expertContrast()
{
    return {.id = "expert-contrast",
        .title = "Expert contrast",
        .help = "Which experts does one group of texts use more than another?",
        .definition = "Difference of activation frequency: the mean over target sequences of the share of their tokens that chose the "
                      "expert, minus the same "
                      "of the baseline, from -1 to 1. Each sequence counts the same; n is their number. Intervals: percentile bootstrap "
                      "over sequences within "
                      "each group. p: labels permuted over sequences, with a false discovery rate over all experts and layers. The chance "
                      "line is how many "
                      "experts pass the threshold when labels are permuted. Multilingual experts pass it in any language against the pivot "
                      "language, over "
                      "sequences outside the target.",
        .source = "Bandarkar et al. 2025, arXiv 2510.04694, eq. 3 and finding 5",
        .params = params,
        .numbers = "chosen_experts|significant_experts",
        .traces = 1,
        .needs = {.groups = 2},
        .run = run};
}

} // namespace expertscope
