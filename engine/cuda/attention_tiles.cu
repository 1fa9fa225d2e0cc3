// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Attention of long spans in f32: a block takes a tile of queries of one head through tiles of keys with a running softmax, so that
// no matrix of all queries by all keys exists. Bound: 4 operations a query, key and number of a head, on the f32 units.
#include "engine/core/error.h"
#include "engine/cuda/attention_keys.h"
#include "engine/cuda/launch.h"
#include "engine/cuda/shared_memory.h"

namespace expertscope::cuda {

namespace {

// 8 threads share a row: each has every 8th of its scores and of the numbers of its output. A thread has 2 rows of the tile.
constexpr int threadsPerRow = 8;
constexpr int rowsPerThread = 2;
constexpr int threads = queriesPerTile / rowsPerThread * threadsPerRow;

/// Over the 8 threads of a row.
__device__ float rowMax(float value)
{
    for (int bits = threadsPerRow / 2; bits > 0; bits /= 2)
        value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, bits));
    return value;
}
__device__ float rowSum(float value)
{
    for (int bits = threadsPerRow / 2; bits > 0; bits /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, bits);
    return value;
}

/// Rows of up to `depth` numbers, padded by one so that a column lies in different banks; what is beyond `depth` is zero.
template<int most>
constexpr int stride = most + 1;

/// Keys of a tile; heads of 128 still fit the 64 KB of Turing cards.
template<int most>
constexpr int keysOfTile = most <= 64 ? 32 : 16;

template<int most>
std::size_t sharedBytes()
{
    constexpr int tileKeys = keysOfTile<most>;
    return sizeof(float) * ((queriesPerTile + 2 * tileKeys) * stride<most> + queriesPerTile * (tileKeys + 1));
}

