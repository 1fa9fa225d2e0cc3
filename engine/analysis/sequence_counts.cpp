// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/sequence_counts.h"

#include "engine/analysis/trace_pass.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace expertscope {

std::string resolveGrouping(const TraceMeta &meta, const std::string &grouping)
{
    if (grouping != "auto")
        return grouping;
    std::vector<std::string> columns{"language", "domain"};
    columns.insert(columns.end(), meta.labelColumns.begin(), meta.labelColumns.end());
    std::string filled = "language";
    for (const std::string &column : columns) {
        const GroupOf groupOf = groupBy(meta, column);
        std::set<std::string> names;
        for (const SequenceInfo &info : meta.sequences)
            if (const std::string name = groupOf(info); !name.empty())
                names.insert(name);
        if (names.size() > 1)
            return column;
        if (names.size() == 1 && filled == "language")
            filled = column;
    }
    return filled;
}

SequenceGroups groupSequences(const TraceMeta &meta, const std::string &grouping)
{
    SequenceGroups groups;
    groups.grouping = resolveGrouping(meta, grouping);
    const GroupOf groupOf = groupBy(meta, groups.grouping);
    std::unordered_map<std::string, int> known;
    for (const SequenceInfo &info : meta.sequences) {
        const std::string name = groupOf(info);
        if (name.empty() || info.range().count() == 0) {
            groups.of.push_back(-1);
            ++groups.leftOut;
            continue;
        }
        const auto [at, isNew] = known.try_emplace(name, static_cast<int>(groups.names.size()));
        if (isNew) {
            groups.names.push_back(name);
            groups.sequences.push_back(0);
            groups.tokens.push_back(0);
        }
        groups.of.push_back(at->second);
        ++groups.sequences[static_cast<std::size_t>(at->second)];
        groups.tokens[static_cast<std::size_t>(at->second)] += info.range().count();
    }
    return groups;
}

void forEachLayerCounts(const RoutingTrace &trace, const std::function<bool(std::int64_t row)> &countsToken, const Progress &progress,
    const LayerCountsBody &body)
{
    const TraceMeta &meta = trace.meta();
    const auto experts = static_cast<std::size_t>(meta.experts);
    const auto slotCount = static_cast<std::size_t>(meta.slotCount);
    std::vector<std::vector<std::uint32_t>> counts(meta.layers.size()); // of the layers under way only
    forEachBlock(trace, {}, progress, [&](const LayerBlock &block) {
        std::vector<std::uint32_t> &layerCounts = counts[static_cast<std::size_t>(block.layer)];
        if (block.range.begin == 0)
            layerCounts.assign(meta.sequences.size() * experts, 0);
        auto sequence = static_cast<std::size_t>(std::max(0, meta.sequenceOf(block.range.begin)));
        for (std::int64_t row = block.range.begin; row < block.range.end; ++row) {
            while (sequence < meta.sequences.size() && row >= meta.sequences[sequence].range().end)
                ++sequence;
            if (sequence == meta.sequences.size())
                break;
            if (countsToken && !countsToken(row))
                continue;
            std::uint32_t *of = layerCounts.data() + sequence * experts;
            for (const ExpertId id : block.ids.subspan(static_cast<std::size_t>(row - block.range.begin) * slotCount, slotCount))
                if (id != noExpert)
                    ++of[id];
        }
        if (block.range.end == meta.tokens) {
            body(block.layer, layerCounts);
            layerCounts = {};
        }
    });
}

} // namespace expertscope
