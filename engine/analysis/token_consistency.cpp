// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How alike two tokens of the same text are routed: Jaccard index of their expert sets, by language and layer.
#include "engine/analysis/analyses.h"
#include "engine/analysis/group_means.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/statistics.h"
#include "engine/analysis/trace_pass.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace expertscope {

namespace {

constexpr std::array<ParamKind, 4> params{{
    {"pairs", "Pairs per sequence", "Pairs of tokens drawn from each sequence", ParamKind::Type::Integer, "200", 1, 1e6},
    {"different-ids", "Different tokens only", "Leave out pairs of the same token id, which are routed alike for being the same word",
        ParamKind::Type::Flag, "off"},
    {"bootstrap", "Bootstrap replicates", "Resamplings of the sequences for the intervals; 0 leaves the intervals out",
        ParamKind::Type::Integer, "1000", 0, 1e5},
    {"seed", "Seed", "Of the pairs and the bootstrap", ParamKind::Type::Integer, "42", 0, 9e15},
}};

/// Experts of the tokens of one sequence [n, K], with the sequence they belong to.
struct Text {
    int sequence = -1;
    std::vector<ExpertId> ids;
};

/// |A and B| / |A or B| of two rows of K slots, empty slots apart; NaN where both are empty.
double jaccard(std::span<const ExpertId> a, std::span<const ExpertId> b)
{
    int inA = 0, inB = 0, both = 0;
    for (const ExpertId id : a) {
        inA += id != noExpert;
        both += id != noExpert && std::find(b.begin(), b.end(), id) != b.end();
    }
    for (const ExpertId id : b)
        inB += id != noExpert;
    return inA + inB > 0 ? static_cast<double>(both) / (inA + inB - both) : noNumber;
}

struct Consistency {
    std::vector<std::vector<double>> within,
        between; ///< [M] of [S]: mean Jaccard of pairs of its tokens; of one with a token of another text
    std::vector<double> chosen; ///< [M] experts a token chose, over all tokens: the k of the chance level
};

class Pairs {
public:
    Pairs(const RoutingTrace &trace, const Params &params)
        : m_meta{trace.meta()}
        , m_slots{static_cast<std::size_t>(trace.meta().slotCount)}
        , m_pairs{params.integer("pairs")}
        , m_seed{static_cast<std::uint64_t>(params.integer("seed"))}
        , m_differentIds{params.flag("different-ids")}
    {
        if (!m_differentIds)
            return;
        requireTokenIds(m_meta, "different-ids");
        constexpr std::int64_t rows = 4096;
        for (std::int64_t at = 0; at < m_meta.tokens; at += rows) {
            const TokenColumns columns = trace.tokens({at, std::min(at + rows, m_meta.tokens)});
            m_ids.insert(m_ids.end(), columns.tokenId.begin(), columns.tokenId.end());
        }
    }

    /// Mean over random pairs of a token of `a` and another one of `b`, the same pairs at every layer. NaN where there are none.
    double mean(const Text &a, const Text &b) const
    {
        const std::size_t n = a.ids.size() / m_slots, m = b.ids.size() / m_slots;
        const bool same = a.sequence == b.sequence;
        if (n == 0 || m < (same ? 2u : 1u))
            return noNumber;
        Random random{m_seed, 2 * static_cast<std::uint64_t>(a.sequence) + (same ? 0 : 1)};
        double sum = 0, pairs = 0;
        for (std::int64_t i = 0; i < m_pairs; ++i) {
            const auto t = random.below(n);
            const auto u = same ? (t + 1 + random.below(m - 1)) % m : random.below(m);
            if (m_differentIds && idOf(a, t) == idOf(b, u))
                continue;
            const double index = jaccard(std::span{a.ids}.subspan(t * m_slots, m_slots), std::span{b.ids}.subspan(u * m_slots, m_slots));
            sum += std::isnan(index) ? 0 : index;
            pairs += !std::isnan(index);
        }
        return pairs > 0 ? sum / pairs : noNumber;
    }

private:
    std::int32_t idOf(const Text &text, std::size_t token) const
    {
        return m_ids[static_cast<std::size_t>(m_meta.sequences[static_cast<std::size_t>(text.sequence)].firstToken) + token];
    }

