// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/routing_map/token_map.h"

#include <algorithm>

namespace expertscope {

TokenMap tokenMap(const RoutingTrace &trace, TokenRange range, const TokenMetricKind &metric, const Progress &progress)
{
    constexpr std::int64_t mostCells = 24'000'000;
    constexpr std::int64_t readTokens = 16'384;
    const int layers = trace.meta().moeLayers();
    TokenMap map;
    map.wanted = range.count();
    map.range = {range.begin, std::min(range.end, range.begin + mostCells / std::max(1, layers))};
    const auto columns = static_cast<std::size_t>(map.range.count());
    std::vector<float> values(columns * static_cast<std::size_t>(layers));
    for (int layer = 0; layer < layers; ++layer) {
        for (std::int64_t first = map.range.begin; first < map.range.end; first += readTokens) {
            progress.check();
            const TokenRange block{first, std::min(map.range.end, first + readTokens)};
            const std::size_t offset = static_cast<std::size_t>(layer) * columns + static_cast<std::size_t>(first - map.range.begin);
            metric.compute(trace, block, layer, std::span(values).subspan(offset, static_cast<std::size_t>(block.count())));
        }
        progress.report(layer + 1, layers, "layers");
    }
    map.data = std::make_shared<HeatmapData>(layers, map.range.count(), std::move(values), metric.categorical ? trace.meta().experts : 0);
    map.tokens = std::make_shared<TokenColumns>(trace.tokens(map.range));
    return map;
}

} // namespace expertscope
