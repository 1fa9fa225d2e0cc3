// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/summary.h"

#include "engine/core/softmax.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace expertscope {

namespace {

constexpr std::int64_t rowsPerRead = 4096; // the trace file's own chunk: a block reads each chunk once

/// Group of each sequence, -1 where left out; fills summary.groups in order of first appearance.
std::vector<int> assignGroups(const TraceMeta &meta, const GroupOf &groupOf, RoutingSummary &summary)
{
    std::unordered_map<std::string, int> known;
    std::vector<int> ofSequence;
    for (const SequenceInfo &info : meta.sequences) {
        const std::string group = groupOf(info);
        if (group.empty()) {
            ofSequence.push_back(-1);
            continue;
        }
        const auto [at, isNew] = known.try_emplace(group, static_cast<int>(summary.groups.size()));
        if (isNew)
            summary.groups.push_back(group);
        ofSequence.push_back(at->second);
    }
    return ofSequence;
}

/// Group of each token of the range, -1 where left out.
std::vector<int> groupsOfTokens(const TraceMeta &meta, const std::vector<int> &ofSequence, TokenRange range)
{
    std::vector<int> groups(static_cast<std::size_t>(range.count()), -1);
    for (auto s = static_cast<std::size_t>(std::max(0, meta.sequenceOf(range.begin))); s < meta.sequences.size(); ++s) {
        const TokenRange tokens = meta.sequences[s].range();
        if (tokens.begin >= range.end)
            break;
        const auto from = std::max(tokens.begin, range.begin) - range.begin;
        const auto to = std::max(from, std::min(tokens.end, range.end) - range.begin);
        std::fill(groups.begin() + from, groups.begin() + to, ofSequence[s]);
    }
    return groups;
}

void addMeanSoftmax(const RoutingTrace &trace, const std::vector<int> &ofSequence, RoutingSummary &summary, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    const std::size_t cells = summary.layers.size() * static_cast<std::size_t>(summary.experts);
    std::vector<float> mean(cells);
    for (std::size_t s = 0; s < ofSequence.size(); ++s) {
        const auto tokens = static_cast<double>(meta.sequences[s].range().count());
        if (ofSequence[s] < 0 || tokens == 0)
            continue;
        progress.check();
        trace.meanSoftmax(static_cast<int>(s), mean);
        double *sum = summary.softmaxMass.data() + static_cast<std::size_t>(ofSequence[s]) * cells;
        for (std::size_t i = 0; i < cells; ++i)
            sum[i] += tokens * static_cast<double>(mean[i]);
    }
}

} // namespace

double RoutingSummary::frequency(int group, int layer, int expert) const
{
    const std::int64_t n = tokens[static_cast<std::size_t>(group)];
    return n == 0 ? 0.0 : static_cast<double>(counts[index(group, layer, expert)]) / static_cast<double>(n);
}

std::int64_t tokensCounted(const RoutingTrace &trace)
{
    const auto counts = trace.importedCounts();
    return counts ? std::accumulate(counts->tokens.begin(), counts->tokens.end(), std::int64_t{0}) : trace.meta().tokens;
}

GroupOf groupBy(const TraceMeta &meta, const std::string &grouping)
{
    if (grouping == "language")
        return [](const SequenceInfo &info) { return info.language; };
    if (grouping == "domain")
        return [](const SequenceInfo &info) { return info.domain; };
    if (grouping == "sequence")
        return [](const SequenceInfo &info) { return info.id; };
    const auto found = std::find(meta.labelColumns.begin(), meta.labelColumns.end(), grouping);
    if (found == meta.labelColumns.end()) {
        std::string known = "language, domain, sequence";
        for (const std::string &column : meta.labelColumns)
            known += ", " + column;
        throw Error{ErrorKind::Usage, "the trace has no label column \"" + grouping + "\"", meta.title, "Group by one of: " + known};
    }
    const auto column = static_cast<std::size_t>(found - meta.labelColumns.begin());
    return [column](const SequenceInfo &info) { return info.labels[column]; };
}

RoutingSummary summarise(const RoutingTrace &trace, const std::string &grouping, const GroupOf &groupOf, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    if (const auto counts = trace.importedCounts()) {
        if (counts->grouping != grouping)
            throw Error{ErrorKind::Check, "the imported counts are by " + counts->grouping + ", not by " + grouping, meta.title,
                "Group by " + counts->grouping + ", or import a trace of tokens"};
        return *counts;
    }
    RoutingSummary summary;
    summary.grouping = grouping;
    summary.layers = meta.layers;
    summary.experts = meta.experts;
    summary.topK = meta.model.topK > 0 ? meta.model.topK : meta.slotCount;
    const std::vector<int> ofSequence = assignGroups(meta, groupOf, summary);

    const bool weights = meta.fields.gateWeight;
    const bool softmaxFromLogits = !meta.fields.meanSoftmax && meta.fields.routerLogit;
    const std::size_t cells = summary.groups.size() * meta.layers.size() * static_cast<std::size_t>(meta.experts);
    summary.tokens.assign(summary.groups.size(), 0);
    summary.counts.assign(cells, 0);
    summary.gateMass.assign(weights ? cells : 0, 0.0);
    summary.softmaxMass.assign(meta.fields.meanSoftmax || softmaxFromLogits ? cells : 0, 0.0);

    const auto slots = static_cast<std::size_t>(meta.slotCount);
    const auto experts = static_cast<std::size_t>(meta.experts);
    std::vector<ExpertId> ids;
    std::vector<float> gates, logits;
    for (std::int64_t at = 0; at < meta.tokens; at += rowsPerRead) {
        const TokenRange range{at, std::min(at + rowsPerRead, meta.tokens)};
        const std::vector<int> groups = groupsOfTokens(meta, ofSequence, range);
        for (int group : groups)
            if (group >= 0)
                ++summary.tokens[static_cast<std::size_t>(group)];
        ids.resize(groups.size() * slots);
        gates.resize(weights ? ids.size() : 0);
        logits.resize(softmaxFromLogits ? groups.size() * experts : 0);
        for (int layer = 0; layer < meta.moeLayers(); ++layer) {
            progress.check();
            trace.expertIds(range, layer, ids);
            if (weights)
                trace.gateWeights(range, layer, gates);
            if (softmaxFromLogits)
                trace.routerLogits(range, layer, logits);
            for (std::size_t row = 0; row < groups.size(); ++row) {
                if (groups[row] < 0)
                    continue;
                const std::size_t base = summary.index(groups[row], layer, 0);
                for (std::size_t slot = row * slots; slot < (row + 1) * slots; ++slot) {
                    if (ids[slot] == noExpert)
                        continue;
                    ++summary.counts[base + ids[slot]];
                    if (weights)
                        summary.gateMass[base + ids[slot]] += static_cast<double>(gates[slot]);
                }
                if (softmaxFromLogits) {
                    const std::span<float> p = std::span{logits}.subspan(row * experts, experts);
                    softmaxInPlace(p);
                    for (std::size_t e = 0; e < experts; ++e)
                        summary.softmaxMass[base + e] += static_cast<double>(p[e]);
                }
            }
        }
        progress.report(range.end, meta.tokens, "tokens");
    }
    if (meta.fields.meanSoftmax)
        addMeanSoftmax(trace, ofSequence, summary, progress);
    return summary;
}

} // namespace expertscope
