// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What statistics by sequence are made of: the groups sequences fall into, and how often each sequence chose each expert,
// one layer at a time so that a trace of many sequences needs no more memory than two layers of counts.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace expertscope {

struct SequenceGroups {
    std::string grouping; ///< what a group is: "language", "domain", "sequence", a label column
    std::vector<std::string> names; ///< [G] in order of first appearance
    std::vector<int> of; ///< [S] group of each sequence; -1 = left out
    std::vector<std::int64_t> sequences; ///< [G]
    std::vector<std::int64_t> tokens; ///< [G]
    std::int64_t leftOut = 0; ///< sequences without a group or without tokens
};

/// "auto" takes the first of language, domain and the label columns that tells sequences apart. Empty names and sequences without tokens
/// are left out. Throws Error (Usage) for a column the trace does not have.
SequenceGroups groupSequences(const TraceMeta &meta, const std::string &grouping);
/// The column that "auto" stands for; any other name as it is. Where nothing tells sequences apart: a column that is filled, or "language".
std::string resolveGrouping(const TraceMeta &meta, const std::string &grouping);

/// One layer: counts[s * E + e] = tokens of sequence s that chose expert e.
using LayerCountsBody = std::function<void(int layer, std::span<const std::uint32_t> counts)>;
/// Calls body once per layer, for several layers at the same time. `countsToken` says which rows of the trace count, null = all.
void forEachLayerCounts(const RoutingTrace &trace, const std::function<bool(std::int64_t row)> &countsToken, const Progress &progress,
    const LayerCountsBody &body);

} // namespace expertscope
