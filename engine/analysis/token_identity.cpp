// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How much of the routing the token id alone explains, whatever the context; position is the control.
#include "engine/analysis/analyses.h"
#include "engine/analysis/key_information.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/statistics.h"
#include "engine/analysis/token_counts.h"

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"min-count", "Least count", "Token ids with fewer occurrences are left out", ParamKind::Type::Integer, "10", 1, 1e9},
    {"frequent", "Frequent ids", "Occurrences an id or position needs to count in the spread over experts", ParamKind::Type::Integer, "128",
        1, 1e9},
    {"top", "Tokens listed", "Rows in the list of context-independent tokens", ParamKind::Type::Integer, "50", 1, 100000},
    {"null", "Shuffles", "Times the ids are shuffled over the tokens: bias and chance level", ParamKind::Type::Integer, "10", 2, 200},
    {"seed", "Seed", "Of the shuffles", ParamKind::Type::Integer, "42", 0, 9e15},
};

/// Measures of one labelling of the tokens in one layer.
struct Identity {
    double information = noNumber; ///< bits, plug-in
    double entropy = noNumber; ///< of the experts, bits
    double independence = noNumber; ///< mean over ids of 1 - H / ln E
    double spread = noNumber; ///< mean over frequent ids of the standard deviation over experts
    std::vector<double> ofKey; ///< [V] 1 - H / ln E
};

Identity identityOf(const std::vector<std::uint32_t> &counts, const FrequentKeys &keys, std::size_t experts, std::int64_t frequent)
{
    const MutualInformation information = keyInformation(counts, experts);
    Identity identity{.information = information.bits, .entropy = information.columnEntropy, .ofKey = {}};
    std::vector<double> spreads;
    for (std::size_t v = 0; v < keys.keys.size(); ++v) {
        const auto row = std::span{counts}.subspan(v * experts, experts);
        identity.ofKey.push_back(concentration(row));
        if (keys.occurrences[v] > frequent)
            spreads.push_back(spreadOverExperts(row));
    }
    identity.independence = mean(identity.ofKey);
    identity.spread = mean(spreads);
    return identity;
}

struct Lines {
    std::vector<double> value, plugIn, bias, share, independence, independenceChance, spread, spreadChance, positionSpread, p;
};

