// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/memory_trace.h"

#include "engine/core/summary.h"
#include "engine/core/tensor.h"

#include <algorithm>

namespace expertscope {

void MemoryTrace::begin(const TraceMeta &meta)
{
    *this = MemoryTrace{};
    m_meta = meta;
    m_meta.tokens = 0;
    m_meta.sequences.clear();
    if (m_meta.dateCreated.empty())
        m_meta.dateCreated = currentDate();
    const std::size_t cells = m_meta.layers.size() * static_cast<std::size_t>(m_meta.experts);
    m_load.assign(cells, 0);
    m_gateMass.assign(m_meta.fields.gateWeight ? cells : 0, 0.0);
}

void MemoryTrace::append(const TraceBlock &block)
{
    checkBlock(m_meta, block);
    if (block.count == 0)
        return;
    m_pieces.push_back({m_appended, std::make_shared<const TraceBlock>(block)});
    m_appended += block.count;
}

void MemoryTrace::endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax)
{
    checkSequence(m_meta, info, meanSoftmax, m_meta.tokens, m_appended);
    const auto slots = static_cast<std::size_t>(m_meta.slotCount);
    const auto experts = static_cast<std::size_t>(m_meta.experts);
    forEachPiece(info.range(), [&](const TraceBlock &block, std::int64_t first, std::int64_t count, std::int64_t) {
        for (std::size_t layer = 0; layer < m_meta.layers.size(); ++layer) {
            const std::size_t begin = (layer * static_cast<std::size_t>(block.count) + static_cast<std::size_t>(first)) * slots;
            for (std::size_t i = begin; i < begin + static_cast<std::size_t>(count) * slots; ++i) {
                const ExpertId id = block.expertId[i];
                if (id == noExpert)
                    continue;
                ++m_load[layer * experts + id];
                if (!m_gateMass.empty())
                    m_gateMass[layer * experts + id] += static_cast<double>(block.gateWeight[i]);
            }
        }
    });
    m_meta.tokens = info.range().end;
    m_meta.sequences.push_back(info);
    if (m_meta.fields.meanSoftmax)
        m_meanSoftmax.push_back(std::make_shared<const std::vector<float>>(meanSoftmax.begin(), meanSoftmax.end()));
}

void MemoryTrace::importCounts(const RoutingSummary &counts)
{
    checkCounts(m_meta, counts);
    m_counts = std::make_shared<const RoutingSummary>(counts);
    m_load = counts.total(counts.counts);
    m_gateMass = counts.total(counts.gateMass);
}

void MemoryTrace::finish(std::span<const TraceCheck> checks)
{
    m_meta.checks.assign(checks.begin(), checks.end());
    while (!m_pieces.empty() && m_pieces.back().firstToken >= m_meta.tokens)
        m_pieces.pop_back();
}

TracePtr MemoryTrace::snapshot() const
{
    return std::make_shared<const MemoryTrace>(*this);
}

/// Calls copy(block, first row in the block, rows, rows already handed over) for every piece of the range, in order.
template<typename Copy>
void MemoryTrace::forEachPiece(TokenRange range, const Copy &copy) const
{
    auto piece =
        std::upper_bound(m_pieces.begin(), m_pieces.end(), range.begin, [](std::int64_t t, const Piece &p) { return t < p.firstToken; });
    if (piece != m_pieces.begin())
        --piece;
    std::int64_t at = range.begin;
    for (; at < range.end && piece != m_pieces.end(); ++piece) {
        const std::int64_t first = at - piece->firstToken;
        const std::int64_t count = std::min(range.end - at, piece->block->count - first);
        copy(*piece->block, first, count, at - range.begin);
        at += count;
    }
}

