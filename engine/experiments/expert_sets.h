// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Sets of experts: chosen by a score in a window of layers, and the sets such a choice must be compared with.
#pragma once

#include "engine/analysis/divergence_shape.h"
#include "engine/analysis/result.h"
#include "engine/core/recipe.h"
#include "engine/experiments/expert_scores.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace expertscope {

/// Layers from first to last, the model's own numbers.
struct LayerWindow {
    int first = 0, last = 0;
    bool holds(int layer) const { return layer >= first && layer <= last; }
    bool operator==(const LayerWindow &) const = default;
};

struct SuggestedWindow {
    LayerWindow window;
    std::string words; ///< how it came about, in a sentence
    Series divergence = {}; ///< the curve it was read from, with interval and null; no curves where there was none
};
/// The layers around the lowest of the divergence curve [M] that are at most halfway up to its lower end, where the curve is a U beyond
/// its interval and its null (Bandarkar et al. 2025 take the trough by eye); else the middle half of the layers.
SuggestedWindow suggestWindow(const std::vector<int> &layers, const std::vector<double> &curve, const CurveShape &shape);

/// By layer, ascending; in each layer the highest score first.
using ExpertSet = std::vector<LayerExperts>;

std::size_t sizeOf(const ExpertSet &set);
/// "0: 3 7; 4: 1".
std::string wordsOf(const ExpertSet &set);

/// Experts with a score above tau.
ExpertSet above(const ExpertScores &scores, double tau, const LayerWindow &window);
/// The `count` highest of all layers together; ties go to the lower layer and expert. lowest: the other end, lowest first.
ExpertSet highest(const ExpertScores &scores, std::size_t count, const LayerWindow &window);
ExpertSet lowest(const ExpertScores &scores, std::size_t count, const LayerWindow &window);
/// At most `most` experts of each layer, the first ones.
ExpertSet cut(ExpertSet set, std::size_t most);

// The controls: as many experts in each layer, none of the set's own (as far as the layer has others).
ExpertSet randomLike(const ExpertSet &set, int experts, std::uint64_t seed);
/// For each expert of the set the one of the nearest load that is not taken yet.
ExpertSet sameLoadLike(const ExpertSet &set, const ExpertScores &load);
/// Those with the highest score.
ExpertSet highestLike(const ExpertSet &set, const ExpertScores &scores);

} // namespace expertscope
