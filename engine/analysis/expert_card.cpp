// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/expert_card.h"

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>

namespace expertscope {

namespace {

constexpr std::int64_t rowsPerRead = 4096;

struct Occurrences {
    std::int64_t all = 0;
    std::int64_t chosen = 0;
    std::array<std::int64_t, ExpertCard::mostContexts> rows{}; ///< the first `chosen` of them are set
};

struct Group {
    std::int64_t sequences = 0;
    std::int64_t tokens = 0;
    std::int64_t chosen = 0;
};

/// Everything that is counted on the way through the trace.
struct Counts {
    std::unordered_map<std::int32_t, Occurrences> byToken;
    std::vector<std::int64_t> load; ///< [E]
    std::vector<std::int64_t> together; ///< [E]
    std::vector<std::int64_t> chosenOfSequence; ///< [S]
    std::int64_t chosenSlots = 0;
    double gateMass = 0;
};

Counts count(const RoutingTrace &trace, int layer, int expert, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    const auto slots = static_cast<std::size_t>(meta.slotCount);
    Counts counts;
    counts.load.resize(static_cast<std::size_t>(meta.experts));
    counts.together.resize(counts.load.size());
    counts.chosenOfSequence.resize(meta.sequences.size());
    std::vector<ExpertId> ids;
    std::vector<float> weights;
    for (std::int64_t at = 0; at < meta.tokens; at += rowsPerRead) {
        progress.check();
        const TokenRange range{at, std::min(at + rowsPerRead, meta.tokens)};
        const TokenColumns columns = trace.tokens(range);
        const auto rows = static_cast<std::size_t>(range.count());
        ids.resize(rows * slots);
        trace.expertIds(range, layer, ids);
        weights.resize(meta.fields.gateWeight ? ids.size() : 0);
        if (!weights.empty())
            trace.gateWeights(range, layer, weights);
        for (std::size_t row = 0; row < rows; ++row) {
            const auto chosen = std::span{ids}.subspan(row * slots, slots);
            const auto found = std::find(chosen.begin(), chosen.end(), static_cast<ExpertId>(expert));
            Occurrences *occurrences = meta.fields.tokenId ? &counts.byToken[columns.tokenId[row]] : nullptr;
            if (occurrences)
                ++occurrences->all;
            for (ExpertId id : chosen) {
                if (id == noExpert)
                    continue;
                ++counts.chosenSlots;
                ++counts.load[id];
                if (found != chosen.end())
                    ++counts.together[id];
            }
            if (found == chosen.end())
                continue;
            if (occurrences && occurrences->chosen < std::ssize(occurrences->rows))
                occurrences->rows[static_cast<std::size_t>(occurrences->chosen)] = at + static_cast<std::int64_t>(row);
            if (occurrences)
                ++occurrences->chosen;
            ++counts.chosenOfSequence[static_cast<std::size_t>(columns.seqIndex[row])];
            if (!weights.empty())
                counts.gateMass += static_cast<double>(weights[row * slots + static_cast<std::size_t>(found - chosen.begin())]);
        }
        progress.report(range.end, meta.tokens, "tokens");
    }
    return counts;
}

std::vector<TokenOfExpert> rankTokens(const RoutingTrace &trace, const Counts &counts, double load, std::int64_t &ranked)
{
    std::vector<TokenOfExpert> tokens;
    ranked = 0;
    for (const auto &[id, occurrences] : counts.byToken) {
        if (occurrences.all < ExpertCard::leastOccurrences)
            continue;
        ++ranked;
        if (occurrences.chosen == 0)
            continue;
        TokenOfExpert token;
        token.tokenId = id;
        token.choosing = share(occurrences.chosen, occurrences.all);
        token.lift = lift(token.choosing, load);
        tokens.push_back(std::move(token));
    }
    const auto before = [](const TokenOfExpert &a, const TokenOfExpert &b) {
        return a.lift.low != b.lift.low ? a.lift.low > b.lift.low : a.tokenId < b.tokenId; // the id: the same order every time
    };
    const auto kept = static_cast<std::ptrdiff_t>(std::min(tokens.size(), ExpertCard::mostTokens));
    std::partial_sort(tokens.begin(), tokens.begin() + kept, tokens.end(), before);
    tokens.resize(static_cast<std::size_t>(kept));
    for (TokenOfExpert &token : tokens) {
        const Occurrences &occurrences = counts.byToken.at(token.tokenId);
        const auto known = std::min<std::int64_t>(occurrences.chosen, static_cast<std::int64_t>(occurrences.rows.size()));
        for (std::int64_t i = 0; i < known; ++i)
            token.contexts.push_back(contextOf(trace, occurrences.rows[static_cast<std::size_t>(i)], ExpertCard::contextTokens));
        token.text = token.contexts.front().text;
    }
    return tokens;
}

std::vector<GroupOfExpert> rankGroups(const TraceMeta &meta, const Counts &counts, double load, std::string SequenceInfo::*name)
{
    std::unordered_map<std::string, Group> groups;
    for (std::size_t s = 0; s < meta.sequences.size(); ++s) {
        const SequenceInfo &info = meta.sequences[s];
        if ((info.*name).empty())
            continue;
        Group &group = groups[info.*name];
        ++group.sequences;
        group.tokens += info.range().count();
        group.chosen += counts.chosenOfSequence[s];
    }
    std::vector<GroupOfExpert> ranked;
    for (const auto &[text, group] : groups) {
        const Share choosing = share(group.chosen, group.tokens);
        if (group.tokens > 0)
            ranked.push_back({text, group.sequences, choosing, lift(choosing, load)});
    }
    std::sort(ranked.begin(), ranked.end(), [](const GroupOfExpert &a, const GroupOfExpert &b) {
        return a.choosing.value != b.choosing.value ? a.choosing.value > b.choosing.value : a.name < b.name;
    });
    return ranked;
}

std::vector<PartnerOfExpert> rankPartners(const Counts &counts, int expert, std::int64_t tokens)
{
    std::vector<PartnerOfExpert> partners;
    const std::int64_t chosen = counts.load[static_cast<std::size_t>(expert)];
    for (std::size_t e = 0; e < counts.load.size(); ++e) {
        if (static_cast<int>(e) == expert || counts.together[e] == 0)
            continue;
        PartnerOfExpert partner;
        partner.expert = static_cast<int>(e);
        partner.together = share(counts.together[e], chosen);
        partner.expected = share(counts.load[e], tokens).value;
        partner.lift = lift(partner.together, partner.expected);
        partners.push_back(partner);
    }
    std::sort(partners.begin(), partners.end(), [](const PartnerOfExpert &a, const PartnerOfExpert &b) {
        return a.together.count != b.together.count ? a.together.count > b.together.count : a.expert < b.expert;
    });
    if (partners.size() > ExpertCard::mostPartners)
        partners.resize(ExpertCard::mostPartners);
    return partners;
}

} // namespace

ExpertCard expertCard(const RoutingTrace &trace, int layer, int expert, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    checkRead(meta, {}, layer);
    if (expert < 0 || expert >= meta.experts)
        throw Error{ErrorKind::Usage, "the trace has no expert " + std::to_string(expert), meta.title,
            "Choose an expert below " + std::to_string(meta.experts)};
    const Counts counts = count(trace, layer, expert, progress);
    const std::int64_t chosen = counts.load[static_cast<std::size_t>(expert)];

    ExpertCard card;
    card.layer = layer;
    card.expert = expert;
    card.load = share(chosen, meta.tokens);
    const double perToken = meta.tokens > 0 ? static_cast<double>(counts.chosenSlots) / static_cast<double>(meta.tokens) : 0.0;
    card.chance = perToken / meta.experts;
    card.partnerChance = meta.experts > 1 ? std::max(0.0, perToken - 1) / (meta.experts - 1) : 0.0;
    card.meanGateWeight =
        meta.fields.gateWeight && chosen > 0 ? counts.gateMass / static_cast<double>(chosen) : std::numeric_limits<double>::quiet_NaN();
    card.tokens = rankTokens(trace, counts, card.load.value, card.rankedTokens);
    card.languages = rankGroups(meta, counts, card.load.value, &SequenceInfo::language);
    card.domains = rankGroups(meta, counts, card.load.value, &SequenceInfo::domain);
    card.partners = rankPartners(counts, expert, meta.tokens);
    return card;
}

} // namespace expertscope
