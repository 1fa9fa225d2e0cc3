// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Attention of a layer: what the cache keeps is put into its pages first, then long spans and short ones have a kernel each.
#include "engine/core/error.h"
#include "engine/cuda/attention_keys.h"
#include "engine/cuda/launch.h"
#include "engine/cuda/ops.h"

#include <cmath>

namespace expertscope::cuda {

namespace {

constexpr int threads = 256;

/// A block per row and span. Bound: 16 bytes a number of a key.
__global__ void keepRows(KeySource keys, const PlannedSpan *spans)
{
    const PlannedSpan span = spans[blockIdx.y];
    const int row = static_cast<int>(blockIdx.x);
    if (span.pages < 0 || row >= span.rows)
        return;
    const int width = keys.kvHeads * keys.depth;
    const std::int64_t from = static_cast<std::int64_t>(span.firstRow + row) * width;
    const std::int64_t toValue = static_cast<std::int64_t>(CudaKvCache::pageTokens) * width;
    for (int i = static_cast<int>(threadIdx.x); i < width; i += threads) {
        float *const to = keys.inPage(span, i / keys.depth, span.past + row) + i % keys.depth;
        to[0] = keys.k[from + i];
        to[toValue] = keys.v[from + i];
    }
}

} // namespace

void attention(Context &context, const Tensor &q, const Tensor &k, const Tensor &v, std::span<const BatchSpan> spans,
    const AttentionConfig &config, KvCache *cache, int layer, const Tensor &out)
{
    auto *const store = static_cast<CudaKvCache *>(cache);
    const AttentionPlan plan = planAttention(context, spans, store, layer);
    const bool cached = plan.longestCached > 0;
    const KeySource keys{k.f32(), v.f32(), plan.pages, cached ? store->layerOffset(layer) : 0, config.kvHeads, config.headDim};
    const AttentionShape shape{config.heads, config.slidingWindow, 1.0f / std::sqrt(static_cast<float>(config.headDim))};
    if (cached)
        launch(keepRows, dim3{static_cast<unsigned>(plan.longestCached), static_cast<unsigned>(plan.spanCount)}, threads, 0,
            context.stream(), keys, plan.spans);
    const bool rounds = config.bf16Weights && context.roundsActivations() && fitsTilesBf16(config.headDim);
    (rounds ? attendTilesBf16 : attendTilesF32)(context, plan, q.f32(), keys, shape, out.f32());
    attendSingles(context, plan, q.f32(), keys, shape, out.f32());
}

} // namespace expertscope::cuda