template<typename T, typename From, typename Convert>
void MemoryTrace::copyLayer(
    TokenRange range, int layer, int width, const std::vector<From> TraceBlock::*column, std::span<T> out, const Convert &convert) const
{
    forEachPiece(range, [&](const TraceBlock &block, std::int64_t first, std::int64_t count, std::int64_t done) {
        const From *from = (block.*column).data() + (layer * block.count + first) * width;
        std::transform(from, from + count * width, out.data() + done * width, convert);
    });
}

TokenColumns MemoryTrace::tokens(TokenRange range) const
{
    checkRead(m_meta, range, 0);
    TokenColumns columns;
    forEachPiece(range, [&](const TraceBlock &block, std::int64_t first, std::int64_t count, std::int64_t) {
        const auto add = [&](auto &to, const auto &from) {
            if (!from.empty())
                to.insert(to.end(), from.begin() + first, from.begin() + first + count);
        };
        add(columns.tokenId, block.tokenId);
        add(columns.position, block.position);
        add(columns.seqIndex, block.seqIndex);
        add(columns.predictedId, block.predictedId);
        add(columns.phase, block.phase);
        add(columns.logprob, block.logprob);
        add(columns.bytes, block.bytes);
    });
    return columns;
}

void MemoryTrace::expertIds(TokenRange range, int layer, std::span<ExpertId> ids) const
{
    checkRead(m_meta, range, layer, true, "expert ids", ids.size(), m_meta.slotCount);
    copyLayer(range, layer, m_meta.slotCount, &TraceBlock::expertId, ids, [](ExpertId id) { return id; });
}

void MemoryTrace::gateWeights(TokenRange range, int layer, std::span<float> weights) const
{
    checkRead(m_meta, range, layer, m_meta.fields.gateWeight, "gate weights", weights.size(), m_meta.slotCount);
    copyLayer(range, layer, m_meta.slotCount, &TraceBlock::gateWeight, weights, [](float weight) { return weight; });
}

void MemoryTrace::routerLogits(TokenRange range, int layer, std::span<float> logits) const
{
    checkRead(m_meta, range, layer, m_meta.fields.routerLogit, "router logits", logits.size(), m_meta.experts);
    copyLayer(range, layer, m_meta.experts, &TraceBlock::routerLogit, logits, f16ToF32);
}

void MemoryTrace::selectionScores(TokenRange range, int layer, std::span<float> scores) const
{
    checkRead(m_meta, range, layer, m_meta.fields.selectionScore, "selection scores", scores.size(), m_meta.experts);
    copyLayer(range, layer, m_meta.experts, &TraceBlock::selectionScore, scores, f16ToF32);
}

void MemoryTrace::expertOutNorms(TokenRange range, int layer, std::span<float> norms) const
{
    checkRead(m_meta, range, layer, m_meta.fields.expertOutNorm, "expert output norms", norms.size(), m_meta.slotCount);
    copyLayer(range, layer, m_meta.slotCount, &TraceBlock::expertOutNorm, norms, f16ToF32);
}

void MemoryTrace::meanSoftmax(int sequence, std::span<float> mean) const
{
    checkMeanSoftmaxRead(m_meta, sequence, mean.size());
    const std::vector<float> &from = *m_meanSoftmax[static_cast<std::size_t>(sequence)];
    std::copy(from.begin(), from.end(), mean.begin());
}

std::vector<std::int64_t> MemoryTrace::load() const
{
    return m_load;
}

std::vector<double> MemoryTrace::gateMass() const
{
    return m_gateMass;
}

