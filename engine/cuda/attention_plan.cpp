// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/attention_plan.h"

#include "engine/core/error.h"
#include "engine/cuda/kept_step.h"

#include <algorithm>

namespace expertscope::cuda {

PlannedBatch layOut(std::span<const BatchSpan> spans, const CudaKvCache *cache)
{
    std::vector<PlannedSpan> planned;
    std::vector<PlannedQueries> tiles;
    std::vector<PlannedQueries> singles;
    PlannedBatch batch;
    AttentionPlan &plan = batch.plan;
    for (const BatchSpan &span : spans) {
        const auto number = static_cast<std::int32_t>(planned.size());
        const auto rows = static_cast<std::int32_t>(span.rows);
        PlannedSpan &now =
            planned.emplace_back(PlannedSpan{static_cast<std::int32_t>(span.firstRow), rows, static_cast<std::int32_t>(span.past), -1});
        if (cache && span.cacheSlot >= 0) {
            const std::vector<float *> &own = cache->pages(span.cacheSlot);
            now.pages = static_cast<std::int32_t>(batch.pages.size());
            batch.pages.insert(batch.pages.end(), own.begin(), own.end());
            plan.longestCached = std::max(plan.longestCached, rows);
        } else if (span.past > 0)
            throw Error{ErrorKind::Device, "a sequence goes on that is not in the key-value cache",
                "rows from " + std::to_string(span.firstRow) + " of the batch", "Run the sequence from its start"};
        if (rows <= mostSingles) {
            for (std::int32_t query = 0; query < rows; ++query)
                singles.push_back({number, query});
            plan.mostKeys = std::max(plan.mostKeys, now.pages >= 0 ? cache->capacityTokens() : span.rows);
        } else
            for (std::int32_t first = (rows - 1) / queriesPerTile * queriesPerTile; first >= 0; first -= queriesPerTile)
                tiles.push_back({number, first});
    }
    plan.spanCount = static_cast<std::int32_t>(planned.size());
    plan.tileCount = static_cast<std::int32_t>(tiles.size());
    plan.singleCount = static_cast<std::int32_t>(singles.size());

    for (const PlannedSpan &span : planned)
        batch.numbers.insert(batch.numbers.end(), {span.firstRow, span.rows, span.past, span.pages});
    for (const std::vector<PlannedQueries> *list : {&tiles, &singles})
        for (const PlannedQueries &queries : *list)
            batch.numbers.insert(batch.numbers.end(), {queries.span, queries.first});
    return batch;
}

AttentionPlan planAttention(Context &context, std::span<const BatchSpan> spans, CudaKvCache *cache, int layer)
{
    for (const BatchSpan &span : spans)
        if (cache && span.cacheSlot >= 0)
            cache->extend(span.cacheSlot, layer, span.past, span.rows);
    if (KeptStep *const step = context.capturing())
        step->extends(layer);
    const PlannedBatch batch = layOut(spans, cache);
    AttentionPlan plan = batch.plan;
    const std::int32_t *const placed = context.inputs().place<std::int32_t>(context, Input::AttentionPlan, batch.numbers);
    plan.spans = reinterpret_cast<const PlannedSpan *>(placed);
    plan.tiles = reinterpret_cast<const PlannedQueries *>(placed + 4 * plan.spanCount);
    plan.singles = plan.tiles + plan.tileCount;
    plan.pages = context.inputs().place<float *>(context, Input::CachePages, batch.pages);
    return plan;
}

} // namespace expertscope::cuda
