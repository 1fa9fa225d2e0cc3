// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/attention_plan.h"

#include "engine/core/error.h"

#include <algorithm>

namespace expertscope::cuda {

AttentionPlan planAttention(Context &context, std::span<const BatchSpan> spans, CudaKvCache *cache, int layer)
{
    std::vector<PlannedSpan> planned;
    std::vector<PlannedQueries> tiles;
    std::vector<PlannedQueries> singles;
    std::vector<float *> pages;
    AttentionPlan plan;
    for (const BatchSpan &span : spans) {
        const auto number = static_cast<std::int32_t>(planned.size());
        const auto rows = static_cast<std::int32_t>(span.rows);
        PlannedSpan &now =
            planned.emplace_back(PlannedSpan{static_cast<std::int32_t>(span.firstRow), rows, static_cast<std::int32_t>(span.past), -1});
        if (cache && span.cacheSlot >= 0) {
            cache->extend(span.cacheSlot, layer, span.past, span.rows);
            const std::vector<float *> &own = cache->pages(span.cacheSlot);
            now.pages = static_cast<std::int32_t>(pages.size());
            pages.insert(pages.end(), own.begin(), own.end());
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

    std::vector<std::int32_t> numbers;
    for (const PlannedSpan &span : planned)
        numbers.insert(numbers.end(), {span.firstRow, span.rows, span.past, span.pages});
    for (const std::vector<PlannedQueries> *list : {&tiles, &singles})
        for (const PlannedQueries &queries : *list)
            numbers.insert(numbers.end(), {queries.span, queries.first});
    const std::int32_t *const placed = context.inputs().place<std::int32_t>(context, Input::AttentionPlan, numbers);
    plan.spans = reinterpret_cast<const PlannedSpan *>(placed);
    plan.tiles = reinterpret_cast<const PlannedQueries *>(placed + planned.size() * 4);
    plan.singles = plan.tiles + tiles.size();
    plan.pages = context.inputs().place<float *>(context, Input::CachePages, pages);
    return plan;
}

} // namespace expertscope::cuda
