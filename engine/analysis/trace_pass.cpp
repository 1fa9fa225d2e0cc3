// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/trace_pass.h"

#include "engine/core/error.h"
#include "engine/core/parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

namespace expertscope {

namespace {

constexpr std::int64_t rowsPerBlock = 4096; // the trace file's own chunk: a block reads each chunk once
constexpr std::int64_t rowsPerBlockOfLogits = 1024;
constexpr int mostLayersTogether = 4; ///< whose blocks are read in turns where each is wanted twice, as a layer and as the next one

} // namespace

void forEachBlock(
    const RoutingTrace &trace, const PassFields &fields, const Progress &progress, const std::function<void(const LayerBlock &)> &body)
{
    const TraceMeta &meta = trace.meta();
    const std::int64_t rows = fields.logits ? rowsPerBlockOfLogits : rowsPerBlock;
    const auto slots = static_cast<std::size_t>(meta.slotCount);
    const auto experts = static_cast<std::size_t>(meta.experts);
    std::mutex reporting;
    std::int64_t rowsDone = 0;
    // several groups of layers for each thread, so that none waits long for the last
    const int together = fields.nextIds ? std::clamp(meta.moeLayers() / (2 * threadCount()), 1, mostLayersTogether) : 1;
    parallelFor(meta.moeLayers(), together, [&](std::int64_t firstLayer, std::int64_t endLayer) {
        std::vector<ExpertId> ids, nextIds;
        std::vector<float> weights, logits;
        for (std::int64_t begin = 0; begin < meta.tokens; begin += rows) {
            const TokenRange range{begin, std::min(begin + rows, meta.tokens)};
            const auto n = static_cast<std::size_t>(range.count());
            for (int layer = static_cast<int>(firstLayer); layer < endLayer; ++layer) {
                progress.check();
                if (fields.nextIds && layer > firstLayer) {
                    ids.swap(nextIds);
                } else {
                    ids.resize(n * slots);
                    trace.expertIds(range, layer, ids);
                }
                LayerBlock block{.layer = layer, .range = range, .ids = ids, .nextIds = {}, .weights = {}, .logits = {}};
                if (fields.nextIds && layer + 1 < meta.moeLayers()) {
                    nextIds.resize(n * slots);
                    trace.expertIds(range, layer + 1, nextIds);
                    block.nextIds = nextIds;
                }
                if (fields.weights) {
                    weights.resize(n * slots);
                    trace.gateWeights(range, layer, weights);
                    block.weights = weights;
                }
                if (fields.logits) {
                    logits.resize(n * experts);
                    trace.routerLogits(range, layer, logits);
                    block.logits = logits;
                }
                body(block);
                const std::lock_guard lock{reporting};
                rowsDone += range.count();
                progress.report(rowsDone / std::max(1, meta.moeLayers()), meta.tokens, "tokens");
            }
        }
    });
}

void forEachSequence(const TraceMeta &meta, TokenRange range, const std::function<void(int, TokenRange)> &body)
{
    for (auto s = static_cast<std::size_t>(std::max(0, meta.sequenceOf(range.begin))); s < meta.sequences.size(); ++s) {
        const TokenRange tokens = meta.sequences[s].range();
        if (tokens.begin >= range.end)
            break;
        const TokenRange part{std::max(tokens.begin, range.begin), std::min(tokens.end, range.end)};
        if (part.count() > 0)
            body(static_cast<int>(s), part);
    }
}

void forEachWholeSequence(const RoutingTrace &trace, const Progress &progress,
    const std::function<void(int layer, int sequence, std::span<const ExpertId> ids)> &body, const std::function<void(int layer)> &done)
{
    const TraceMeta &meta = trace.meta();
    const auto slotCount = static_cast<std::size_t>(meta.slotCount);
    std::vector<std::vector<ExpertId>> begun(meta.layers.size()); // what earlier blocks held of a sequence
    forEachBlock(trace, {}, progress, [&](const LayerBlock &block) {
        std::vector<ExpertId> &before = begun[static_cast<std::size_t>(block.layer)];
        forEachSequence(meta, block.range, [&](int sequence, TokenRange piece) {
            const auto ids = block.ids.subspan(
                static_cast<std::size_t>(piece.begin - block.range.begin) * slotCount, static_cast<std::size_t>(piece.count()) * slotCount);
            const TokenRange whole = meta.sequences[static_cast<std::size_t>(sequence)].range();
            if (piece == whole) {
                body(block.layer, sequence, ids);
                return;
            }
            before.insert(before.end(), ids.begin(), ids.end());
            if (piece.end == whole.end) {
                body(block.layer, sequence, before);
                before.clear();
            }
        });
        if (block.range.end == meta.tokens) {
            std::vector<ExpertId>{}.swap(before);
            done(block.layer);
        }
    });
}

int layerIndex(const TraceMeta &meta, std::int64_t number)
{
    const auto at = std::find(meta.layers.begin(), meta.layers.end(), number);
    if (at != meta.layers.end())
        return static_cast<int>(at - meta.layers.begin());
    throw Error{ErrorKind::Usage, "layer " + std::to_string(number) + " is not an MoE layer of the trace", meta.title,
        meta.layers.empty()
            ? "The trace has none"
            : "Its MoE layers lie between " + std::to_string(meta.layers.front()) + " and " + std::to_string(meta.layers.back())};
}

} // namespace expertscope
