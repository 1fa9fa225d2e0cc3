// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Attention of single queries, as in decode: blocks split the keys, warps of a block take turns, and the parts are put together at the
// end by their largest scores. Bound: the bytes of keys and values, read once for the heads that share them.
#include "engine/core/error.h"
#include "engine/cuda/attention_keys.h"
#include "engine/cuda/launch.h"
#include "engine/cuda/numbers.h"

#include <algorithm>

namespace expertscope::cuda {

namespace {

constexpr int warps = 4; // of a block
constexpr int headsAtOnce = 4; // query heads of a block; all share a key head
constexpr int keysAtOnce = 4; // of a warp: so many loads are in flight
constexpr std::int64_t fewestKeys = 256; // worth a block of their own

/// Sums over some of the keys: exp(score - max), and the values by that weight.
struct Parts {
    float *max; ///< [queries, heads, splits]
    float *sum; ///< the same; 0 where there was no key, and then `values` is not written
    float *values; ///< [queries, heads, splits, depth]
};

struct Split {
    int count; ///< of the keys of a query
    int keys; ///< positions in one
};

/// Grid: queries, groups of heads, splits. perLane: depth / 32, rounded up.
template<int perLane>
__global__ void attendPart(const float *q, KeySource source, const PlannedSpan *spans, const PlannedQueries *singles, AttentionShape shape,
    Split split, Parts parts)
{
    __shared__ float maxima[warps][headsAtOnce];
    __shared__ float sums[warps][headsAtOnce];
    __shared__ float values[warps][headsAtOnce][32 * perLane];
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const PlannedQueries query = singles[blockIdx.x];
    const PlannedSpan span = spans[query.span];
    const int sharing = shape.heads / source.kvHeads;
    const int groups = (sharing + headsAtOnce - 1) / headsAtOnce;
    const int kvHead = static_cast<int>(blockIdx.y) / groups;
    const int inGroup = static_cast<int>(blockIdx.y) % groups * headsAtOnce;
    const int firstHead = kvHead * sharing + inGroup;
    const int headCount = min(headsAtOnce, sharing - inGroup);
    const int position = span.past + query.first;
    const int depth = source.depth;

    const float *const rowOfQ = q + (static_cast<std::int64_t>(span.firstRow + query.first) * shape.heads + firstHead) * depth;
    float queries[headsAtOnce][perLane];
    for (int h = 0; h < headsAtOnce; ++h)
        for (int i = 0; i < perLane; ++i) {
            const int d = i * 32 + lane;
            queries[h][i] = h < headCount && d < depth ? rowOfQ[h * depth + d] * shape.scale : 0;
        }

    float max[headsAtOnce];
    float sum[headsAtOnce];
    float value[headsAtOnce][perLane] = {};
    for (int h = 0; h < headsAtOnce; ++h) {
        max[h] = -INFINITY;
        sum[h] = 0;
    }
    const int begin = ::max(static_cast<int>(blockIdx.z) * split.keys, firstSeen(position, shape.window));
    const int end = min(static_cast<int>(blockIdx.z + 1) * split.keys, position + 1);
    for (int first = begin + warp; first < end; first += warps * keysAtOnce) {
        float keys[keysAtOnce][perLane];
        float held[keysAtOnce][perLane];
        for (int j = 0; j < keysAtOnce; ++j) {
            const int at = min(first + j * warps, end - 1); // what is read twice gets no weight
            const float *const key = source.key(span, kvHead, at);
            const float *const its = source.value(span, kvHead, at);
            for (int i = 0; i < perLane; ++i) {
                const int d = i * 32 + lane;
                keys[j][i] = d < depth ? key[d] : 0;
                held[j][i] = d < depth ? its[d] : 0;
            }
        }
        float dots[headsAtOnce * keysAtOnce] = {};
        for (int h = 0; h < headsAtOnce; ++h)
            for (int j = 0; j < keysAtOnce; ++j)
                for (int i = 0; i < perLane; ++i)
                    dots[h * keysAtOnce + j] += queries[h][i] * keys[j][i];
        warpSums(dots);
        for (int h = 0; h < headsAtOnce; ++h) {
            float score[keysAtOnce];
            float top = max[h];
            for (int j = 0; j < keysAtOnce; ++j) {
                constexpr int lanesPerDot = 32 / (headsAtOnce * keysAtOnce);
                const float dot = __shfl_sync(wholeWarp, dots[0], (h * keysAtOnce + j) * lanesPerDot);
                score[j] = first + j * warps < end ? dot : -INFINITY;
                top = fmaxf(top, score[j]);
            }
            const float shrink = expf(max[h] - top);
            max[h] = top;
            sum[h] *= shrink;
            for (int i = 0; i < perLane; ++i)
                value[h][i] *= shrink;
            for (int j = 0; j < keysAtOnce; ++j) {
                const float weight = expf(score[j] - top);
                sum[h] += weight;
                for (int i = 0; i < perLane; ++i)
                    value[h][i] += weight * held[j][i];
            }
        }
    }

    for (int h = 0; h < headCount; ++h) {
        if (lane == 0) {
            maxima[warp][h] = max[h];
            sums[warp][h] = sum[h];
        }
        for (int i = 0; i < perLane; ++i)
            values[warp][h][i * 32 + lane] = value[h][i];
    }
    __syncthreads();
    if (warp >= headCount)
        return;
    const int h = warp; // a warp puts one head together
    float top = -INFINITY;
    for (int w = 0; w < warps; ++w)
        top = fmaxf(top, maxima[w][h]);
    float total = 0;
    float put[perLane] = {};
    for (int w = 0; w < warps; ++w) {
        if (sums[w][h] == 0)
            continue;
        const float weight = expf(maxima[w][h] - top);
        total += weight * sums[w][h];
        for (int i = 0; i < perLane; ++i)
            put[i] += weight * values[w][h][i * 32 + lane];
    }
    const std::int64_t to = (static_cast<std::int64_t>(blockIdx.x) * shape.heads + firstHead + h) * split.count + blockIdx.z;
    if (lane == 0) {
        parts.max[to] = top;
        parts.sum[to] = total;
    }
    for (int i = 0; i < perLane; ++i) {
        const int d = i * 32 + lane;
        if (total > 0 && d < depth)
            parts.values[to * depth + d] = put[i];
    }
}

static_assert(warps >= headsAtOnce, "a warp puts one head together");

/// A block per query and head.
__global__ void putTogether(
    Parts parts, const PlannedSpan *spans, const PlannedQueries *singles, int heads, int depth, int splits, float *out)
{
    const PlannedQueries query = singles[blockIdx.x];
    const std::int64_t from = (static_cast<std::int64_t>(blockIdx.x) * heads + blockIdx.y) * splits;
    float top = -INFINITY;
    for (int s = 0; s < splits; ++s)
        top = fmaxf(top, parts.max[from + s]);
    float total = 0;
    for (int s = 0; s < splits; ++s)
        total += expf(parts.max[from + s] - top) * parts.sum[from + s];
    float *const to = out + (static_cast<std::int64_t>(spans[query.span].firstRow + query.first) * heads + blockIdx.y) * depth;
    for (int d = static_cast<int>(threadIdx.x); d < depth; d += static_cast<int>(blockDim.x)) {
        float value = 0;
        for (int s = 0; s < splits; ++s)
            if (parts.sum[from + s] > 0)
                value += expf(parts.max[from + s] - top) * parts.values[(from + s) * depth + d];
        to[d] = value / total;
    }
}

Split splitFor(const Context &context, const AttentionPlan &plan, int groups)
{
    const std::int64_t wanted = std::int64_t{8} * context.device().multiprocessors; // blocks that fill the card
    const std::int64_t useful = (plan.mostKeys + fewestKeys - 1) / fewestKeys;
    const std::int64_t room = std::max<std::int64_t>(1, wanted / (std::int64_t{plan.singleCount} * groups));
    const std::int64_t count = std::clamp<std::int64_t>(useful, 1, room);
    return {static_cast<int>(count), static_cast<int>((plan.mostKeys + count - 1) / count)};
}

} // namespace

void attendSingles(Context &context, const AttentionPlan &plan, const float *q, const KeySource &keys, AttentionShape shape, float *out)
{
    if (plan.singleCount == 0)
        return;
    const int sharing = shape.heads / keys.kvHeads;
    const int groups = keys.kvHeads * ((sharing + headsAtOnce - 1) / headsAtOnce);
    const Split split = splitFor(context, plan, groups);
    const std::int64_t count = std::int64_t{plan.singleCount} * shape.heads * split.count;
    const Scratch<float> maxima{context, count, "parts of attention"};
    const Scratch<float> sums{context, count, "parts of attention"};
    const Scratch<float> values{context, count * keys.depth, "parts of attention"};
    const Parts parts{maxima.data(), sums.data(), values.data()};
    const auto kernel = keys.depth <= 64 ? attendPart<2> : keys.depth <= 128 ? attendPart<4> : attendPart<8>;
    if (keys.depth > 256)
        throw Error{ErrorKind::Device,
            "heads of " + std::to_string(keys.depth) + " numbers are too long for the CUDA engine, which takes 256", "attention",
            "Use the CPU (--device cpu)"};
    const dim3 grid{static_cast<unsigned>(plan.singleCount), static_cast<unsigned>(groups), static_cast<unsigned>(split.count)};
    launch(kernel, grid, warps * 32, 0, context.stream(), q, keys, plan.spans, plan.singles, shape, split, parts);
    launch(putTogether, dim3{static_cast<unsigned>(plan.singleCount), static_cast<unsigned>(shape.heads)}, 128, 0, context.stream(), parts,
        plan.spans, plan.singles, shape.heads, keys.depth, split.count, out);
}

} // namespace expertscope::cuda
