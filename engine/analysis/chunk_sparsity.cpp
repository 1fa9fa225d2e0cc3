// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How many experts a chunk of consecutive tokens leaves untouched: what speculative decoding or a batch would load.
#include "engine/analysis/analyses.h"
#include "engine/analysis/number_list.h"
#include "engine/analysis/ratio.h"
#include "engine/analysis/result_parts.h"
#include "engine/analysis/trace_pass.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr ParamKind params[] = {
    {"chunks", "Chunks", "Lengths of the chunks in tokens, separated by commas", ParamKind::Type::Text, "1,2,4,8,16,32,64"},
    {"shared-experts", "Count shared experts", "Add the model's shared experts, which are always active, to the active and to all experts",
        ParamKind::Type::Flag, "off"},
};

constexpr std::int64_t longestChunk = 65536;

struct Layer {
    std::vector<Ratio> unions; ///< [C] distinct experts per chunk
    std::vector<std::int64_t> load; ///< [E]
    std::vector<std::uint8_t> seen; ///< [E] 1 for an expert of the chunk
    std::int64_t tokens = 0;
};

/// Distinct experts in each whole chunk of `length` tokens, summed over chunks; the incomplete tail is dropped.
double distinctExperts(std::span<std::uint8_t> seen, std::span<const ExpertId> ids, std::size_t slotCount, std::size_t length)
{
    const std::size_t chunks = ids.size() / slotCount / length;
    std::int64_t distinct = 0;
    for (std::size_t c = 0; c < chunks; ++c) {
        std::fill(seen.begin(), seen.end(), std::uint8_t{0});
        for (const ExpertId id : ids.subspan(c * length * slotCount, length * slotCount))
            if (id != noExpert)
                seen[id] = 1;
        distinct += std::accumulate(seen.begin(), seen.end(), 0); // adding all is quicker than asking of each whether it is new
    }
    return static_cast<double>(distinct);
}

