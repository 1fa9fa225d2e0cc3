// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How sequences are cut and packed into batches: in order, without padding, and only sequences longer than a batch are cut.
#pragma once

#include "engine/core/backend.h"

#include <cstdint>
#include <span>
#include <vector>

namespace expertscope {

/// Tokens [begin, end) of a sequence.
struct SequencePart {
    std::size_t sequence = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    bool cut = false; ///< the sequence has other parts, so its keys and values must be kept
    bool operator==(const SequencePart &) const = default;
};

/// Tokens a batch should have: the backend's own wish, halved until what a batch needs to work in takes a quarter of the free memory at
/// most. Steps of two, so that small changes of the free memory do not change the batches, and with them the last bits of a trace.
std::int64_t fittingBatchTokens(const ModelConfig &config, const BackendInfo &backend);
/// Of one token of a batch: activations of the widest layer, its experts' inputs and outputs, router scores.
std::int64_t workBytesPerToken(const ModelConfig &config);

/// Batches of at most `batchTokens` tokens. No batch holds parts of two cut sequences, so that one cache slot serves them all.
/// Begins with sequence `first`: where a batch began with it anyway, the others are as without.
std::vector<std::vector<SequencePart>> planBatches(std::span<const std::int64_t> lengths, std::int64_t batchTokens, std::size_t first = 0);

} // namespace expertscope
