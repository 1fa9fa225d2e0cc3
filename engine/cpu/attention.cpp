// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Causal attention in tiles with a running softmax: no matrix of all queries by all keys ever exists.
// A task takes some queries of the heads that share one key head; scores are kept one column per query, so that the
// softmax and both products run over whole vectors of queries.
#include "engine/core/parallel.h"
#include "engine/cpu/kv_cache.h"
#include "engine/cpu/ops.h"
#include "engine/cpu/products.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace expertscope::cpu {

namespace {

constexpr std::int64_t keysPerTile = 64;

/// Keys or values of one head: row of token j at data + j * stride.
struct HeadRows {
    const float *data = nullptr;
    std::int64_t stride = 0;
};

struct Task {
    std::size_t span = 0;
    int kvHead = 0;
    int firstHead = 0; ///< query heads
    int heads = 0;
    std::int64_t firstQuery = 0; ///< row within the span
    std::int64_t queries = 0;
};

std::vector<Task> cut(std::span<const BatchSpan> spans, const AttentionConfig &config)
{
    std::vector<Task> tasks;
    const int shared = config.heads / config.kvHeads;
    const int headsPerTask = std::min(shared, largestWidth);
    const std::int64_t queriesPerTask = std::max(1, largestWidth / headsPerTask);
    for (std::size_t s = 0; s < spans.size(); ++s)
        // Late queries see the most keys: they go first, so that no long task is left for the end.
        for (std::int64_t end = spans[s].rows; end > 0; end -= queriesPerTask)
            for (int kvHead = 0; kvHead < config.kvHeads; ++kvHead)
                for (int head = 0; head < shared; head += headsPerTask) {
                    const std::int64_t first = std::max<std::int64_t>(0, end - queriesPerTask);
                    tasks.push_back({s, kvHead, kvHead * shared + head, std::min(headsPerTask, shared - head), first, end - first});
                }
    return tasks;
}

struct TaskMemory {
    std::vector<float> queries; ///< [D, width]
    std::vector<float> output; ///< [D, width]
    std::vector<float> scores; ///< [keysPerTile, width]
    std::vector<float> rows; ///< [width, D]
};

void run(const CpuContext &context, const Task &task, const BatchSpan &span, const float *q, HeadRows keys, HeadRows values,
    const AttentionConfig &config, TaskMemory &memory, float *out)
{
    const Kernels &kernels = context.kernels;
    const std::int64_t depth = config.headDim;
    const std::int64_t qStride = static_cast<std::int64_t>(config.heads) * depth;
    const auto columns = static_cast<int>(task.queries * task.heads);
    const int width = (columns + kernels.lanes - 1) / kernels.lanes * kernels.lanes;
    const auto area = static_cast<std::size_t>(depth * width);

    // Column c is query c / heads of head c % heads.
    std::array<const float *, largestWidth> rows{};
    std::array<std::int32_t, largestWidth> lowest;
    std::array<std::int32_t, largestWidth> highest;
    alignas(64) std::array<float, largestWidth> max;
    alignas(64) std::array<float, largestWidth> sum{};
    alignas(64) std::array<float, largestWidth> shrink;
    max.fill(-std::numeric_limits<float>::infinity());
    for (int c = 0; c < width; ++c) {
        const int of = std::min(c, columns - 1); // padding repeats the last query, so that it masks nothing more
        const std::int64_t query = task.firstQuery + of / task.heads;
        const std::int64_t position = span.past + query;
        rows[static_cast<std::size_t>(c)] = q + (span.firstRow + query) * qStride + (task.firstHead + of % task.heads) * depth;
        highest[static_cast<std::size_t>(c)] = static_cast<std::int32_t>(position);
        lowest[static_cast<std::size_t>(c)] =
            config.slidingWindow > 0 ? static_cast<std::int32_t>(std::max<std::int64_t>(0, position - config.slidingWindow + 1)) : 0;
    }
    memory.queries.resize(area);
    memory.output.assign(area, 0.0f);
    memory.scores.resize(static_cast<std::size_t>(keysPerTile * width));
    kernels.panels.pack(rows.data(), {columns, width, depth, 1}, memory.queries.data());

    const float scale = 1.0f / std::sqrt(static_cast<float>(depth));
    const std::int64_t end = highest[static_cast<std::size_t>(width - 1)] + std::int64_t{1};
    for (std::int64_t first = lowest[0] / keysPerTile * keysPerTile; first < end; first += keysPerTile) {
        const std::int64_t count = std::min(keysPerTile, end - first);
        kernels.product(
            keys.data + first * keys.stride, keys.stride, 1, count, depth, memory.queries.data(), width, memory.scores.data(), false);
        kernels.softmax(
            memory.scores.data(), count, width, scale, first, lowest.data(), highest.data(), {max.data(), sum.data(), shrink.data()});
        kernels.scaleColumns(memory.output.data(), depth, width, shrink.data());
        kernels.product(
            values.data + first * values.stride, 1, values.stride, depth, count, memory.scores.data(), width, memory.output.data(), true);
    }

    for (std::size_t c = 0; c < max.size(); ++c)
        sum[c] = sum[c] > 0 ? 1.0f / sum[c] : 0.0f;
    kernels.scaleColumns(memory.output.data(), depth, width, sum.data());
    memory.rows.resize(area);
    kernels.storeRows(memory.output.data(), depth, width, columns, nullptr, memory.rows.data(), depth);
    for (int c = 0; c < columns; ++c)
        std::memcpy(
            out + (rows[static_cast<std::size_t>(c)] - q), memory.rows.data() + c * depth, static_cast<std::size_t>(depth) * sizeof(float));
}

} // namespace

