// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Batch: rows of one or more sequences packed without padding, as the forward loop runs them.
#pragma once

#include "engine/core/backend.h"
#include "engine/routing/stages.h"

#include <span>
#include <vector>

namespace expertscope {

struct Batch {
    std::vector<std::int32_t> tokens; ///< [T]
    std::vector<std::int32_t> positions; ///< [T] in the token's sequence
    std::vector<std::int32_t> sequences; ///< [T] the caller's number of the sequence
    std::vector<BatchSpan> spans;
    Phase phase = Phase::Prefill; ///< of all rows

    std::int64_t rows() const { return static_cast<std::int64_t>(tokens.size()); }

    /// Adds the next tokens of a sequence of which `past` have been run; cacheSlot -1 keeps nothing.
    void append(std::int32_t sequence, std::span<const std::int32_t> next, std::int64_t past, int cacheSlot)
    {
        spans.push_back({rows(), static_cast<std::int64_t>(next.size()), past, cacheSlot});
        for (std::size_t i = 0; i < next.size(); ++i) {
            tokens.push_back(next[i]);
            positions.push_back(static_cast<std::int32_t>(past + static_cast<std::int64_t>(i)));
            sequences.push_back(sequence);
        }
    }
};

} // namespace expertscope
