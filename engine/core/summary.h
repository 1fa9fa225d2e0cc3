// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RoutingSummary: the sums most analyses need, per group x layer x expert, built in one streaming pass over a trace.
// Imported aggregate counts are a summary too.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <functional>
#include <string>
#include <vector>

namespace expertscope {

struct RoutingSummary {
    std::string grouping; ///< what a group is: "language", "domain", "sequence", a label column
    std::vector<std::string> groups; ///< [G] names, in order of first appearance
    std::vector<int> layers; ///< [M] the model's own layer numbers
    int experts = 0; ///< E
    int topK = 0;
    std::vector<std::int64_t> tokens; ///< [G] tokens counted
    std::vector<std::int64_t> counts; ///< [G, M, E] times chosen
    std::vector<double> gateMass; ///< [G, M, E] sum of gate weights; empty if the trace has none
    std::vector<double> softmaxMass; ///< [G, M, E] sum over tokens of the full softmax; empty if the trace has none

    int moeLayers() const { return static_cast<int>(layers.size()); }
    std::size_t index(int group, int layer, int expert) const
    {
        return (static_cast<std::size_t>(group) * layers.size() + static_cast<std::size_t>(layer)) * static_cast<std::size_t>(experts)
            + static_cast<std::size_t>(expert);
    }
    /// Share of the group's tokens that chose the expert, in [0, 1]; 0 for an empty group. Chance level: topK / experts.
    double frequency(int group, int layer, int expert) const;
    /// Sum over the groups of a [G, M, E] column of this summary: [M, E]; empty for an empty column.
    template<typename T>
    std::vector<T> total(const std::vector<T> &column) const
    {
        const std::size_t cells = column.empty() ? 0 : layers.size() * static_cast<std::size_t>(experts);
        std::vector<T> sum(cells);
        for (std::size_t i = 0; i < column.size(); ++i)
            sum[i % cells] += column[i];
        return sum;
    }
};

/// Tokens the trace tells of: its own, or those of the counts it holds instead.
std::int64_t tokensCounted(const RoutingTrace &trace);

/// The group of a sequence; an empty name leaves the sequence out.
using GroupOf = std::function<std::string(const SequenceInfo &)>;

/// Group by "language", "domain", "sequence" or a label column of the trace; Error (Usage) names what there is otherwise.
GroupOf groupBy(const TraceMeta &meta, const std::string &grouping);

/// One pass over the trace in blocks; memory does not grow with its length. Imported counts are returned as they are: Error (Check) unless
/// they were counted by that grouping.
RoutingSummary summarise(const RoutingTrace &trace, const std::string &grouping, const GroupOf &groupOf, const Progress &progress);

} // namespace expertscope
