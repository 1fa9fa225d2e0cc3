// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The paths tokens take: their first expert in each layer of a band, counted.
#pragma once

#include "engine/analysis/ratio.h"
#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <array>
#include <cstdint>
#include <vector>

namespace expertscope {

inline constexpr int mostPathLayers = 8;

struct ExpertPath {
    std::array<ExpertId, mostPathLayers> experts{}; ///< one per layer of the band, the rest 0
    Ratio share; ///< of the tokens that have a first expert in every layer of the band
    double independent = noNumber; ///< share if the layers had nothing to do with each other: the product of the experts' loads
    double markov = noNumber; ///< share if each step depended on the one before alone: product of the transition probabilities
};

struct ExpertPaths {
    std::vector<ExpertPath> paths; ///< with at least minCount tokens, most frequent first, then in the order of their experts
    std::int64_t tokens = 0; ///< that have a first expert in every layer of the band
    bool complete = true; ///< false: so many different paths that rare ones were dropped on the way, counts may be low by a little
};

/// Layers [firstLayer, endLayer) are indices, at most mostPathLayers. Reads the band once.
ExpertPaths countPaths(const RoutingTrace &trace, int firstLayer, int endLayer, std::int64_t minCount, const Progress &progress);

} // namespace expertscope
