// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Streams a trace through an analysis: every layer, block by block, on all cores, in bounded memory.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace expertscope {

/// Tokens [range) of one layer. Optional fields are empty unless asked for.
struct LayerBlock {
    int layer = 0; ///< index into TraceMeta::layers
    TokenRange range;
    std::span<const ExpertId> ids; ///< [n, K]
    std::span<const ExpertId> nextIds; ///< [n, K] of layer + 1; empty at the last layer
    std::span<const float> weights; ///< [n, K]
    std::span<const float> logits; ///< [n, E]
};

struct PassFields {
    bool nextIds = false, weights = false, logits = false;
};

/// Calls body for every layer and block. The blocks of one layer come in token order from one thread at a time; different layers run at the
/// same time, so state that is kept per layer needs no lock. Reports progress in layers; stops at progress.check().
void forEachBlock(
    const RoutingTrace &trace, const PassFields &fields, const Progress &progress, const std::function<void(const LayerBlock &)> &body);

/// Calls body(sequence, tokens) for every sequence that has tokens in the range, in order, with those tokens.
void forEachSequence(const TraceMeta &meta, TokenRange range, const std::function<void(int, TokenRange)> &body);

/// Calls body(layer, sequence, ids) for every whole sequence of every layer, ids [n, K], and done(layer) after a layer's last one. Layers
/// run at the same time as in forEachBlock. Holds one sequence of a layer per thread.
void forEachWholeSequence(const RoutingTrace &trace, const Progress &progress,
    const std::function<void(int layer, int sequence, std::span<const ExpertId> ids)> &body, const std::function<void(int layer)> &done);

/// Index of the MoE layer that the model calls `number`. Throws Error (Usage) that names what there is.
int layerIndex(const TraceMeta &meta, std::int64_t number);

} // namespace expertscope
