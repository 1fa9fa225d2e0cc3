// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/core/golden_traces.h"

#include "engine/core/memory_trace.h"
#include "io/importers/import.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <numeric>

namespace expertscope::test {

namespace {

class SplitMix64 {
public:
    explicit SplitMix64(std::uint64_t seed)
        : m_state{seed}
    {
    }
    std::uint64_t next()
    {
        m_state += 0x9E3779B97F4A7C15u;
        std::uint64_t z = m_state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }

private:
    std::uint64_t m_state;
};

TraceMeta metaOf(std::string title, int layers, int firstLayer, int experts, int slotCount, bool weights)
{
    TraceMeta meta;
    meta.title = std::move(title);
    meta.dateCreated = "2026-01-02T03:04:05Z";
    meta.model.topK = slotCount;
    meta.model.nExperts = experts;
    meta.slotCount = slotCount;
    meta.experts = experts;
    meta.layers.resize(static_cast<std::size_t>(layers));
    std::iota(meta.layers.begin(), meta.layers.end(), firstLayer);
    meta.fields = {};
    meta.fields.gateWeight = weights;
    return meta;
}

/// Columns that say nothing: token ids are unknown.
TraceBlock emptyBlock(const TraceMeta &meta, std::int64_t tokens)
{
    const auto n = static_cast<std::size_t>(tokens);
    const std::size_t cells = n * meta.layers.size() * static_cast<std::size_t>(meta.slotCount);
    TraceBlock block;
    block.count = tokens;
    block.tokenId.assign(n, -1);
    block.position.resize(n);
    block.seqIndex.assign(n, 0);
    block.phase.assign(n, Phase::Prefill);
    block.expertId.assign(cells, noExpert);
    block.gateWeight.assign(meta.fields.gateWeight ? cells : 0, 0.0f);
    return block;
}

/// `offsets`: where each sequence begins, and the end. Fills positions and sequence numbers.
TracePtr traceOf(const TraceMeta &meta, TraceBlock block, const std::vector<std::int64_t> &offsets, const std::string &domain)
{
    for (std::size_t s = 0; s + 1 < offsets.size(); ++s)
        for (std::int64_t t = offsets[s]; t < offsets[s + 1]; ++t) {
            block.position[static_cast<std::size_t>(t)] = static_cast<std::int32_t>(t - offsets[s]);
            block.seqIndex[static_cast<std::size_t>(t)] = static_cast<std::int32_t>(s);
        }
    MemoryTrace trace;
    trace.begin(meta);
    trace.append(block);
    for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
        SequenceInfo info;
        info.id = "sequence-" + std::to_string(s);
        info.domain = domain;
        info.firstToken = offsets[s];
        info.nPrompt = offsets[s + 1] - offsets[s];
        trace.endSequence(info, {});
    }
    trace.finish({});
    return trace.snapshot();
}

/// The routing of a trace, and nothing else, in other sequences.
TracePtr recut(const RoutingTrace &trace, const std::vector<std::int64_t> &offsets, const std::string &domain)
{
    TraceMeta meta = trace.meta();
    meta.fields = {};
    meta.fields.gateWeight = trace.meta().fields.gateWeight;
    meta.labelColumns.clear();
    TraceBlock block = emptyBlock(meta, meta.tokens);
    const TokenRange all{0, meta.tokens};
    const std::size_t perLayer = static_cast<std::size_t>(meta.tokens) * static_cast<std::size_t>(meta.slotCount);
    for (std::size_t layer = 0; layer < meta.layers.size(); ++layer) {
        trace.expertIds(all, static_cast<int>(layer), std::span{block.expertId}.subspan(layer * perLayer, perLayer));
        if (meta.fields.gateWeight)
            trace.gateWeights(all, static_cast<int>(layer), std::span{block.gateWeight}.subspan(layer * perLayer, perLayer));
    }
    return traceOf(meta, std::move(block), offsets, domain);
}

constexpr std::int64_t goldenTokens = 512;
constexpr std::size_t goldenLayers = 4;

} // namespace

