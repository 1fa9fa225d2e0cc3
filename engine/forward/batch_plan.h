// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How sequences are cut and packed into batches: in order, without padding, and only sequences longer than a batch are cut.
#pragma once

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

/// Batches of at most `batchTokens` tokens. No batch holds parts of two cut sequences, so that one cache slot serves them all.
std::vector<std::vector<SequencePart>> planBatches(std::span<const std::int64_t> lengths, std::int64_t batchTokens);

} // namespace expertscope
