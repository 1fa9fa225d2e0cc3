// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Attention of long spans on the matrix units: queries, keys, values and the shares of a tile are rounded to bf16, sums and the
// running softmax are f32. A warp takes 16 queries of one head through tiles of 64 keys; scores and output stay in its registers.
// Bound: 4 bf16 operations a query, key and number of a head.
#include "engine/cuda/attention_keys.h"
#include "engine/cuda/launch.h"
#include "engine/cuda/mma.h"
#include "engine/cuda/numbers.h"
#include "engine/cuda/shared_memory.h"

namespace expertscope::cuda {

namespace {

constexpr int warps = 4;
constexpr int threads = warps * 32;
constexpr int rowsPerWarp = 16;
constexpr int tileKeys = 64;
constexpr int keyGroups = tileKeys / 8; ///< a matrix instruction gives scores of 8 keys
static_assert(warps * rowsPerWarp == queriesPerTile && tileKeys == queriesPerTile);

/// Numbers from row to row in shared memory: 16 bytes more than a row, so that eight rows of a matrix lie in different banks.
template<int most>
constexpr int pitch = most + 8;

/// Shared rows [0, tileKeys) = rows of f32 in global memory as bf16; zeros where `rowAt` gives null and beyond `depth`. All threads.
template<int most, class RowAt>
__device__ void bringRows(Bf16 *to, int depth, const RowAt &rowAt)
{
    for (int i = static_cast<int>(threadIdx.x); i < tileKeys * (most / 4); i += threads) {
        const int row = i / (most / 4);
        const int d = i % (most / 4) * 4;
        const float *const from = d < depth ? rowAt(row) : nullptr;
        const float4 four = from ? *reinterpret_cast<const float4 *>(from + d) : make_float4(0, 0, 0, 0);
        *reinterpret_cast<uint2 *>(to + row * pitch<most> + d) = make_uint2(packBf16(four.x, four.y), packBf16(four.z, four.w));
    }
}

/// Over the four lanes that share a row of scores.
__device__ float quadMax(float value)
{
    value = fmaxf(value, __shfl_xor_sync(wholeWarp, value, 1));
    return fmaxf(value, __shfl_xor_sync(wholeWarp, value, 2));
}
__device__ float quadSum(float value)
{
    value += __shfl_xor_sync(wholeWarp, value, 1);
    return value + __shfl_xor_sync(wholeWarp, value, 2);
}

/// Grid: tiles of queries, heads. most: the smallest instance that holds depth, a multiple of 8.
template<int most>
__global__ void __launch_bounds__(threads)
    attendTile(const float *q, KeySource source, const PlannedSpan *spans, const PlannedQueries *tiles, AttentionShape shape, float *out)
{
    constexpr int steps = most / 16; // of a dot product
    Bf16 *const keys = sharedMemory<Bf16>();
    Bf16 *const values = keys + tileKeys * pitch<most>;
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const PlannedQueries tile = tiles[blockIdx.x];
    const PlannedSpan span = spans[tile.span];
    const int head = static_cast<int>(blockIdx.y);
    const int kvHead = head / (shape.heads / source.kvHeads);
    const int depth = source.depth;
    const int count = min(queriesPerTile, span.rows - tile.first);
    const std::int64_t firstOfQ = (static_cast<std::int64_t>(span.firstRow + tile.first) * shape.heads + head) * depth;
    const std::int64_t rowOfQ = static_cast<std::int64_t>(shape.heads) * depth;

    bringRows<most>(keys, depth, [&](int row) { return row < count ? q + firstOfQ + row * rowOfQ : nullptr; });
    __syncthreads();
    std::uint32_t queries[steps][4];
#pragma unroll
    for (int s = 0; s < steps; ++s)
        loadMatrices(queries[s], keys + (warp * rowsPerWarp + lane % 16) * pitch<most> + s * 16 + lane / 16 * 8);

    const float toLog2 = shape.scale * 1.44269504f; // exp(x) = exp2(x log2 e)
    const int firstPosition = span.past + tile.first;
    const int end = firstPosition + count; // keys before it are seen by some query
    int position[2]; // of this lane's two rows
    float max[2] = {-INFINITY, -INFINITY};
    float sum[2] = {0, 0};
    float output[most / 8][4] = {};
    for (int r = 0; r < 2; ++r)
        position[r] = firstPosition + warp * rowsPerWarp + lane / 4 + 8 * r;

    for (int first = firstSeen(firstPosition, shape.window) / tileKeys * tileKeys; first < end; first += tileKeys) {
        __syncthreads(); // the last tile, or the queries, may still be read
        bringRows<most>(keys, depth, [&](int row) { return first + row < end ? source.key(span, kvHead, first + row) : nullptr; });
        bringRows<most>(values, depth, [&](int row) { return first + row < end ? source.value(span, kvHead, first + row) : nullptr; });
        __syncthreads();

        float scores[keyGroups][4] = {};
#pragma unroll
        for (int s = 0; s < steps; ++s)
#pragma unroll
            for (int n = 0; n < keyGroups; n += 2) {
                std::uint32_t w[4];
                loadMatrices(w, keys + (n * 8 + lane / 16 * 8 + lane % 8) * pitch<most> + s * 16 + lane / 8 % 2 * 8);
                const std::uint32_t low[2] = {w[0], w[1]};
                const std::uint32_t high[2] = {w[2], w[3]};
                mmaBf16(scores[n], queries[s], low);
                mmaBf16(scores[n + 1], queries[s], high);
            }

#pragma unroll
        for (int r = 0; r < 2; ++r) {
            const int oldest = firstSeen(position[r], shape.window);
            float top = max[r];
#pragma unroll
            for (int n = 0; n < keyGroups; ++n)
                for (int i = 2 * r; i < 2 * r + 2; ++i) {
                    const int key = first + n * 8 + lane % 4 * 2 + i % 2;
                    scores[n][i] = key <= position[r] && key >= oldest ? scores[n][i] * toLog2 : -INFINITY;
                    top = fmaxf(top, scores[n][i]);
                }
            top = quadMax(top);
            const float safe = top == -INFINITY ? 0 : top; // nothing is seen yet
            const float shrink = exp2f(max[r] - safe);
            max[r] = top;
            float added = 0;
#pragma unroll
            for (int n = 0; n < keyGroups; ++n)
                for (int i = 2 * r; i < 2 * r + 2; ++i) {
                    scores[n][i] = exp2f(scores[n][i] - safe);
                    added += scores[n][i];
                }
            sum[r] = sum[r] * shrink + quadSum(added);
#pragma unroll
            for (int n = 0; n < most / 8; ++n)
                for (int i = 2 * r; i < 2 * r + 2; ++i)
                    output[n][i] *= shrink;
        }

        // scores as they lie in registers are, in pairs of groups, the left operand of the next product
#pragma unroll
        for (int k = 0; k < keyGroups; k += 2) {
            const std::uint32_t weights[4] = {packBf16(scores[k][0], scores[k][1]), packBf16(scores[k][2], scores[k][3]),
                packBf16(scores[k + 1][0], scores[k + 1][1]), packBf16(scores[k + 1][2], scores[k + 1][3])};
#pragma unroll
            for (int n = 0; n < most / 8; n += 2) {
                std::uint32_t w[4];
                loadMatricesTransposed(w, values + (k * 8 + lane / 8 % 2 * 8 + lane % 8) * pitch<most> + n * 8 + lane / 16 * 8);
                const std::uint32_t low[2] = {w[0], w[1]};
                const std::uint32_t high[2] = {w[2], w[3]};
                mmaBf16(output[n], weights, low);
                mmaBf16(output[n + 1], weights, high);
            }
        }
    }

#pragma unroll
    for (int r = 0; r < 2; ++r) {
        const int row = warp * rowsPerWarp + lane / 4 + 8 * r;
        if (row >= count)
            continue;
        const float share = 1.0f / sum[r];
#pragma unroll
        for (int n = 0; n < most / 8; ++n) {
            const int d = n * 8 + lane % 4 * 2;
            if (d < depth)
                *reinterpret_cast<float2 *>(out + firstOfQ + row * rowOfQ + d) =
                    make_float2(output[n][2 * r] * share, output[n][2 * r + 1] * share);
        }
    }
}

} // namespace

bool fitsTilesBf16(int depth)
{
    return depth % 8 == 0 && depth <= 128;
}

void attendTilesBf16(Context &context, const AttentionPlan &plan, const float *q, const KeySource &keys, AttentionShape shape, float *out)
{
    const dim3 grid{static_cast<unsigned>(plan.tileCount), static_cast<unsigned>(shape.heads)};
    const auto start = [&](auto kernel, int most) {
        const std::size_t bytes = sizeof(Bf16) * 2 * tileKeys * static_cast<std::size_t>(most + 8);
        launch(kernel, grid, threads, bytes, context.stream(), q, keys, plan.spans, plan.tiles, shape, out);
    };
    if (keys.depth <= 64)
        start(attendTile<64>, 64);
    else
        start(attendTile<128>, 128);
}

} // namespace expertscope::cuda