/// Token ids by how little their routing depends on the context, averaged over layers.
Table tokensTable(const FrequentKeys &keys, const std::vector<std::vector<Identity>> &found, std::size_t top)
{
    const std::size_t ids = keys.keys.size(), labellings = found.empty() ? 0 : found.front().size();
    std::vector<double> value(ids, noNumber), chance(ids, noNumber), p(ids, noNumber);
    for (std::size_t v = 0; v < ids && labellings > 0; ++v) {
        std::vector<double> overLayers(labellings);
        for (const auto &layer : found)
            for (std::size_t l = 0; l < labellings; ++l)
                overLayers[l] += layer[l].ofKey[v] / static_cast<double>(found.size());
        const auto null = std::span{overLayers}.subspan(1);
        double squares = 0;
        value[v] = overLayers.front();
        chance[v] = mean(null);
        for (const double x : null)
            squares += (x - chance[v]) * (x - chance[v]);
        const double deviation = std::sqrt(squares / static_cast<double>(null.size() - 1));
        if (deviation > 0)
            p[v] = normalP((value[v] - chance[v]) / deviation);
    }
    std::vector<std::size_t> order(ids);
    for (std::size_t v = 0; v < ids; ++v)
        order[v] = v;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return value[a] - chance[a] > value[b] - chance[b]; });
    order.resize(std::min(top, order.size()));
    Table all{.id = "tokens", .title = "Tokens whose routing depends least on the context", .columns = {}};
    all.columns = {{"token_id", "", "Id in the model's vocabulary", std::vector<std::int64_t>(keys.keys.begin(), keys.keys.end())},
        {"text", "", "The token's text, where it is known", keys.texts},
        {"value", "1", "1 - H/ln E of the experts its tokens chose, mean over layers; 1 = always the same expert", value},
        {"chance", "1", "The same with the ids shuffled: rare ids look concentrated by chance", chance},
        {"n", "tokens", "Tokens of the id", keys.occurrences}, {"sequences", "sequences", "Sequences the id occurs in", keys.sequences},
        {"p", "1", "Of value against the mean and standard deviation of the shuffles, normal", p},
        {"significant", "", "1 where the false discovery rate over all ids is at most 5 %", significant(p)}};
    return rowsOf(all, order, "tokens", all.title);
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts), layers = meta.layers.size();
    const std::int64_t frequent = given.integer("frequent");
    const FrequentKeys ids =
        frequentKeys(trace, TokenKey::Input, given.integer("min-count"), input.textOfToken, progress.part(0, 2 * meta.tokens));
    const FrequentKeys positions = frequentKeys(trace, TokenKey::Position, frequent, {}, progress.part(0, 2 * meta.tokens));
    std::vector<std::vector<std::uint32_t>> shuffled;
    for (std::int64_t s = 0; s < given.integer("null"); ++s)
        shuffled.push_back(shuffledRows(ids, static_cast<std::uint64_t>(given.integer("seed")), static_cast<std::uint64_t>(s)));
    std::vector<std::span<const std::uint32_t>> labellings{ids.rows};
    labellings.insert(labellings.end(), shuffled.begin(), shuffled.end());

    std::vector<std::vector<Identity>> found(layers);
    std::vector<double> positionSpread(layers, noNumber);
    forEachLayerKeyCounts(
        trace, ids.keys.size(), labellings, false, progress.part(0, 2 * meta.tokens), [&](int layer, std::span<const KeyCounts> counts) {
            for (const KeyCounts &tables : counts)
                found[static_cast<std::size_t>(layer)].push_back(identityOf(tables.chosen, ids, experts, frequent));
        });
    const std::span<const std::uint32_t> byPosition[] = {positions.rows};
    forEachLayerKeyCounts(trace, positions.keys.size(), byPosition, false, progress.part(meta.tokens, 2 * meta.tokens),
        [&](int layer, std::span<const KeyCounts> counts) {
            positionSpread[static_cast<std::size_t>(layer)] = identityOf(counts[0].chosen, positions, experts, frequent).spread;
        });

    Lines lines;
    for (std::size_t m = 0; m < layers; ++m) {
        std::vector<double> information, independence, spread;
        for (std::size_t l = 1; l < found[m].size(); ++l) {
            information.push_back(found[m][l].information);
            independence.push_back(found[m][l].independence);
            spread.push_back(found[m][l].spread);
        }
        const Identity &observed = found[m].front();
        lines.plugIn.push_back(observed.information);
        lines.bias.push_back(mean(information));
        lines.value.push_back(observed.information - lines.bias.back());
        lines.share.push_back(observed.entropy > 0 ? lines.value.back() / observed.entropy : noNumber);
        lines.independence.push_back(observed.independence);
        lines.independenceChance.push_back(mean(independence));
        lines.spread.push_back(observed.spread);
        lines.spreadChance.push_back(mean(spread));
        lines.p.push_back(upperP(observed.information, information));
    }
    Result result;
    Table table{.id = "token-identity", .title = "What the token id says about the experts", .columns = {}};
    table.columns = {
        {"layer", "", "The model's own number of the layer", std::vector<std::int64_t>(meta.layers.begin(), meta.layers.end())},
        {"value", "bits", "Mutual information of token id and chosen expert, less its bias", lines.value},
        {"plug_in", "bits", "The same as counted, bias included", lines.plugIn},
        {"chance", "bits", "Its bias: the mean with the ids shuffled over the tokens", lines.bias},
        {"share", "1", "value over the entropy of the experts: 1 = the id decides", lines.share},
        {"context_independence", "1", "Mean over ids of 1 - H/ln E of the experts that the id's tokens chose", lines.independence},
        {"context_independence_chance", "1", "The same with the ids shuffled", lines.independenceChance},
        {"spread", "1", "Mean over frequent ids of the standard deviation over experts of the share of the id's choices", lines.spread},
        {"spread_chance", "1", "The same with the ids shuffled", lines.spreadChance},
        {"position_spread", "1", "The same of positions that occur as often: the control", positionSpread},
        {"n", "tokens", "Tokens with an id that occurs often enough", std::vector<std::int64_t>(layers, ids.counted)},
        {"p", "1", "Share of shuffles with as much information, the observed one counted", lines.p}};
    result.tables.push_back(std::move(table));
    result.tables.push_back(tokensTable(ids, found, static_cast<std::size_t>(given.integer("top"))));
    Series series =
        layerSeries("information-by-layer", "What the token id says about the experts", "Mutual information", "bits", meta.layers);
    series.curves.push_back({Curve::Role::Data, "token id, bias removed", lines.value, {}, {}});
    series.curves.push_back({Curve::Role::Chance, "bias that was removed", lines.bias, {}, {}});
    result.series.push_back(std::move(series));
    result.numbers.push_back({.id = "mean_information",
        .title = "Mutual information of token id and expert, mean over layers",
        .unit = "bits",
        .value = mean(lines.value),
        .chance = 0,
        .n = ids.counted,
        .of = "tokens"});
    std::vector<double> ofId(ids.keys.size());
    for (std::size_t v = 0; v < ofId.size(); ++v)
        for (const auto &layer : found)
            ofId[v] += layer.front().ofKey[v] / static_cast<double>(layers);
    const Interval overIds = meanInterval(ofId);
    result.numbers.push_back({.id = "mean_context_independence",
        .title = "Context independence, mean over layers",
        .unit = "1",
        .value = mean(lines.independence),
        .low = overIds.low,
        .high = overIds.high,
        .chance = mean(lines.independenceChance),
        .n = std::ssize(ids.keys),
        .of = "token ids"});
    result.notes.push_back(std::to_string(ids.keys.size()) + " ids with " + std::to_string(ids.counted) + " tokens are counted; "
        + std::to_string(ids.rare) + " tokens have rarer ids and are left out.");
    result.notes.push_back(
        "Shuffling ids takes tokens as independent. It removes the bias, but p says little about other texts than these.");
    return result;
}

} // namespace

AnalysisKind tokenIdentity()
{
    return {.id = "token-identity",
        .title = "Token identity",
        .help = "How much of the routing does the token id alone explain?",
        .definition =
            "R[v,e] = share of the choices of id v's tokens that went to expert e (all k choices of a token count). value = mutual "
            "information "
            "of id and expert over the ids with enough occurrences, less the mean of the same with the ids shuffled over the tokens (its "
            "bias, shown as chance). Context independence of an id = 1 - H(R[v,.])/ln E. Spread = standard deviation of R[v,.] over "
            "experts, "
            "mean over the ids with more than the given occurrences, beside the same of positions. n is tokens.",
        .source = "Xue et al. 2024, OpenMoE, arXiv 2402.01739, section 4 and appendix E",
        .params = params,
        .numbers = "mean_information|mean_context_independence",
        .traces = 1,
        .needs = {.tokenIds = true},
        .run = run};
}

} // namespace expertscope
