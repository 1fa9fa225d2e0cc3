// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Two traces of the same texts, aligned token by token: what a comparison of two checkpoints, precisions or policies reads.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace expertscope {

struct TracePair {
    TracePtr first, second;
    std::vector<int> sequences; ///< [S] indices into the first trace's sequences, ascending
    std::vector<std::int64_t> offset; ///< [S] row of a sequence's token in the second trace minus that in the first
    std::vector<int> layers; ///< [M] the model's own numbers, of layers both have
    std::vector<int> firstLayer, secondLayer; ///< [M] their indices in each trace
    std::vector<std::string> notes; ///< what was left out and why
};

/// Aligned by sequence id (the n-th of an id with the n-th). Throws Error (Check) if the traces share no sequence or no layer, have
/// different numbers of experts, or a sequence's tokens differ: it says which sequence and where.
TracePair alignTraces(const TracePtr &first, const TracePtr &second, const Progress &progress);

/// Consecutive tokens of one sequence in one layer, from both traces.
struct PairBlock {
    std::size_t layer = 0; ///< index into TracePair::layers
    std::size_t sequence = 0; ///< index into TracePair::sequences
    std::int64_t row = 0; ///< of the first trace
    std::size_t tokens = 0; ///< n
    std::span<const ExpertId> firstIds, secondIds; ///< [n, K] of each trace's own K
    std::span<const float> firstWeights, secondWeights; ///< [n, K]; empty unless asked for
    std::span<const float> firstLogits, secondLogits; ///< [n, E]; empty unless asked for
};
/// Layers at the same time, each in token order from one thread.
void forEachPairBlock(
    const TracePair &pair, bool weights, bool logits, const Progress &progress, const std::function<void(const PairBlock &)> &body);

} // namespace expertscope