void attention(const CpuContext &context, const Tensor &q, const Tensor &k, const Tensor &v, std::span<const BatchSpan> spans,
    const AttentionConfig &config, KvCache *cache, int layer, const Tensor &out)
{
    auto *const store = static_cast<CpuKvCache *>(cache);
    const std::int64_t depth = config.headDim;
    const std::int64_t kvStride = static_cast<std::int64_t>(config.kvHeads) * depth;
    for (const BatchSpan &span : spans) {
        if (!store || span.cacheSlot < 0)
            continue;
        store->extend(span.cacheSlot, layer, span.past, span.rows);
        for (int head = 0; head < config.kvHeads; ++head)
            for (std::int64_t r = 0; r < span.rows; ++r) {
                const std::int64_t from = (span.firstRow + r) * kvStride + head * depth;
                const std::int64_t to = (span.past + r) * depth;
                std::memcpy(store->keys(span.cacheSlot, layer, head) + to, k.f32() + from, static_cast<std::size_t>(depth) * sizeof(float));
                std::memcpy(
                    store->values(span.cacheSlot, layer, head) + to, v.f32() + from, static_cast<std::size_t>(depth) * sizeof(float));
            }
    }

    const std::vector<Task> tasks = cut(spans, config);
    parallelFor(static_cast<std::int64_t>(tasks.size()), 1, [&](std::int64_t begin, std::int64_t end) {
        static thread_local TaskMemory memory;
        for (std::int64_t t = begin; t < end; ++t) {
            const Task &task = tasks[static_cast<std::size_t>(t)];
            const BatchSpan &span = spans[task.span];
            const bool cached = store && span.cacheSlot >= 0;
            const std::int64_t first = span.firstRow * kvStride + task.kvHead * depth;
            const HeadRows keys =
                cached ? HeadRows{store->keys(span.cacheSlot, layer, task.kvHead), depth} : HeadRows{k.f32() + first, kvStride};
            const HeadRows values =
                cached ? HeadRows{store->values(span.cacheSlot, layer, task.kvHead), depth} : HeadRows{v.f32() + first, kvStride};
            run(context, task, span, q.f32(), keys, values, config, memory, out.f32());
        }
    });
}

} // namespace expertscope::cpu