    const TraceMeta &m_meta;
    std::size_t m_slots;
    std::int64_t m_pairs;
    std::uint64_t m_seed;
    bool m_differentIds;
    std::vector<std::int32_t> m_ids; ///< [T], only with m_differentIds
};

Consistency consistencyOf(const RoutingTrace &trace, const SequenceGroups &groups, const Pairs &pairs, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    const auto slots = static_cast<std::size_t>(meta.slotCount);
    const std::vector<double> none(meta.sequences.size(), noNumber);
    Consistency result{
        .within = {meta.layers.size(), none}, .between = {meta.layers.size(), none}, .chosen = std::vector<double>(meta.layers.size())};
    struct State {
        Text current;
        std::vector<Text> last; ///< [G] the sequence of each language before the current one
        std::int64_t chosen = 0;
    };
    std::vector<State> states(meta.layers.size());
    forEachBlock(trace, {}, progress, [&](const LayerBlock &block) {
        const auto layer = static_cast<std::size_t>(block.layer);
        State &state = states[layer];
        state.last.resize(groups.names.size());
        state.chosen += std::count_if(block.ids.begin(), block.ids.end(), [](ExpertId id) { return id != noExpert; });
        forEachSequence(meta, block.range, [&](int sequence, TokenRange range) {
            const int group = groups.of[static_cast<std::size_t>(sequence)];
            if (group < 0)
                return;
            if (state.current.sequence != sequence)
                state.current = {sequence, {}};
            const auto rows = block.ids.subspan(
                static_cast<std::size_t>(range.begin - block.range.begin) * slots, static_cast<std::size_t>(range.count()) * slots);
            state.current.ids.insert(state.current.ids.end(), rows.begin(), rows.end());
            if (range.end < meta.sequences[static_cast<std::size_t>(sequence)].range().end)
                return;
            Text &before = state.last[static_cast<std::size_t>(group)];
            result.within[layer][static_cast<std::size_t>(sequence)] = pairs.mean(state.current, state.current);
            if (before.sequence >= 0)
                result.between[layer][static_cast<std::size_t>(sequence)] = pairs.mean(state.current, before);
            before = std::move(state.current);
            state.current = {};
        });
        if (block.range.end == meta.tokens) {
            result.chosen[layer] = static_cast<double>(state.chosen) / static_cast<double>(meta.tokens);
            state = {};
        }
    });
    return result;
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const SequenceGroups groups = groupSequences(meta, "language");
    const Consistency values = consistencyOf(trace, groups, Pairs{trace, given}, progress);
    const auto replicates = static_cast<std::size_t>(given.integer("bootstrap"));
    const auto seed = static_cast<std::uint64_t>(given.integer("seed"));
    const std::vector<GroupMean> within = groupMeansByLayer(values.within, groups, replicates, seed);
    const std::vector<GroupMean> between = groupMeansByLayer(values.between, groups, replicates, seed);

    std::vector<double> chance, chanceRows, other, otherLow, otherHigh;
    for (const double k : values.chosen)
        chance.push_back(k / (2 * static_cast<double>(meta.experts) - k));
    for (std::size_t i = 0; i < within.size(); ++i) {
        chanceRows.push_back(chance[i / groups.names.size()]);
        other.push_back(between[i].value);
        otherLow.push_back(between[i].low);
        otherHigh.push_back(between[i].high);
    }
    Result result;
    Table table = languageTable("consistency", "Consistency of routing inside a text", "1",
        "Mean Jaccard index of the expert sets of two tokens of one sequence", meta.layers, groups, within);
    table.columns.push_back({"chance", "1", "k / (2 E - k): two random sets of k of E experts", std::move(chanceRows)});
    table.columns.push_back({"between", "1", "The same of a token and one of another sequence of the language", std::move(other)});
    table.columns.push_back({"between_low", "1", "Lower end of its 95 % bootstrap interval", std::move(otherLow)});
    table.columns.push_back({"between_high", "1", "Upper end of it", std::move(otherHigh)});
    result.tables.push_back(std::move(table));
    Series series =
        languageSeries("consistency-by-layer", "Consistency of routing inside a text", "Jaccard index", "1", meta.layers, groups, within);
    series.curves.push_back({Curve::Role::Chance, "random sets", chance, {}, {}});
    result.series.push_back(std::move(series));
    result.series.push_back(languageSeries(
        "between-by-layer", "Alikeness of routing of two texts of a language", "Jaccard index", "1", meta.layers, groups, between));

    std::vector<std::vector<double>> excess = values.within;
    for (std::size_t m = 0; m < excess.size(); ++m)
        for (std::size_t s = 0; s < excess[m].size(); ++s)
            excess[m][s] -= values.between[m][s];
    const auto add = [&](const char *id, const char *title, const GroupMean &mean, double by) {
        result.numbers.push_back({.id = id,
            .title = title,
            .unit = "1",
            .value = mean.value,
            .low = mean.low,
            .high = mean.high,
            .chance = by,
            .n = mean.n,
            .of = "sequences"});
    };
    add("mean_consistency", "Jaccard index of two tokens of a text, mean over layers and languages",
        meanOfGroups(overLayers(values.within), groups, replicates, seed), mean(chance));
    add("within_minus_between", "How much more alike than tokens of two texts of the language",
        meanOfGroups(overLayers(excess), groups, replicates, seed), 0);
    if (groups.leftOut > 0)
        result.notes.push_back(std::to_string(groups.leftOut) + " sequences without a language or without tokens were left out.");
    return result;
}

} // namespace

AnalysisKind tokenConsistency()
{
    return {.id = "token-consistency",
        .title = "Consistency of routing inside a text",
        .help = "Do the tokens of a text go to the same experts, and more so in some languages?",
        .definition =
            "Jaccard index |A and B| / |A or B| of the sets of experts that two tokens chose, for random pairs of tokens of one sequence; "
            "mean over "
            "its pairs, then over the sequences of a language; n is their number. Intervals: percentile bootstrap over sequences. Chance: "
            "k / (2 E - k), two random sets. `between` pairs tokens of two sequences of the language: what its uneven use of experts alone "
            "explains.",
        .source = "Bandarkar et al. 2025, arXiv 2510.04694, section 4.4",
        .params = params,
        .numbers = "mean_consistency|within_minus_between",
        .traces = 1,
        .needs = {.tokens = true, .languages = true},
        .run = run};
}

} // namespace expertscope
