// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Experts that rank high in every domain: the standing committee, and how much the top experts of two domains have in common.
#include "engine/analysis/analyses.h"
#include "engine/analysis/expert_committee.h"
#include "engine/analysis/group_shares.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/routing_profile.h"
#include "engine/analysis/sequence_counts.h"
#include "engine/analysis/statistics.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"grouping", "Group by", "What the domains are: domain, language or a label column; auto takes the first that tells sequences apart",
        ParamKind::Type::Text, "auto"},
    {"from", "Contribution from",
        "What an expert's contribution is: the full softmax, gate weights or counts; auto takes the best there is", ParamKind::Type::Choice,
        "auto", 0, 0, "auto|softmax|gate-mass|counts"},
    {"tokens", "Tokens", "all tokens of a sequence, or the last one of its prompt as in the paper", ParamKind::Type::Choice, "all", 0, 0,
        "all|last-prompt"},
    {"top", "Top experts", "Experts of a domain that count as its top; 0: as many as a token chooses", ParamKind::Type::Integer, "0", 0,
        1e6},
    {"frequency", "In how many domains", "Share of the domains in whose top a member has to be", ParamKind::Type::Real, "0.8", 0, 1},
    {"rank-deviation", "Rank deviation", "Largest standard deviation of a member's rank over the domains; 0: as large as the top",
        ParamKind::Type::Real, "0", 0, 1e6},
    {"bootstrap", "Bootstrap replicates", "Draws of whole sequences within their groups for the intervals; 0 leaves them out",
        ParamKind::Type::Integer, "200", 0, 10000},
    {"permutations", "Permutations", "Relabellings of whole sequences for the null of the overlap; 0 leaves them out",
        ParamKind::Type::Integer, "200", 0, 100000},
    {"seed", "Seed", "Of the bootstrap and the permutations", ParamKind::Type::Integer, "42", 0, 9e15},
};

struct Judged {
    std::vector<std::string> groups;
    std::vector<LayerCommittee> layers;
    std::int64_t n = 0;
    std::string of; ///< what n counts
    std::string grouping;
};

Judged fromCounts(const RoutingSummary &counts, const std::string &from, const CommitteeRule &rule, std::vector<std::string> &notes)
{
    const bool mass = !counts.gateMass.empty() && from != "counts";
    if (from == "softmax" || (from == "gate-mass" && !mass))
        throw Error{ErrorKind::Check, "the imported counts do not hold the " + from, "from", "Set from to auto"};
    Judged judged{.groups = counts.groups,
        .layers = {},
        .n = std::accumulate(counts.tokens.begin(), counts.tokens.end(), std::int64_t{0}),
        .of = "tokens",
        .grouping = counts.grouping};
    const auto experts = static_cast<std::size_t>(counts.experts);
    for (int layer = 0; layer < counts.moeLayers(); ++layer) {
        std::vector<double> means(counts.groups.size() * experts);
        for (std::size_t g = 0; g < counts.groups.size(); ++g) {
            const auto row = std::span{means}.subspan(g * experts, experts);
            for (std::size_t e = 0; e < experts; ++e) {
                const std::size_t at = counts.index(static_cast<int>(g), layer, static_cast<int>(e));
                row[e] = mass ? counts.gateMass[at] : static_cast<double>(counts.counts[at]);
            }
            const double sum = std::accumulate(row.begin(), row.end(), 0.0);
            for (double &x : row)
                x = sum > 0 ? x / sum : noNumber;
        }
        judged.layers.push_back(judgeCommittee(means, experts, rule));
    }
    notes.push_back("The trace holds imported sums: contributions are shares of the " + std::string{mass ? "gate weights" : "choices"}
        + " of each group, and there are no sequences to relabel for a null.");
    return judged;
}

