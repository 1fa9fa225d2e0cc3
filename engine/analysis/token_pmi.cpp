// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Experts that go with marker tokens: normalised pointwise mutual information, and the sum over markers of RICE.
#include "engine/analysis/analyses.h"
#include "engine/analysis/marker_tokens.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/statistics.h"
#include "engine/analysis/token_counts.h"
#include "engine/analysis/trace_pass.h"
#include "engine/core/utf8.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"tokens", "Marker tokens",
        "Exact texts or #ids with | between them; & joins several to one marker, a leading - counts against: "
        "<think>|-</think>|-Alternatively",
        ParamKind::Type::Text, "<think>|-</think>|-Alternatively"},
    {"phase", "Tokens counted", "All, or those that were generated", ParamKind::Type::Choice, "all", 0, 0, "all|generated"},
    {"smoothing", "Smoothing", "Added to every count before the logarithms, so that rare experts score less; 0 = as published",
        ParamKind::Type::Real, "0", 0, 1000},
    {"min-count", "Least count", "An expert that fewer counted tokens chose is neither tested nor ranked", ParamKind::Type::Integer, "50",
        0, 1e9},
    {"top", "Top experts", "Rows in the list of top experts", ParamKind::Type::Integer, "50", 1, 100000},
    {"bootstrap", "Bootstrap replicates", "Draws of whole sequences for the intervals; 0 leaves them out", ParamKind::Type::Integer, "300",
        0, 10000},
    {"permutations", "Shifts", "Times the markers of each sequence are shifted round by a random distance, for p; 0 leaves them out",
        ParamKind::Type::Integer, "1000", 0, 100000},
    {"seed", "Seed", "Of the bootstrap and the shifts", ParamKind::Type::Integer, "42", 0, 9e15},
};

constexpr std::uint64_t permutationStreams = std::uint64_t{1} << 32; // away from those of the bootstrap
constexpr std::size_t mostShiftedRows = 20'000'000; // 8 bytes each

/// log2(k T / (M K)) over log2(T / k), which is pointwise mutual information over -log2 P(marker, expert); in [-1, 1].
double npmi(double k, double expert, double marker, double tokens)
{
    if (expert <= 0 || marker <= 0)
        return noNumber;
    if (k <= 0)
        return -1;
    if (k >= tokens)
        return 1; // the marker and the expert are everywhere
    return (std::log2(k / marker) + std::log2(tokens / expert)) / std::log2(tokens / k);
}

/// A marker of one sequence, shifted round by `shift` r.
struct ShiftedRow {
    std::int32_t row;
    std::uint16_t shift, marker;
};

struct Counted {
    std::vector<Marker> markers;
    std::vector<std::uint8_t> rows; ///< [T] 1 where a token counts; empty = all
    std::vector<double> tokens; ///< [S] counted tokens
    std::vector<std::vector<double>> occurrences; ///< [markers][S]
    std::vector<std::uint32_t> markerOf; ///< [T] or FrequentKeys::none
    std::vector<ShiftedRow> shifted; ///< by row
    std::size_t shifts = 0;
    std::vector<std::uint32_t> draws; ///< [replicates, S]
};

struct LayerScores {
    std::vector<double> score, p, nullMean; ///< [E]
    std::vector<Interval> interval; ///< [E]
    std::vector<std::vector<double>> byMarker; ///< [markers][E]
    std::vector<std::vector<std::int64_t>> together; ///< [markers][E] k
    std::vector<std::int64_t> chosen; ///< [E] K
};

double combined(const Counted &counted, std::span<const double> together, double expert, std::span<const double> occurrences, double tokens,
    double smoothing)
{
    double sum = 0;
    for (std::size_t v = 0; v < counted.markers.size(); ++v)
        sum += counted.markers[v].coefficient
            * npmi(together[v] + smoothing, expert + smoothing, occurrences[v] + smoothing, tokens + smoothing);
    return sum;
}

/// Sequences whose counted tokens may be shifted among themselves: prompt and generated part apart where only one counts.
std::vector<TokenRange> shiftRanges(const TraceMeta &meta, bool generated)
{
    std::vector<TokenRange> ranges;
    for (const SequenceInfo &info : meta.sequences)
        ranges.push_back({generated ? info.firstToken + info.nPrompt : info.firstToken, info.range().end});
    return ranges;
}

