// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How spread the router's choice is, layer by layer and language by language: entropy of a token's choice, and of a text's profile.
#include "engine/analysis/analyses.h"
#include "engine/analysis/distribution.h"
#include "engine/analysis/group_means.h"
#include "engine/analysis/router_row.h"
#include "engine/analysis/routing_profile.h"
#include "engine/analysis/token_filter.h"
#include "engine/analysis/trace_pass.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr std::array<ParamKind, 1> bootstrapParam{{
    {"bootstrap", "Bootstrap replicates", "Resamplings of the sequences for the intervals; 0 leaves the intervals out",
        ParamKind::Type::Integer, "1000", 0, 1e5},
}};
constexpr auto params = joined(profileParams, bootstrapParam, tokenFilterParams);

constexpr const char *profileTitle = "Entropy of routing profiles";
constexpr const char *tokenTitle = "Entropy of a token's routing";
constexpr const char *axisTitle = "Entropy / ln E";

/// [M] of [S]
using SequenceValues = std::vector<std::vector<double>>;

/// Mean over the tokens of H(p_t) / ln E.
SequenceValues tokenEntropies(const RoutingTrace &trace, const std::vector<std::uint8_t> &counted, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts);
    const double most = std::log2(static_cast<double>(meta.experts));
    SequenceValues values(meta.layers.size(), std::vector<double>(meta.sequences.size(), 0.0));
    SequenceValues tokens = values;
    forEachBlock(trace, {.logits = true}, progress, [&](const LayerBlock &block) {
        const auto layer = static_cast<std::size_t>(block.layer);
        forEachSequence(meta, block.range, [&](int sequence, TokenRange range) {
            for (std::int64_t t = range.begin; t < range.end; ++t) {
                if (!counted.empty() && !counted[static_cast<std::size_t>(t)])
                    continue;
                const auto row = static_cast<std::size_t>(t - block.range.begin);
                const auto bits = static_cast<double>(entropyOfLogits(block.logits.subspan(row * experts, experts)));
                if (std::isnan(bits))
                    continue;
                values[layer][static_cast<std::size_t>(sequence)] += bits / most;
                ++tokens[layer][static_cast<std::size_t>(sequence)];
            }
        });
    });
    for (std::size_t m = 0; m < values.size(); ++m)
        for (std::size_t s = 0; s < values[m].size(); ++s)
            values[m][s] = tokens[m][s] > 0 ? values[m][s] / tokens[m][s] : noNumber;
    return values;
}

/// H(q) / ln E of each sequence's profile.
SequenceValues profileEntropies(const RoutingTrace &trace, const ProfileRequest &request, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts);
    SequenceValues values(meta.layers.size(), std::vector<double>(meta.sequences.size(), noNumber));
    forEachLayerProfile(trace, request, progress, [&](int layer, std::span<const float> q) {
        for (std::size_t u = 0; u < request.sequences.size(); ++u)
            values[static_cast<std::size_t>(layer)][static_cast<std::size_t>(request.sequences[u])] =
                entropy(q.subspan(u * experts, experts)) / std::log(static_cast<double>(meta.experts));
    });
    return values;
}

/// How much the last layer is below the one before: where few experts write a language, it drops.
std::vector<double> lastDrop(const SequenceValues &values)
{
    std::vector<double> drops;
    const std::size_t layers = values.size();
    for (std::size_t s = 0; layers > 1 && s < values.front().size(); ++s)
        drops.push_back(values[layers - 2][s] - values[layers - 1][s]);
    return drops;
}

Result ofCounts(const RoutingTrace &trace, const RoutingSummary &counts, const Params &given)
{
    Result result;
    if (!tokenFilter(given).all())
        throw Error{ErrorKind::Check, "imported counts cannot be counted again by token", "", "Leave the token filters as they are"};
    const SequenceGroups groups{.grouping = "language", .names = counts.groups, .of = {}, .sequences = {}, .tokens = counts.tokens};
    const std::vector<int> &layers = trace.meta().layers;
    const auto experts = static_cast<std::size_t>(counts.experts);
    std::vector<GroupMean> means;
    for (const std::vector<float> &q : profilesOfCounts(counts, given.text("from"), result.notes))
        for (std::size_t g = 0; g < groups.names.size(); ++g)
            means.push_back(
                {.value = entropy(std::span{q}.subspan(g * experts, experts)) / std::log(static_cast<double>(experts)), .n = 1});
    result.tables.push_back(languageTable(
        "profile-entropy", profileTitle, "1", "H(q) / ln E of the whole corpus; 1 = all experts alike", layers, groups, means));
    result.tables.back().columns.back().unit = "corpora";
    result.series.push_back(languageSeries("profile-entropy-by-layer", profileTitle, axisTitle, "1", layers, groups, means));
    for (Curve &curve : result.series.back().curves)
        curve.low = curve.high = {};
    return result;
}