Judged fromTokens(
    const RoutingTrace &trace, const Params &given, const CommitteeRule &rule, const Progress &progress, std::vector<std::string> &notes)
{
    const TraceMeta &meta = trace.meta();
    const SequenceGroups groups = groupSequences(meta, given.text("grouping"));
    const auto experts = static_cast<std::size_t>(meta.experts);
    ProfileRequest request;
    std::vector<int> of;
    for (std::size_t s = 0; s < groups.of.size(); ++s)
        if (groups.of[s] >= 0) {
            request.sequences.push_back(static_cast<int>(s));
            of.push_back(groups.of[s]);
        }
    const bool last = given.text("tokens") == "last-prompt";
    if (last) {
        request.counted.assign(static_cast<std::size_t>(meta.tokens), 0);
        for (const int s : request.sequences)
            if (const SequenceInfo &info = meta.sequences[static_cast<std::size_t>(s)]; info.nPrompt > 0)
                request.counted[static_cast<std::size_t>(info.firstToken + info.nPrompt - 1)] = 1;
    }
    request.source = profileSource(meta.fields, given.text("from"), last, notes);
    if (groups.leftOut > 0)
        notes.push_back(std::to_string(groups.leftOut) + " sequences without tokens or without a " + groups.grouping + " were left out.");

    Judged judged{.groups = groups.names,
        .layers = std::vector<LayerCommittee>(meta.layers.size()),
        .n = std::ssize(of),
        .of = "sequences",
        .grouping = groups.grouping};
    std::vector<std::vector<int>> relabelled;
    for (std::int64_t r = 0; r < given.integer("permutations"); ++r) {
        Random random{static_cast<std::uint64_t>(given.integer("seed")), static_cast<std::uint64_t>(r)};
        relabelled.push_back(of);
        random.shuffle(std::span{relabelled.back()});
    }
    const auto replicates = static_cast<std::size_t>(given.integer("bootstrap"));
    const GroupDraws draws = drawGroups(meta, groups, replicates, 0, static_cast<std::uint64_t>(given.integer("seed")));
    forEachLayerProfile(trace, request, progress, [&](int layer, std::span<const float> profiles) {
        LayerCommittee &result = judged.layers[static_cast<std::size_t>(layer)];
        result = judgeCommittee(groupMeans(profiles, of, groups.names.size(), experts), experts, rule);
        std::vector<std::uint32_t> times(of.size());
        for (std::size_t r = 0; r < replicates; ++r) {
            progress.check();
            for (std::size_t u = 0; u < of.size(); ++u)
                times[u] = draws.times[r * groups.of.size() + static_cast<std::size_t>(request.sequences[u])];
            const LayerCommittee drawn = judgeCommittee(groupMeans(profiles, of, groups.names.size(), experts, times), experts, rule);
            result.drawnJaccard.push_back(drawn.jaccard);
            result.drawnGini.push_back(drawn.gini);
            result.drawnMass.push_back(drawn.mass);
        }
        for (const std::vector<int> &labels : relabelled) {
            progress.check();
            result.null.push_back(meanJaccard(groupMeans(profiles, labels, groups.names.size(), experts), experts, rule.top));
        }
    });
    return judged;
}