Counted countMarkers(const RoutingTrace &trace, const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    const bool generated = given.text("phase") == "generated";
    const std::vector<TokenRange> ranges = shiftRanges(meta, generated);
    Counted counted;
    if (generated) {
        counted.rows.assign(static_cast<std::size_t>(meta.tokens), 0);
        for (const TokenRange &range : ranges)
            std::fill(counted.rows.begin() + range.begin, counted.rows.begin() + range.end, std::uint8_t{1});
    }
    for (const TokenRange &range : ranges)
        counted.tokens.push_back(static_cast<double>(range.count()));
    counted.markers = findMarkers(trace, given.text("tokens"), counted.rows, input.textOfToken, progress);
    counted.markerOf.assign(static_cast<std::size_t>(meta.tokens), FrequentKeys::none);
    std::size_t occurrences = 0;
    for (std::size_t v = 0; v < counted.markers.size(); ++v) {
        counted.occurrences.emplace_back(ranges.size());
        for (const std::int64_t row : counted.markers[v].rows) {
            counted.markerOf[static_cast<std::size_t>(row)] = static_cast<std::uint32_t>(v);
            ++counted.occurrences[v][static_cast<std::size_t>(meta.sequenceOf(row))];
            ++occurrences;
        }
    }
    const auto seed = static_cast<std::uint64_t>(given.integer("seed"));
    counted.draws = bootstrapDraws(ranges.size() > 1 ? static_cast<std::size_t>(given.integer("bootstrap")) : 0, ranges.size(), seed);
    counted.shifts = std::min({static_cast<std::size_t>(given.integer("permutations")),
        mostShiftedRows / std::max<std::size_t>(1, occurrences), std::size_t{65535}});
    std::vector<std::int64_t> shift(ranges.size());
    for (std::size_t r = 0; r < counted.shifts; ++r) {
        Random random{seed, permutationStreams + r};
        for (std::size_t s = 0; s < ranges.size(); ++s)
            shift[s] = ranges[s].count() > 0 ? static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(ranges[s].count()))) : 0;
        for (std::size_t v = 0; v < counted.markers.size(); ++v)
            for (const std::int64_t row : counted.markers[v].rows) {
                const auto s = static_cast<std::size_t>(meta.sequenceOf(row));
                counted.shifted.push_back(
                    {static_cast<std::int32_t>(ranges[s].begin + (row - ranges[s].begin + shift[s]) % ranges[s].count()),
                        static_cast<std::uint16_t>(r), static_cast<std::uint16_t>(v)});
            }
    }
    std::sort(counted.shifted.begin(), counted.shifted.end(), [](const ShiftedRow &a, const ShiftedRow &b) { return a.row < b.row; });
    return counted;
}

/// Counts of one layer while it is read.
struct LayerCounts {
    std::vector<std::uint32_t> chosen; ///< [S, E]
    std::vector<std::uint32_t> together; ///< [markers, S, E]
    std::vector<std::uint32_t> shifted; ///< [shifts, markers, E]
    std::size_t nextShifted = 0, sequence = 0;
};

LayerScores scoresOf(const Counted &counted, const LayerCounts &counts, std::size_t experts, double smoothing)
{
    const std::size_t sequences = counted.tokens.size(), markers = counted.markers.size();
    LayerScores scores;
    std::vector<double> occurrences(markers), ofExpert(experts), together(markers * experts), ofMarker(markers);
    const auto sumUp = [&](const std::uint32_t *times) {
        std::fill(ofExpert.begin(), ofExpert.end(), 0.0);
        std::fill(together.begin(), together.end(), 0.0);
        std::fill(occurrences.begin(), occurrences.end(), 0.0);
        double tokens = 0;
        for (std::size_t s = 0; s < sequences; ++s) {
            const double factor = times ? times[s] : 1.0;
            if (factor == 0)
                continue;
            tokens += factor * counted.tokens[s];
            for (std::size_t e = 0; e < experts; ++e)
                ofExpert[e] += factor * counts.chosen[s * experts + e];
            for (std::size_t v = 0; v < markers; ++v) {
                if (counted.occurrences[v][s] == 0)
                    continue;
                occurrences[v] += factor * counted.occurrences[v][s];
                for (std::size_t e = 0; e < experts; ++e)
                    together[v * experts + e] += factor * counts.together[(v * sequences + s) * experts + e];
            }
        }
        return tokens;
    };
    const auto score = [&](std::size_t e, double tokens) {
        for (std::size_t v = 0; v < markers; ++v)
            ofMarker[v] = together[v * experts + e];
        return combined(counted, ofMarker, ofExpert[e], occurrences, tokens, smoothing);
    };
    scores.interval.resize(experts);
    std::vector<std::vector<double>> drawn(experts);
    for (std::size_t at = 0; at < counted.draws.size(); at += sequences) {
        const double tokens = sumUp(counted.draws.data() + at);
        for (std::size_t e = 0; e < experts; ++e)
            drawn[e].push_back(score(e, tokens));
    }
    for (std::size_t e = 0; e < experts; ++e)
        scores.interval[e] = interval95(std::move(drawn[e]));

    const double tokens = sumUp(nullptr);
    scores.byMarker.assign(markers, std::vector<double>(experts));
    scores.together.assign(markers, std::vector<std::int64_t>(experts));
    for (std::size_t e = 0; e < experts; ++e) {
        scores.chosen.push_back(std::llround(ofExpert[e]));
        scores.score.push_back(score(e, tokens));
        for (std::size_t v = 0; v < markers; ++v) {
            scores.together[v][e] = std::llround(together[v * experts + e]);
            scores.byMarker[v][e] =
                npmi(together[v * experts + e] + smoothing, ofExpert[e] + smoothing, occurrences[v] + smoothing, tokens + smoothing);
        }
        std::vector<double> null;
        for (std::size_t r = 0; r < counted.shifts; ++r) {
            for (std::size_t v = 0; v < markers; ++v)
                ofMarker[v] = counts.shifted[(r * markers + v) * experts + e];
            null.push_back(combined(counted, ofMarker, ofExpert[e], occurrences, tokens, smoothing));
        }
        scores.p.push_back(twoSidedP(scores.score[e], null));
        scores.nullMean.push_back(mean(null));
    }
    return scores;
}

