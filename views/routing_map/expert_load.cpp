// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/routing_map/expert_load.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace expertscope {

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t readTokens = 16'384;

ExpertLoad emptyLoad(const TraceMeta &meta, std::int64_t tokens)
{
    ExpertLoad load;
    load.layers = meta.moeLayers();
    load.experts = meta.experts;
    load.topK = meta.model.topK > 0 ? meta.model.topK : meta.slotCount;
    load.tokens = tokens;
    return load;
}

} // namespace

double ExpertLoad::share(int layer, int expert) const
{
    return tokens > 0 ? static_cast<double>(count(layer, expert)) / static_cast<double>(tokens) : missing;
}

double ExpertLoad::log2Ratio(int layer, int expert) const
{
    return tokens > 0 && count(layer, expert) > 0 && chance() > 0 ? std::log2(share(layer, expert) / chance()) : missing;
}

double ExpertLoad::meanWeight(int layer, int expert) const
{
    return !gateMass.empty() && count(layer, expert) > 0 ? gateMass[at(layer, expert)] / static_cast<double>(count(layer, expert))
                                                         : missing;
}

ExpertLoad expertLoad(const RoutingTrace &trace, TokenRange range, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    ExpertLoad load = emptyLoad(meta, range.count());
    if (range.begin == 0 && range.end == meta.tokens) {
        const auto counted = trace.importedCounts();
        load.tokens = tokensCounted(trace);
        load.counts = trace.load();
        if (meta.fields.gateWeight || (counted && !counted->gateMass.empty()))
            load.gateMass = trace.gateMass();
        return load;
    }
    const auto size = static_cast<std::size_t>(load.layers) * static_cast<std::size_t>(load.experts);
    load.counts.assign(size, 0);
    if (meta.fields.gateWeight)
        load.gateMass.assign(size, 0.0);
    const auto perToken = static_cast<std::size_t>(meta.slotCount);
    std::vector<ExpertId> ids;
    std::vector<float> weights;
    for (std::int64_t first = range.begin; first < range.end; first += readTokens) {
        const TokenRange block{first, std::min(range.end, first + readTokens)};
        ids.resize(static_cast<std::size_t>(block.count()) * perToken);
        weights.resize(ids.size());
        for (int layer = 0; layer < load.layers; ++layer) {
            progress.check();
            trace.expertIds(block, layer, ids);
            if (meta.fields.gateWeight)
                trace.gateWeights(block, layer, weights);
            for (std::size_t i = 0; i < ids.size(); ++i) {
                if (ids[i] == noExpert)
                    continue;
                ++load.counts[load.at(layer, ids[i])];
                if (meta.fields.gateWeight)
                    load.gateMass[load.at(layer, ids[i])] += static_cast<double>(weights[i]);
            }
        }
        progress.report(block.end - range.begin, range.count(), "tokens");
    }
    return load;
}

std::optional<ExpertLoad> expertLoad(const RoutingSummary &summary, const std::string &group)
{
    const auto found = std::find(summary.groups.begin(), summary.groups.end(), group);
    if (found == summary.groups.end())
        return std::nullopt;
    const auto g = static_cast<std::size_t>(found - summary.groups.begin());
    ExpertLoad load;
    load.layers = summary.moeLayers();
    load.experts = summary.experts;
    load.topK = summary.topK;
    load.tokens = summary.tokens[g];
    const auto size = static_cast<std::size_t>(load.layers) * static_cast<std::size_t>(load.experts);
    const auto part = [&](const auto &all) {
        return std::vector(all.begin() + static_cast<std::ptrdiff_t>(g * size), all.begin() + static_cast<std::ptrdiff_t>((g + 1) * size));
    };
    load.counts = part(summary.counts);
    if (!summary.gateMass.empty())
        load.gateMass = part(summary.gateMass);
    return load;
}

HeatmapDataPtr loadMap(const ExpertLoad &load, LoadValue value)
{
    std::vector<float> values(load.counts.size());
    for (int layer = 0; layer < load.layers; ++layer) {
        for (int expert = 0; expert < load.experts; ++expert) {
            const double cell = value == LoadValue::Share ? load.share(layer, expert)
                : value == LoadValue::Log2Ratio           ? load.log2Ratio(layer, expert)
                                                          : load.meanWeight(layer, expert);
            values[load.at(layer, expert)] = static_cast<float>(cell);
        }
    }
    return std::make_shared<HeatmapData>(load.layers, load.experts, std::move(values));
}

} // namespace expertscope