Result run(const AnalysisInput &input, const Params &given, const Progress &progress)
{
    const RoutingTrace &trace = *input.traces.front();
    const TraceMeta &meta = trace.meta();
    const std::vector<std::int64_t> lengths = numberList(given.text("chunks"), "chunks", 1, longestChunk);
    const auto slotCount = static_cast<std::size_t>(meta.slotCount);
    const double shared = given.flag("shared-experts") ? meta.model.nShared : 0;
    const double experts = meta.experts, all = experts + shared;
    std::vector<Layer> layers(meta.layers.size());
    for (Layer &layer : layers) {
        layer.unions.resize(lengths.size());
        layer.load.resize(static_cast<std::size_t>(meta.experts));
        layer.seen.resize(static_cast<std::size_t>(meta.experts));
    }
    forEachWholeSequence(
        trace, progress,
        [&](int index, int, std::span<const ExpertId> ids) {
            Layer &layer = layers[static_cast<std::size_t>(index)];
            const std::size_t tokens = ids.size() / slotCount;
            layer.tokens += static_cast<std::int64_t>(tokens);
            for (const ExpertId id : ids)
                if (id != noExpert)
                    ++layer.load[id];
            for (std::size_t c = 0; c < lengths.size(); ++c) {
                const auto length = static_cast<std::size_t>(lengths[c]);
                layer.unions[c].add(distinctExperts(layer.seen, ids, slotCount, length), static_cast<double>(tokens / length));
            }
        },
        [](int) {});

    std::vector<std::int64_t> layerColumn, chunk, n;
    std::vector<double> value, low, high, chance, uniform;
    const auto sparsity = [&](double active) { return 1 - (active + shared) / all; };
    for (std::size_t m = 0; m < layers.size(); ++m)
        for (std::size_t c = 0; c < lengths.size(); ++c) {
            const Layer &layer = layers[m];
            const auto tokens = static_cast<double>(layer.tokens), length = static_cast<double>(lengths[c]);
            const Interval active = layer.unions[c].interval(experts);
            double untouched = 0, choices = 0;
            for (const std::int64_t load : layer.load) {
                untouched += std::pow(1 - static_cast<double>(load) / tokens, length);
                choices += static_cast<double>(load);
            }
            layerColumn.push_back(meta.layers[m]);
            chunk.push_back(lengths[c]);
            value.push_back(sparsity(layer.unions[c].value()));
            low.push_back(sparsity(active.high));
            high.push_back(sparsity(active.low));
            chance.push_back(sparsity(experts - untouched));
            uniform.push_back(sparsity(experts - experts * std::pow(1 - choices / tokens / experts, length)));
            n.push_back(static_cast<std::int64_t>(layer.unions[c].x));
        }

    Result result;
    Series byLength{.id = "sparsity-by-length",
        .title = "Experts that a chunk leaves untouched",
        .xTitle = "Tokens of the chunk",
        .yTitle = "Sparsity, mean over layers",
        .unit = "1",
        .x = std::vector<double>(lengths.begin(), lengths.end()),
        .curves = {{Curve::Role::Data, "measured", {}, {}, {}}, {Curve::Role::Chance, "tokens in random order", {}, {}, {}},
            {Curve::Role::Chance, "even router", {}, {}, {}}},
        .names = {}};
    for (std::size_t c = 0; c < lengths.size(); ++c) {
        std::vector<double> values, chances, uniforms;
        for (std::size_t row = c; row < value.size(); row += lengths.size()) {
            values.push_back(value[row]);
            chances.push_back(chance[row]);
            uniforms.push_back(uniform[row]);
        }
        byLength.curves[0].y.push_back(mean(values));
        byLength.curves[1].y.push_back(mean(chances));
        byLength.curves[2].y.push_back(mean(uniforms));
        result.numbers.push_back({.id = lengths[c] == 1 ? "tls" : "cls_" + std::to_string(lengths[c]),
            .title = lengths[c] == 1 ? "Token-level sparsity, mean over layers"
                                     : "Chunk-level sparsity of " + std::to_string(lengths[c]) + " tokens, mean over layers",
            .unit = "1",
            .value = mean(values),
            .chance = mean(chances),
            .n = layers.empty() ? 0 : static_cast<std::int64_t>(layers.front().unions[c].x),
            .of = "chunks"});
        Series byLayer = layerSeries("sparsity-" + std::to_string(lengths[c]),
            "Experts that " + std::to_string(lengths[c]) + (lengths[c] == 1 ? " token leaves" : " tokens leave") + " untouched", "Sparsity",
            "1", meta.layers);
        Curve data{.name = "measured", .y = values, .low = {}, .high = {}};
        for (std::size_t row = c; row < value.size(); row += lengths.size()) {
            data.low.push_back(low[row]);
            data.high.push_back(high[row]);
        }
        byLayer.curves = {std::move(data), {Curve::Role::Chance, "tokens in random order", chances, {}, {}}};
        result.series.push_back(std::move(byLayer));
    }
    result.series.insert(result.series.begin(), std::move(byLength));
    result.tables.push_back({.id = "sparsity",
        .title = "Share of the experts that a chunk of tokens leaves untouched",
        .columns = {
            {"layer", "", "The model's own number of the layer", std::move(layerColumn)},
            {"chunk", "tokens", "Length of the chunk", std::move(chunk)},
            {"value", "1", "1 - mean number of distinct experts of a chunk / experts; TLS for one token, CLS for more", std::move(value)},
            {"low", "1", "95 % interval by the spread between sequences; empty for a single sequence", std::move(low)},
            {"high", "1", "95 % interval by the spread between sequences; empty for a single sequence", std::move(high)},
            {"chance", "1", "Sparsity if the tokens came in random order, given the experts' loads", std::move(chance)},
            {"uniform", "1", "Sparsity of an even router: (1 - k/E)^m", std::move(uniform)},
            {"n", "chunks", "Whole chunks counted", std::move(n)},
        }});
    result.notes.push_back("Chunks do not cross the border of a sequence; its incomplete last chunk is left out.");
    if (shared > 0)
        result.notes.push_back("The model's shared experts count as active and among all experts.");
    return result;
}

} // namespace

AnalysisKind chunkSparsity()
{
    return {.id = "chunk-sparsity",
        .title = "Chunk sparsity (TLS, CLS)",
        .help = "How many experts do several tokens in a row leave untouched?",
        .definition =
            "Sequences are cut into chunks of m tokens that do not overlap. CLS_m = 1 - mean over chunks of the number of distinct experts "
            "chosen / E; TLS = CLS_1. Chance: 1 - the distinct experts of m tokens picked at random from the layer, given the experts' "
            "loads; "
            "even router: (1 - k/E)^m. Interval by the spread between sequences. n is the number of chunks.",
        .source = "Song et al. 2025 (BlockFFN), arXiv 2507.08771",
        .params = params,
        .numbers = "tls|cls_*",
        .traces = 1,
        .needs = {.tokens = true},
        .run = run};
}

} // namespace expertscope