std::vector<LayerScores> countLayers(const RoutingTrace &trace, const Counted &counted, double smoothing, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts), width = static_cast<std::size_t>(meta.slotCount);
    const std::size_t sequences = meta.sequences.size(), markers = counted.markers.size();
    std::vector<LayerCounts> layers(meta.layers.size()); // filled for the layers under way only
    std::vector<LayerScores> found(meta.layers.size());
    forEachBlock(trace, {}, progress, [&](const LayerBlock &block) {
        LayerCounts &counts = layers[static_cast<std::size_t>(block.layer)];
        if (block.range.begin == 0) {
            counts.chosen.assign(sequences * experts, 0);
            counts.together.assign(markers * sequences * experts, 0);
            counts.shifted.assign(counted.shifts * markers * experts, 0);
        }
        for (std::int64_t row = block.range.begin; row < block.range.end; ++row) {
            const auto ids = block.ids.subspan(static_cast<std::size_t>(row - block.range.begin) * width, width);
            const auto add = [&](std::vector<std::uint32_t> &to, std::size_t line) {
                for (const ExpertId id : ids)
                    if (id != noExpert)
                        ++to[line * experts + id];
            };
            while (counts.sequence + 1 < sequences && row >= meta.sequences[counts.sequence].range().end)
                ++counts.sequence;
            if (counted.rows.empty() || counted.rows[static_cast<std::size_t>(row)])
                add(counts.chosen, counts.sequence);
            if (const std::uint32_t marker = counted.markerOf[static_cast<std::size_t>(row)]; marker != FrequentKeys::none)
                add(counts.together, marker * sequences + counts.sequence);
            for (; counts.nextShifted < counted.shifted.size() && counted.shifted[counts.nextShifted].row == row; ++counts.nextShifted)
                add(counts.shifted, counted.shifted[counts.nextShifted].shift * markers + counted.shifted[counts.nextShifted].marker);
        }
        if (block.range.end == meta.tokens) {
            found[static_cast<std::size_t>(block.layer)] = scoresOf(counted, counts, experts, smoothing);
            counts = {};
        }
    });
    return found;
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts);
    const Counted counted = countMarkers(trace, input, given, progress);
    const std::vector<LayerScores> found = countLayers(trace, counted, given.real("smoothing"), progress);

    std::vector<std::int64_t> layer, expert, chosen, markerLayer, markerExpert, together, occurrences;
    std::vector<double> value, low, high, chance, p, markerValue, markerShare, load;
    std::vector<std::string> markerName;
    const double tokens = std::accumulate(counted.tokens.begin(), counted.tokens.end(), 0.0);
    for (std::size_t m = 0; m < found.size(); ++m)
        for (std::size_t e = 0; e < experts; ++e) {
            const LayerScores &scores = found[m];
            layer.push_back(meta.layers[m]);
            expert.push_back(static_cast<std::int64_t>(e));
            value.push_back(scores.score[e]);
            low.push_back(scores.interval[e].low);
            high.push_back(scores.interval[e].high);
            chance.push_back(scores.nullMean[e]);
            chosen.push_back(scores.chosen[e]);
            p.push_back(scores.chosen[e] >= given.integer("min-count") ? scores.p[e] : noNumber);
            for (std::size_t v = 0; v < counted.markers.size(); ++v) {
                const auto times = static_cast<double>(counted.markers[v].rows.size());
                markerLayer.push_back(meta.layers[m]);
                markerExpert.push_back(static_cast<std::int64_t>(e));
                markerName.push_back(wellFormedUtf8(counted.markers[v].name));
                markerValue.push_back(scores.byMarker[v][e]);
                together.push_back(scores.together[v][e]);
                markerShare.push_back(static_cast<double>(scores.together[v][e]) / times);
                load.push_back(static_cast<double>(scores.chosen[e]) / tokens);
                occurrences.push_back(std::ssize(counted.markers[v].rows));
            }
        }
    const std::vector<std::int64_t> flags = significant(p);
    Table table{.id = "token-pmi", .title = "Experts that go with the marker tokens", .columns = {}};
    table.columns = {{"layer", "", "The model's own number of the layer", layer}, {"expert", "", "Expert of that layer", expert},
        {"value", "1", "Sum over markers of sign times nPMI", value},
        {"low", "1", "Lower end of the 95 % interval, bootstrap of sequences", low}, {"high", "1", "Upper end", high},
        {"chance", "1", "Mean of value with the markers of each sequence shifted round by a random distance", chance},
        {"n", "tokens", "Counted tokens that chose the expert", chosen},
        {"p", "1", "Two-sided, against the shifted markers; empty below the least count", p},
        {"significant", "", "1 where the false discovery rate over the whole table is at most 5 %", flags}};
    std::vector<std::size_t> order;
    for (std::size_t row = 0; row < table.rows(); ++row)
        if (chosen[row] >= std::max<std::int64_t>(1, given.integer("min-count")) && !std::isnan(value[row]))
            order.push_back(row);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return value[a] > value[b]; });
    order.resize(std::min(order.size(), static_cast<std::size_t>(given.integer("top"))));
    Table perMarker{.id = "markers", .title = "Each marker token and expert", .columns = {}};
    perMarker.columns = {{"layer", "", "The model's own number of the layer", markerLayer},
        {"expert", "", "Expert of that layer", markerExpert}, {"marker", "", "Marker as given", markerName},
        {"value", "1", "nPMI, in [-1, 1]; 0 = they have nothing to do with each other", markerValue},
        {"share", "1", "Share of the marker's occurrences that chose the expert", markerShare},
        {"chance", "1", "Share of all counted tokens that chose the expert", load},
        {"count", "tokens", "Occurrences that chose the expert", together}, {"n", "tokens", "Occurrences of the marker", occurrences}};
    Result result;
    result.tables.push_back(table);
    result.tables.push_back(rowsOf(table, order, "top-experts", "Experts of largest score"));
    result.tables.push_back(std::move(perMarker));
    Matrix map =
        layerExpertMatrix("token-pmi-map", "Experts that go with the marker tokens", "Score (nPMI)", "1", meta.layers, meta.experts);
    map.neutral = 0;
    map.values = value;
    Matrix flagged =
        layerExpertMatrix("token-pmi-significant", "Where the score is significant", "Significant", "", meta.layers, meta.experts);
    flagged.values.assign(flags.begin(), flags.end());
    result.matrices.push_back(std::move(map));
    result.matrices.push_back(std::move(flagged));
    result.numbers.push_back({.id = "significant",
        .title = "Experts with a significant score",
        .unit = "experts",
        .value = static_cast<double>(std::count(flags.begin(), flags.end(), 1)),
        .n = std::count_if(p.begin(), p.end(), [](double x) { return !std::isnan(x); }),
        .of = "tested experts"});
    for (const Marker &marker : counted.markers) {
        std::string ids;
        for (const std::int32_t id : marker.ids)
            ids += (ids.empty() ? "" : ", ") + std::to_string(id);
        result.notes.push_back("Marker \"" + wellFormedUtf8(marker.name) + "\" (id " + ids + ") occurs "
            + std::to_string(marker.rows.size()) + " times in " + std::to_string(marker.sequences) + " sequences and counts "
            + (marker.coefficient > 0 ? "for" : "against") + " an expert.");
    }
    if (counted.shifts < static_cast<std::size_t>(given.integer("permutations")))
        result.notes.push_back("The markers are so frequent that p is of " + std::to_string(counted.shifts) + " shifts only.");
    result.notes.push_back("Experts chosen by this score should be judged on other texts than these.");
    return result;
}

} // namespace

AnalysisKind tokenPmi()
{
    return {.id = "token-pmi",
        .title = "Experts of marker tokens",
        .help = "Which experts go with given tokens, such as those that begin or end thinking?",
        .definition = "For a marker that occurs M times among T counted tokens and an expert that K tokens chose, k of them the marker: "
                      "nPMI = (log2(k/M) + "
                      "log2(T/K)) / log2(T/k), -1 where k = 0. value = sum over markers of their sign times nPMI. Interval: bootstrap of "
                      "sequences. p: the "
                      "markers of each sequence shifted round by one random distance, two-sided; experts below the least count are not "
                      "tested; significant "
                      "= false discovery rate of at most 5 %. n is tokens that chose the expert.",
        .source = "RICE, arXiv 2505.14681, expert identification by normalised pointwise mutual information",
        .params = params,
        .numbers = "significant",
        .traces = 1,
        .needs = {.tokenIds = true},
        .run = run};
}

} // namespace expertscope