/// A table, a series and two numbers of one of the two entropies.
void addEntropy(Result &result, const std::string &id, const char *title, const char *help, const SequenceValues &values,
    const std::vector<int> &layers, const SequenceGroups &groups, const Params &given)
{
    const auto replicates = static_cast<std::size_t>(given.integer("bootstrap"));
    const auto seed = static_cast<std::uint64_t>(given.integer("seed"));
    const std::vector<GroupMean> means = groupMeansByLayer(values, groups, replicates, seed);
    result.tables.push_back(languageTable(id, title, "1", help, layers, groups, means));
    result.series.push_back(languageSeries(id + "-by-layer", title, axisTitle, "1", layers, groups, means));
    std::string name = id;
    std::replace(name.begin(), name.end(), '-', '_');
    const auto add = [&](const std::string &numberId, const std::string &numberTitle, const GroupMean &mean) {
        result.numbers.push_back({.id = numberId,
            .title = numberTitle,
            .unit = "1",
            .value = mean.value,
            .low = mean.low,
            .high = mean.high,
            .n = mean.n,
            .of = "sequences"});
    };
    add("mean_" + name, std::string{title} + ", mean over layers and languages",
        meanOfGroups(overLayers(values), groups, replicates, seed));
    if (layers.size() > 1)
        add(name + "_last_drop", std::string{title} + ", drop from the last layer but one to the last, mean over languages",
            meanOfGroups(lastDrop(values), groups, replicates, seed));
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    if (const auto counts = trace.importedCounts())
        return ofCounts(trace, *counts, given);
    const TraceMeta &meta = trace.meta();
    const SequenceGroups groups = groupSequences(meta, "language");
    Result result;
    ParallelTexts texts;
    for (std::size_t s = 0; s < groups.of.size(); ++s)
        if (groups.of[s] >= 0)
            texts.sequences.push_back(static_cast<int>(s));
    ProfileRequest request{
        .source = {}, .sequences = texts.sequences, .counted = countedTokens(trace, tokenFilter(given), texts, progress, result.notes)};
    request.source = profileSource(meta.fields, given.text("from"), !request.counted.empty(), result.notes);
    addEntropy(result, "profile-entropy", profileTitle, "Mean over sequences of H(q) / ln E; 1 = all experts alike",
        profileEntropies(trace, request, progress), meta.layers, groups, given);
    if (meta.fields.routerLogit)
        addEntropy(result, "token-entropy", tokenTitle, "Mean over sequences of the mean over tokens of H(p) / ln E; 1 = all experts alike",
            tokenEntropies(trace, request.counted, progress), meta.layers, groups, given);
    else
        result.notes.push_back("The mean entropy of single tokens needs router logits, which the trace does not hold.");
    if (groups.leftOut > 0)
        result.notes.push_back(std::to_string(groups.leftOut) + " sequences without a language or without tokens were left out.");
    result.notes.push_back(
        "The profile of a longer text mixes more tokens and has a higher entropy for that alone; limit the positions to compare "
        "languages whose texts differ in length.");
    return result;
}

} // namespace

AnalysisKind languageEntropy()
{
    return {.id = "language-entropy",
        .title = "Routing entropy by language",
        .help = "How spread is the choice of experts in each layer, and does it narrow sooner in some languages?",
        .definition =
            "Two entropies over ln E, from 0 (one expert) to 1 (all alike): of a text's profile q, its mean distribution over the "
            "experts, and the mean over a text's tokens of the entropy of the token's own softmax. Both are averaged over the sequences "
            "of a language; n is their number. Intervals: percentile bootstrap over sequences.",
        .source = "Bandarkar et al. 2025, arXiv 2510.04694, finding 3; usage entropy per layer: arXiv 2605.17598",
        .params = params,
        .numbers = "mean_profile_entropy|profile_entropy_last_drop|mean_token_entropy|token_entropy_last_drop",
        .traces = 1,
        .needs = {.languages = true},
        .run = run};
}

} // namespace expertscope