TracePtr goldenTop2()
{
    const TraceMeta meta = metaOf("G1", goldenLayers, 0, 16, 2, true);
    TraceBlock block = emptyBlock(meta, goldenTokens);
    SplitMix64 random{0x5EED};
    const auto at = [](std::int64_t t, std::size_t layer) { return (layer * goldenTokens + static_cast<std::size_t>(t)) * 2; };
    for (std::int64_t t = 0; t < goldenTokens; ++t)
        for (std::size_t layer = 0; layer < goldenLayers; ++layer) {
            const std::uint64_t u = random.next();
            const std::uint64_t first = t > 0 && u % 4 != 0 ? block.expertId[at(t - 1, layer)] : (u >> 8) % 16;
            const std::uint64_t v = random.next();
            const std::uint64_t second = (first + 1 + (v >> 8) % (v % 2 ? 3 : 15)) % 16;
            const float weight = 0.5f + static_cast<float>((v >> 40) % 128) / 256;
            block.expertId[at(t, layer)] = static_cast<ExpertId>(first);
            block.expertId[at(t, layer) + 1] = static_cast<ExpertId>(second);
            block.gateWeight[at(t, layer)] = weight;
            block.gateWeight[at(t, layer) + 1] = 1 - weight;
        }
    return traceOf(meta, std::move(block), {0, goldenTokens}, "");
}

TracePtr goldenTop1()
{
    const TraceMeta meta = metaOf("G2", goldenLayers, 0, 16, 1, false);
    TraceBlock block = emptyBlock(meta, goldenTokens);
    SplitMix64 random{0xBEEF};
    const auto at = [](std::int64_t t, std::size_t layer) { return layer * goldenTokens + static_cast<std::size_t>(t); };
    for (std::int64_t t = 0; t < goldenTokens; ++t)
        for (std::size_t layer = 0; layer < goldenLayers; ++layer) {
            const std::uint64_t u = random.next();
            const std::uint64_t id = layer > 0 && u % 4 != 0 ? (5u * block.expertId[at(t, layer - 1)] + 3u) % 16 : (u >> 8) % 16;
            block.expertId[at(t, layer)] = static_cast<ExpertId>(id);
        }
    return traceOf(meta, std::move(block), {0, goldenTokens}, "");
}

std::uint64_t hashOfIds(const RoutingTrace &trace)
{
    std::uint64_t hash = 0xcbf29ce484222325u;
    std::vector<ExpertId> ids(static_cast<std::size_t>(trace.meta().slotCount));
    for (std::int64_t t = 0; t < trace.meta().tokens; ++t)
        for (int layer = 0; layer < trace.meta().moeLayers(); ++layer) {
            trace.expertIds({t, t + 1}, layer, ids);
            for (const ExpertId id : ids)
                hash = (hash ^ id) * 0x100000001b3u;
        }
    return hash;
}

TracePtr realTrace(const std::string &name)
{
    const char *folder = std::getenv("EXPERTSCOPE_SHARED");
    const std::filesystem::path shared = folder && *folder ? folder : SOURCE_DIR "/../shared";
    const std::filesystem::path file = shared / "data/real-traces" / ("dsv2lite-" + name + ".npz");
    if (!std::filesystem::exists(file))
        return nullptr;
    MemoryTrace imported;
    ImportReport report;
    importTrace(std::span{&file, 1}, {}, imported, report, Progress{});
    std::vector<std::int64_t> offsets{0};
    for (const SequenceInfo &info : imported.meta().sequences)
        offsets.push_back(info.range().end);
    return recut(imported, offsets, name);
}

TracePtr cutIntoSequences(const RoutingTrace &trace, std::int64_t length)
{
    std::vector<std::int64_t> offsets{0};
    while (offsets.back() < trace.meta().tokens)
        offsets.push_back(std::min(offsets.back() + length, trace.meta().tokens));
    return recut(trace, offsets, "");
}

} // namespace expertscope::test