/// Grid: tiles of queries, heads. most: the smallest instance that holds depth.
template<int most>
__global__ void attendTile(
    const float *q, KeySource source, const PlannedSpan *spans, const PlannedQueries *tiles, AttentionShape shape, float *out)
{
    constexpr int tileKeys = keysOfTile<most>;
    constexpr int scoresPerThread = tileKeys / threadsPerRow;
    auto *const queries = sharedMemory<float>();
    float *const keys = queries + queriesPerTile * stride<most>;
    float *const values = keys + tileKeys * stride<most>;
    float *const weights = values + tileKeys * stride<most>; // [queriesPerTile, tileKeys + 1]
    const int thread = static_cast<int>(threadIdx.x);
    const int part = thread % threadsPerRow;
    const int firstRow = thread / threadsPerRow * rowsPerThread;
    const PlannedQueries tile = tiles[blockIdx.x];
    const PlannedSpan span = spans[tile.span];
    const int head = static_cast<int>(blockIdx.y);
    const int kvHead = head / (shape.heads / source.kvHeads);
    const int depth = source.depth;
    const int count = min(queriesPerTile, span.rows - tile.first);
    const float *const rowsOfQ = q + (static_cast<std::int64_t>(span.firstRow + tile.first) * shape.heads + head) * depth;

    for (int i = thread; i < queriesPerTile * most; i += threads) {
        const int row = i / most;
        const int d = i % most;
        queries[row * stride<most> + d] =
            row < count && d < depth ? rowsOfQ[static_cast<std::int64_t>(row) * shape.heads * depth + d] * shape.scale : 0;
    }
    float max[rowsPerThread];
    float sum[rowsPerThread] = {};
    float output[rowsPerThread][most / threadsPerRow] = {};
    for (float &m : max)
        m = -INFINITY;

    const int firstPosition = span.past + tile.first;
    const int end = firstPosition + count; // keys before it are seen by some query
    for (int first = firstSeen(firstPosition, shape.window) / tileKeys * tileKeys; first < end; first += tileKeys) {
        __syncthreads(); // the last tile may still be read
        for (int i = thread; i < tileKeys * most; i += threads) {
            const int row = i / most;
            const int d = i % most;
            const bool exists = first + row < end && d < depth;
            keys[row * stride<most> + d] = exists ? source.key(span, kvHead, first + row)[d] : 0;
            values[row * stride<most> + d] = exists ? source.value(span, kvHead, first + row)[d] : 0;
        }
        __syncthreads();

        float score[rowsPerThread][scoresPerThread] = {};
        for (int d = 0; d < most; ++d) {
            float key[scoresPerThread];
            for (int j = 0; j < scoresPerThread; ++j)
                key[j] = keys[(part + j * threadsPerRow) * stride<most> + d];
            for (int r = 0; r < rowsPerThread; ++r) {
                const float number = queries[(firstRow + r) * stride<most> + d];
                for (int j = 0; j < scoresPerThread; ++j)
                    score[r][j] += number * key[j];
            }
        }
#pragma unroll
        for (int r = 0; r < rowsPerThread; ++r) {
            const int position = firstPosition + firstRow + r;
            float top = max[r];
            for (int j = 0; j < scoresPerThread; ++j) {
                const int key = first + part + j * threadsPerRow;
                if (key > position || key < firstSeen(position, shape.window))
                    score[r][j] = -INFINITY;
                top = fmaxf(top, score[r][j]);
            }
            top = rowMax(top);
            const float safe = top == -INFINITY ? 0 : top; // nothing of this tile is seen yet
            const float shrink = expf(max[r] - safe);
            max[r] = top;
            float added = 0;
            for (int j = 0; j < scoresPerThread; ++j) {
                const float weight = expf(score[r][j] - safe);
                added += weight;
                weights[(firstRow + r) * (tileKeys + 1) + part + j * threadsPerRow] = weight;
            }
            sum[r] = sum[r] * shrink + rowSum(added);
#pragma unroll
            for (int i = 0; i < most / threadsPerRow; ++i)
                output[r][i] *= shrink;
        }
        __syncwarp(); // the threads of a row are of one warp
        for (int key = 0; key < tileKeys; ++key) {
            float weight[rowsPerThread];
            for (int r = 0; r < rowsPerThread; ++r)
                weight[r] = weights[(firstRow + r) * (tileKeys + 1) + key];
#pragma unroll
            for (int i = 0; i < most / threadsPerRow; ++i) {
                const float value = values[key * stride<most> + part + i * threadsPerRow];
                for (int r = 0; r < rowsPerThread; ++r)
                    output[r][i] += weight[r] * value;
            }
        }
    }
#pragma unroll
    for (int r = 0; r < rowsPerThread; ++r) {
        if (firstRow + r >= count)
            continue;
        float *const to = out + (static_cast<std::int64_t>(span.firstRow + tile.first + firstRow + r) * shape.heads + head) * depth;
#pragma unroll
        for (int i = 0; i < most / threadsPerRow; ++i) {
            const int d = part + i * threadsPerRow;
            if (d < depth)
                to[d] = output[r][i] / sum[r];
        }
    }
}

} // namespace

void attendTilesF32(Context &context, const AttentionPlan &plan, const float *q, const KeySource &keys, AttentionShape shape, float *out)
{
    if (plan.tileCount == 0)
        return;
    if (keys.depth > 256)
        throw Error{ErrorKind::Device,
            "heads of " + std::to_string(keys.depth) + " numbers are too long for the CUDA engine, which takes 256", "attention",
            "Use the CPU (--device cpu)"};
    const dim3 grid{static_cast<unsigned>(plan.tileCount), static_cast<unsigned>(shape.heads)};
    const auto start = [&](auto kernel, std::size_t bytes) {
        launch(kernel, grid, threads, bytes, context.stream(), q, keys, plan.spans, plan.tiles, shape, out);
    };
    if (keys.depth <= 64)
        start(attendTile<64>, sharedBytes<64>());
    else if (keys.depth <= 128)
        start(attendTile<128>, sharedBytes<128>());
    else
        start(attendTile<256>, sharedBytes<256>());
}

} // namespace expertscope::cuda