namespace {

/// Tokens per block such that its widest columns stay near 16 MB.
std::int64_t blockRows(const TraceMeta &meta)
{
    const std::int64_t bytesPerSlot = 2 + (meta.fields.gateWeight ? 4 : 0) + (meta.fields.expertOutNorm ? 2 : 0);
    const std::int64_t bytesPerExpert = (meta.fields.routerLogit ? 2 : 0) + (meta.fields.selectionScore ? 2 : 0);
    const std::int64_t rowBytes = meta.moeLayers() * (meta.slotCount * bytesPerSlot + meta.experts * bytesPerExpert);
    return std::clamp<std::int64_t>((16 << 20) / std::max<std::int64_t>(rowBytes, 1), 64, 4096);
}

TraceBlock readBlock(const RoutingTrace &from, TokenRange range)
{
    const TraceMeta &meta = from.meta();
    const TraceFields &fields = meta.fields;
    TokenColumns columns = from.tokens(range);
    TraceBlock block;
    block.count = range.count();
    block.tokenId = std::move(columns.tokenId);
    block.position = std::move(columns.position);
    block.seqIndex = std::move(columns.seqIndex);
    block.predictedId = std::move(columns.predictedId);
    block.phase = std::move(columns.phase);
    block.logprob = std::move(columns.logprob);
    block.bytes = std::move(columns.bytes);

    const std::size_t perSlot = static_cast<std::size_t>(range.count()) * static_cast<std::size_t>(meta.slotCount);
    const std::size_t perExpert = static_cast<std::size_t>(range.count()) * static_cast<std::size_t>(meta.experts);
    const std::size_t layers = meta.layers.size();
    block.expertId.resize(layers * perSlot);
    block.gateWeight.resize(fields.gateWeight ? layers * perSlot : 0);
    block.routerLogit.resize(fields.routerLogit ? layers * perExpert : 0);
    block.selectionScore.resize(fields.selectionScore ? layers * perExpert : 0);
    block.expertOutNorm.resize(fields.expertOutNorm ? layers * perSlot : 0);

    std::vector<float> values(std::max(perSlot, perExpert));
    const auto toHalf = [&](std::vector<std::uint16_t> &column, int layer, std::size_t width, auto read) {
        if (column.empty())
            return;
        (from.*read)(range, layer, std::span{values}.first(width));
        std::transform(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(width),
            column.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(layer) * width), f32ToF16);
    };
    for (int layer = 0; layer < meta.moeLayers(); ++layer) {
        const std::size_t at = static_cast<std::size_t>(layer) * perSlot;
        from.expertIds(range, layer, std::span{block.expertId}.subspan(at, perSlot));
        if (fields.gateWeight)
            from.gateWeights(range, layer, std::span{block.gateWeight}.subspan(at, perSlot));
        toHalf(block.routerLogit, layer, perExpert, &RoutingTrace::routerLogits);
        toHalf(block.selectionScore, layer, perExpert, &RoutingTrace::selectionScores);
        toHalf(block.expertOutNorm, layer, perSlot, &RoutingTrace::expertOutNorms);
    }
    return block;
}

} // namespace

void copyTrace(const RoutingTrace &from, TraceSink &to, const Progress &progress)
{
    const TraceMeta &meta = from.meta();
    to.begin(meta);
    if (const auto counts = from.importedCounts()) {
        to.importCounts(*counts);
        to.finish(meta.checks);
        return;
    }
    std::vector<float> mean(meta.fields.meanSoftmax ? meta.layers.size() * static_cast<std::size_t>(meta.experts) : 0);
    std::size_t sequence = 0;
    const auto endSequencesUpTo = [&](std::int64_t token) {
        for (; sequence < meta.sequences.size() && meta.sequences[sequence].range().end <= token; ++sequence) {
            if (!mean.empty())
                from.meanSoftmax(static_cast<int>(sequence), mean);
            to.endSequence(meta.sequences[sequence], mean);
        }
    };
    const std::int64_t rows = blockRows(meta);
    for (std::int64_t at = 0; at < meta.tokens; at += rows) {
        progress.check();
        const TokenRange range{at, std::min(at + rows, meta.tokens)};
        to.append(readBlock(from, range));
        endSequencesUpTo(range.end);
        progress.report(range.end, meta.tokens, "tokens");
    }
    endSequencesUpTo(meta.tokens);
    to.finish(meta.checks);
}

} // namespace expertscope
