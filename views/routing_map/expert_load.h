// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ExpertLoad: how often each expert of each layer was chosen in one part of a trace, and the maps that are drawn from it.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/summary.h"
#include "engine/core/trace.h"
#include "views/common/heatmap_data.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace expertscope {

struct ExpertLoad {
    int layers = 0; ///< M
    int experts = 0; ///< E
    int topK = 0; ///< k of the chance level k / E: what the model chooses, or the mean count where a policy lets it vary
    std::int64_t tokens = 0; ///< n
    std::vector<std::int64_t> counts; ///< [M, E] tokens that chose the expert
    std::vector<double> gateMass; ///< [M, E] sum of gate weights; empty if the trace has none

    std::int64_t count(int layer, int expert) const { return counts[at(layer, expert)]; }
    double share(int layer, int expert) const; ///< in [0, 1]; NaN for no tokens
    double chance() const { return experts > 0 ? static_cast<double>(topK) / experts : 0; }
    double log2Ratio(int layer, int expert) const; ///< of share to chance; NaN where never chosen
    double meanWeight(int layer, int expert) const; ///< over the tokens that chose it; NaN where none did
    std::size_t at(int layer, int expert) const
    {
        return static_cast<std::size_t>(layer) * static_cast<std::size_t>(experts) + static_cast<std::size_t>(expert);
    }
};

/// Counts a range of tokens, block by block; a range of the whole trace takes the sums the trace already holds.
ExpertLoad expertLoad(const RoutingTrace &trace, TokenRange range, const Progress &progress);
/// Of one group of a summary; nothing if there is no such group.
std::optional<ExpertLoad> expertLoad(const RoutingSummary &summary, const std::string &group);

enum class LoadValue { Share, Log2Ratio, MeanWeight };
/// [layers, experts]
HeatmapDataPtr loadMap(const ExpertLoad &load, LoadValue value);

} // namespace expertscope