/// Of the mean over layers, whose sequences are drawn together. Groups of one sequence each cannot vary: then there is none.
Interval meanInterval(const std::vector<LayerCommittee> &layers, std::vector<double> LayerCommittee::*drawn)
{
    std::vector<double> means;
    for (std::size_t r = 0; !layers.empty() && r < (layers.front().*drawn).size(); ++r) {
        std::vector<double> values;
        for (const LayerCommittee &layer : layers)
            values.push_back((layer.*drawn)[r]);
        means.push_back(mean(values));
    }
    const Interval interval = interval95(means);
    return interval.low < interval.high ? interval : Interval{};
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    Result result;
    CommitteeRule rule{
        .top = static_cast<int>(given.integer("top")), .frequency = given.real("frequency"), .deviation = given.real("rank-deviation")};
    if (rule.top == 0)
        rule.top = meta.model.topK > 0 ? meta.model.topK : meta.slotCount;
    rule.top = std::min(rule.top, meta.experts);
    if (rule.deviation == 0)
        rule.deviation = rule.top;
    const auto counts = trace.importedCounts();
    if (counts && given.text("grouping") != "auto" && given.text("grouping") != counts->grouping)
        throw Error{ErrorKind::Check, "the imported counts are by " + counts->grouping + ", not by " + given.text("grouping"), meta.title,
            "Group by " + counts->grouping + ", or import a trace of tokens"};
    const Judged judged =
        counts ? fromCounts(*counts, given.text("from"), rule, result.notes) : fromTokens(trace, given, rule, progress, result.notes);
    const double experts = meta.experts, inTop = rule.top / experts;
    const double jaccardByChance = rule.top / (2 * experts - rule.top);
    const double membersByChance = experts * committeeByChance(inTop, judged.groups.size(), rule.frequency);

    std::vector<std::int64_t> members, n, layerOf, expert, member, pareto, groupsOf;
    std::vector<double> overlap, low, high, least, chance, nullLow, nullHigh, p, giniColumn, membersChance, mass, massChance;
    std::vector<double> contribution, uniform, meanRank, deviation, frequency;
    std::vector<double> meanPairs(judged.groups.size() * judged.groups.size(), 0.0), pairLayers(meanPairs.size(), 0.0);
    for (std::size_t m = 0; m < judged.layers.size(); ++m) {
        const LayerCommittee &layer = judged.layers[m];
        const Interval null = interval95(layer.null);
        const Interval drawn = interval95(layer.drawnJaccard);
        overlap.push_back(layer.jaccard);
        low.push_back(drawn.low);
        high.push_back(drawn.high);
        least.push_back(layer.least);
        chance.push_back(jaccardByChance);
        nullLow.push_back(null.low);
        nullHigh.push_back(null.high);
        std::vector<double> mirrored;
        for (const double x : layer.null)
            mirrored.push_back(-x);
        p.push_back(std::isnan(layer.jaccard) ? noNumber : upperP(-layer.jaccard, mirrored));
        giniColumn.push_back(layer.gini);
        members.push_back(layer.members);
        membersChance.push_back(membersByChance);
        mass.push_back(layer.mass);
        massChance.push_back(static_cast<double>(layer.members) / experts);
        n.push_back(judged.n);
        for (const CommitteeCandidate &c : layer.candidates) {
            layerOf.push_back(meta.layers[m]);
            expert.push_back(c.expert);
            contribution.push_back(c.contribution);
            uniform.push_back(1 / experts);
            meanRank.push_back(c.meanRank);
            deviation.push_back(c.deviation);
            frequency.push_back(c.frequency);
            member.push_back(c.member);
            pareto.push_back(c.pareto);
            groupsOf.push_back(std::ssize(judged.groups));
        }
        for (std::size_t i = 0; i < layer.pairs.size(); ++i)
            if (!std::isnan(layer.pairs[i])) {
                meanPairs[i] += layer.pairs[i];
                ++pairLayers[i];
            }
    }
    for (std::size_t i = 0; i < meanPairs.size(); ++i)
        meanPairs[i] = pairLayers[i] > 0 ? meanPairs[i] / pairLayers[i] : noNumber;

    const Interval jaccardInterval = meanInterval(judged.layers, &LayerCommittee::drawnJaccard);
    const Interval massInterval = meanInterval(judged.layers, &LayerCommittee::drawnMass);
    const Interval giniInterval = meanInterval(judged.layers, &LayerCommittee::drawnGini);
    result.numbers.push_back({.id = "jaccard",
        .title = "Overlap of the top experts of two groups (Jaccard), mean over layers",
        .unit = "1",
        .value = mean(overlap),
        .low = jaccardInterval.low,
        .high = jaccardInterval.high,
        .chance = jaccardByChance,
        .n = judged.n,
        .of = judged.of});
    result.numbers.push_back({.id = "committee_mass",
        .title = "Contribution of the committee's members, mean over layers",
        .unit = "1",
        .value = mean(mass),
        .low = massInterval.low,
        .high = massInterval.high,
        .chance = mean(massChance),
        .n = judged.n,
        .of = judged.of});
    result.numbers.push_back({.id = "gini",
        .title = "Inequality of the experts' contributions (Gini), mean over layers",
        .unit = "1",
        .value = mean(giniColumn),
        .low = giniInterval.low,
        .high = giniInterval.high,
        .n = judged.n,
        .of = judged.of});
    Series lines = layerSeries("overlap-by-layer", "Overlap of the top experts of two groups", "Jaccard", "1", meta.layers);
    lines.curves = {
        {Curve::Role::Data, "groups by " + judged.grouping, overlap, low, high}, {Curve::Role::Chance, "sets at random", chance, {}, {}}};
    if (!judged.layers.empty() && !judged.layers.front().null.empty()) {
        std::vector<double> centre;
        for (const LayerCommittee &layer : judged.layers)
            centre.push_back(mean(layer.null));
        lines.curves.push_back({Curve::Role::Chance, "relabelled sequences", std::move(centre), nullLow, nullHigh});
    }
    result.series.push_back(std::move(lines));
    result.matrices.push_back({.id = "overlap",
        .title = "Overlap of the groups' top experts, mean over layers",
        .valueTitle = "Jaccard",
        .unit = "1",
        .rowTitle = judged.grouping,
        .columnTitle = judged.grouping,
        .rows = judged.groups,
        .columns = judged.groups,
        .values = std::move(meanPairs)});

    std::vector<std::int64_t> flags = significant(p);
    result.tables.push_back({.id = "layers",
        .title = "Overlap and committee of each layer",
        .columns = {
            {"layer", "", "The model's own number of the layer", std::vector<std::int64_t>(meta.layers.begin(), meta.layers.end())},
            {"value", "1", "Jaccard of the top experts, mean over pairs of groups", std::move(overlap)},
            {"low", "1", "Lower end of the 95 % interval of value, bootstrap of the sequences within their groups", std::move(low)},
            {"high", "1", "Upper end of that interval", std::move(high)},
            {"least", "1", "Jaccard of the two groups that differ most", std::move(least)},
            {"chance", "1", "Jaccard of two sets at random: about top / (2 E - top)", std::move(chance)},
            {"null_low", "1", "2.5 % of the relabellings of whole sequences lie below", std::move(nullLow)},
            {"null_high", "1", "2.5 % of the relabellings of whole sequences lie above", std::move(nullHigh)},
            {"p", "1", "Share of relabellings with as little overlap: small where groups do differ", std::move(p)},
            {"significant", "", "1 where p passes Benjamini-Hochberg at 5 % over the layers", std::move(flags)},
            {"gini", "1", "Gini coefficient of the experts' contributions, mean of the groups", std::move(giniColumn)},
            {"members", "experts", "Size of the committee", std::move(members)},
            {"members_chance", "experts", "Size if each group's top were a set at random", std::move(membersChance)},
            {"mass", "1", "Share of the contribution that is the committee's", std::move(mass)},
            {"mass_chance", "1", "The same if all experts contributed alike", std::move(massChance)},
            {"n", judged.of, "Counted over", std::move(n)},
        }});
    result.tables.push_back({.id = "committee",
        .title = "Experts in the top of nearly all groups",
        .columns = {
            {"layer", "", "The model's own number of the layer", std::move(layerOf)},
            {"expert", "", "Expert", std::move(expert)},
            {"value", "1", "Contribution: mean share of the router's weight, mean of the groups", std::move(contribution)},
            {"chance", "1", "1/E", std::move(uniform)},
            {"mean_rank", "", "Mean of the expert's ranks in the groups, 1 = largest", std::move(meanRank)},
            {"rank_deviation", "", "Standard deviation of those ranks", std::move(deviation)},
            {"frequency", "1", "Share of the groups in whose top it is", std::move(frequency)},
            {"member", "", "1 where the rank deviation is small enough too: a member of the committee", std::move(member)},
            {"pareto", "", "1 where no other one listed in the layer has both a better mean rank and a smaller deviation",
                std::move(pareto)},
            {"n", "groups", "Groups compared", std::move(groupsOf)},
        }});
    return result;
}

} // namespace

AnalysisKind committee()
{
    return {.id = "committee",
        .title = "Standing committee",
        .help = "Which experts rank high whatever the domain, and how much do domains have in common?",
        .definition =
            "Contribution of an expert in a group = mean over its sequences of the mean softmax (or gate weights, or counts) over all "
            "tokens or "
            "the last token of the prompt. Per layer: Jaccard of the groups' top experts, mean over pairs; chance for two sets at random "
            "about "
            "top/(2E - top); null: relabelled sequences, p for less overlap than the null. Intervals: 95 % of a bootstrap that draws whole "
            "sequences within "
            "their group. Committee: experts in the top of at least the "
            "set "
            "share of groups whose rank varies little between groups. Gini = sum |c_i - c_j| / (2 E sum c) of mean contributions.",
        .source = "Standing Committee, arXiv 2601.03425, eq. 13 and 14 (as read from notes and a re-implementation)",
        .params = params,
        .numbers = "jaccard|committee_mass|gini",
        .traces = 1,
        .needs = {.groups = 2},
        .run = run};
}

} // namespace expertscope
