// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How a batch's attention is shared out: spans with their pages of the cache, tiles of queries for long spans, single queries for
// short ones. Made on the host; every layer of a batch has the same, so it goes to the device once.
#pragma once

#include "engine/cuda/context.h"
#include "engine/cuda/kv_cache.h"

#include <cstdint>
#include <span>
#include <vector>

namespace expertscope::cuda {

struct PlannedSpan {
    std::int32_t firstRow = 0;
    std::int32_t rows = 0;
    std::int32_t past = 0; ///< position of the first row
    std::int32_t pages = -1; ///< its first entry in AttentionPlan::pages; -1 = not in the cache
};

/// Some queries of a span.
struct PlannedQueries {
    std::int32_t span = 0;
    std::int32_t first = 0; ///< row within the span
};

struct AttentionPlan {
    // on the device
    const PlannedSpan *spans = nullptr;
    const PlannedQueries *tiles = nullptr; ///< up to queriesPerTile queries each; late ones, which see the most keys, first
    const PlannedQueries *singles = nullptr; ///< a query each, of spans of at most mostSingles rows
    float *const *pages = nullptr;

    std::int32_t spanCount = 0;
    std::int32_t tileCount = 0;
    std::int32_t singleCount = 0;
    std::int32_t longestCached = 0; ///< rows of the longest span in the cache
    std::int64_t mostKeys = 0; ///< that a single query may see, now or later in its sequence: the same for every step of a decode
    bool operator==(const AttentionPlan &) const = default;
};

/// A plan before it is brought to the device.
struct PlannedBatch {
    AttentionPlan plan; ///< without addresses
    std::vector<std::int32_t> numbers; ///< spans, tiles, singles
    std::vector<float *> pages;
};
/// The cache (may be null) has pages for the spans' rows.
PlannedBatch layOut(std::span<const BatchSpan> spans, const CudaKvCache *cache);

constexpr int queriesPerTile = 64;
constexpr int mostSingles = 4;

/// Extends the cache (may be null) by the spans' rows in this layer. Throws Error as CudaKvCache::extend.
AttentionPlan planAttention(Context &context, std::span<const BatchSpan> spans, CudaKvCache *cache, int layer);

} // namespace expertscope::cuda
