// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Where attention finds keys and values: among the batch's own rows, or in pages of the cache.
#pragma once

#include "engine/cuda/attention_plan.h"

#include <cuda_runtime.h>

namespace expertscope::cuda {

struct KeySource {
    const float *k = nullptr; ///< [T, kvHeads, depth]
    const float *v = nullptr;
    float *const *pages = nullptr;
    std::int64_t layerOffset = 0; ///< in a page
    int kvHeads = 0;
    int depth = 0;

    /// Key of a head at a position of the span's sequence; its value lies valueOffset() further on in a page, at the same place of v
    /// otherwise.
    __device__ const float *key(const PlannedSpan &span, int kvHead, int position) const
    {
        return span.pages < 0 ? k + row(span, kvHead, position) : inPage(span, kvHead, position);
    }
    __device__ const float *value(const PlannedSpan &span, int kvHead, int position) const
    {
        return span.pages < 0 ? v + row(span, kvHead, position)
                              : inPage(span, kvHead, position) + static_cast<std::int64_t>(kvHeads) * CudaKvCache::pageTokens * depth;
    }
    __device__ float *inPage(const PlannedSpan &span, int kvHead, int position) const
    {
        constexpr int tokens = CudaKvCache::pageTokens;
        return pages[span.pages + position / tokens] + layerOffset
            + (static_cast<std::int64_t>(kvHead) * tokens + position % tokens) * depth;
    }

private:
    __device__ std::int64_t row(const PlannedSpan &span, int kvHead, int position) const
    {
        return (static_cast<std::int64_t>(span.firstRow + position) * kvHeads + kvHead) * depth;
    }
};

/// The positions a query at `position` sees: from this one to itself. window 0 = all.
__device__ inline int firstSeen(int position, int window)
{
    return window > 0 ? max(0, position - window + 1) : 0;
}

struct AttentionShape {
    int heads = 0;
    int window = 0;
    float scale = 1; ///< of scores
};

/// The kernels of long spans (tiles) and of short ones (singles); q, out [T, heads, depth].
void attendTilesF32(Context &context, const AttentionPlan &plan, const float *q, const KeySource &keys, AttentionShape shape, float *out);
/// Whether heads of this size can go through attendTilesBf16().
bool fitsTilesBf16(int depth);
void attendTilesBf16(Context &context, const AttentionPlan &plan, const float *q, const KeySource &keys, AttentionShape shape, float *out);
void attendSingles(Context &context, const AttentionPlan &plan, const float *q, const KeySource &keys, AttentionShape shape, float *out);

} // namespace expertscope::cuda
