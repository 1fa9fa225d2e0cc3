// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/cut_trace.h"

#include "engine/core/error.h"

#include <algorithm>

namespace expertscope {

namespace {

constexpr std::int64_t rowsPerRead = 4096;

[[noreturn]] void refuse(const char *what)
{
    throw Error{ErrorKind::Usage, what, "token filter", "Keep one run of tokens of each sequence"};
}

class CutTrace final : public RoutingTrace {
public:
    CutTrace(TracePtr whole, std::vector<TokenRange> kept)
        : m_whole{std::move(whole)}
        , m_kept{std::move(kept)}
        , m_meta{m_whole->meta()}
    {
        if (m_kept.size() != m_meta.sequences.size())
            refuse("a range of tokens is needed for every sequence");
        m_meta.tokens = 0;
        m_meta.fields.meanSoftmax = false;
        for (std::size_t s = 0; s < m_kept.size(); ++s) {
            SequenceInfo &info = m_meta.sequences[s];
            TokenRange &range = m_kept[s];
            const TokenRange all = info.range();
            if (range.count() <= 0)
                range = {all.begin, all.begin};
            if (range.begin < all.begin || range.end > all.end)
                refuse("a range of tokens lies outside of its sequence");
            const std::int64_t prompt = std::clamp(all.begin + info.nPrompt, range.begin, range.end) - range.begin;
            info.firstToken = m_meta.tokens;
            info.nPrompt = prompt;
            info.nGenerated = range.count() - prompt;
            m_meta.tokens += range.count();
        }
    }

    const TraceMeta &meta() const override { return m_meta; }

    TokenColumns tokens(TokenRange range) const override
    {
        checkRead(m_meta, range, 0);
        TokenColumns all;
        forEachRun(range, [&](const Run &run, std::int64_t) {
            TokenColumns columns = m_whole->tokens(run.cover);
            const auto take = [&](auto &to, auto &from) {
                if (from.empty())
                    return;
                for (const TokenRange &part : run.parts)
                    to.insert(to.end(), std::make_move_iterator(from.begin() + (part.begin - run.cover.begin)),
                        std::make_move_iterator(from.begin() + (part.end - run.cover.begin)));
            };
            take(all.tokenId, columns.tokenId);
            take(all.position, columns.position);
            take(all.seqIndex, columns.seqIndex);
            take(all.predictedId, columns.predictedId);
            take(all.phase, columns.phase);
            take(all.logprob, columns.logprob);
            take(all.bytes, columns.bytes);
        });
        return all;
    }
    void expertIds(TokenRange range, int layer, std::span<ExpertId> ids) const override
    {
        read<ExpertId>(range, layer, true, "expert_id", m_meta.slotCount, ids,
            [&](TokenRange rows, std::span<ExpertId> to) { m_whole->expertIds(rows, layer, to); });
    }
    void gateWeights(TokenRange range, int layer, std::span<float> weights) const override
    {
        read<float>(range, layer, m_meta.fields.gateWeight, "gate_weight", m_meta.slotCount, weights,
            [&](TokenRange rows, std::span<float> to) { m_whole->gateWeights(rows, layer, to); });
    }
    void routerLogits(TokenRange range, int layer, std::span<float> logits) const override
    {
        read<float>(range, layer, m_meta.fields.routerLogit, "router_logit", m_meta.experts, logits,
            [&](TokenRange rows, std::span<float> to) { m_whole->routerLogits(rows, layer, to); });
    }
    void selectionScores(TokenRange range, int layer, std::span<float> scores) const override
    {
        read<float>(range, layer, m_meta.fields.selectionScore, "selection_score", m_meta.experts, scores,
            [&](TokenRange rows, std::span<float> to) { m_whole->selectionScores(rows, layer, to); });
    }
    void expertOutNorms(TokenRange range, int layer, std::span<float> norms) const override
    {
        read<float>(range, layer, m_meta.fields.expertOutNorm, "expert_out_norm", m_meta.slotCount, norms,
            [&](TokenRange rows, std::span<float> to) { m_whole->expertOutNorms(rows, layer, to); });
    }
    void meanSoftmax(int sequence, std::span<float> mean) const override { checkMeanSoftmaxRead(m_meta, sequence, mean.size()); }

    std::vector<std::int64_t> load() const override
    {
        return summed<std::int64_t>([](std::int64_t &sum, float) { ++sum; });
    }
    std::vector<double> gateMass() const override
    {
        if (!m_meta.fields.gateWeight)
            return {};
        return summed<double>([](double &sum, float weight) { sum += static_cast<double>(weight); });
    }

private:
    /// Rows of the whole trace that are read at once, and the parts of them that are wanted.
    struct Run {
        TokenRange cover;
        std::vector<TokenRange> parts;
    };

    /// Calls body(run, rows of this trace before it) until the range is through. What lies between short sequences is read along.
    template<typename Body>
    void forEachRun(TokenRange range, const Body &body) const
    {
        const auto after = std::upper_bound(m_meta.sequences.begin(), m_meta.sequences.end(), range.begin,
            [](std::int64_t row, const SequenceInfo &info) { return row < info.range().end; });
        Run run;
        std::int64_t wanted = 0, done = 0;
        const auto flush = [&] {
            if (!run.parts.empty())
                body(run, done);
            done += std::exchange(wanted, 0);
            run = {};
        };
        for (auto s = static_cast<std::size_t>(after - m_meta.sequences.begin()); s < m_kept.size(); ++s) {
            const TokenRange rows = m_meta.sequences[s].range();
            if (rows.begin >= range.end)
                break;
            const std::int64_t begin = std::max(rows.begin, range.begin), end = std::min(rows.end, range.end);
            if (begin >= end)
                continue;
            const std::int64_t shift = m_kept[s].begin - rows.begin;
            const TokenRange part{begin + shift, end + shift};
            if (!run.parts.empty() && part.end - run.cover.begin > 2 * (wanted + part.count()) + rowsPerRead)
                flush();
            if (run.parts.empty())
                run.cover.begin = part.begin;
            run.cover.end = part.end;
            run.parts.push_back(part);
            wanted += part.count();
        }
        flush();
    }

    template<typename Value, typename Read>
    void read(TokenRange range, int layer, bool has, const char *field, int width, std::span<Value> out, const Read &readWhole) const
    {
        checkRead(m_meta, range, layer, has, field, out.size(), width);
        const auto each = static_cast<std::size_t>(width);
        std::vector<Value> buffer;
        forEachRun(range, [&](const Run &run, std::int64_t done) {
            auto to = out.begin() + done * width;
            if (run.parts.size() == 1) {
                readWhole(run.cover, std::span<Value>{to, static_cast<std::size_t>(run.cover.count()) * each});
                return;
            }
            buffer.resize(static_cast<std::size_t>(run.cover.count()) * each);
            readWhole(run.cover, buffer);
            for (const TokenRange &part : run.parts)
                to = std::copy_n(buffer.begin() + (part.begin - run.cover.begin) * width, part.count() * width, to);
        });
    }

    /// [M, E] of add(sum, gate weight or 0) over all choices.
    template<typename Sum, typename Add>
    std::vector<Sum> summed(const Add &add) const
    {
        const auto slotCount = static_cast<std::size_t>(m_meta.slotCount), experts = static_cast<std::size_t>(m_meta.experts);
        std::vector<Sum> sums(m_meta.layers.size() * experts, Sum{});
        std::vector<ExpertId> ids;
        std::vector<float> weights;
        for (int layer = 0; layer < m_meta.moeLayers(); ++layer)
            for (std::int64_t at = 0; at < m_meta.tokens; at += rowsPerRead) {
                const TokenRange rows{at, std::min(at + rowsPerRead, m_meta.tokens)};
                ids.resize(static_cast<std::size_t>(rows.count()) * slotCount);
                weights.assign(ids.size(), 0.0F);
                expertIds(rows, layer, ids);
                if (m_meta.fields.gateWeight)
                    gateWeights(rows, layer, weights);
                for (std::size_t i = 0; i < ids.size(); ++i)
                    if (ids[i] != noExpert)
                        add(sums[static_cast<std::size_t>(layer) * experts + ids[i]], weights[i]);
            }
        return sums;
    }

    TracePtr m_whole;
    std::vector<TokenRange> m_kept; ///< [S] rows of the whole trace
    TraceMeta m_meta;
};

} // namespace

TracePtr cutTrace(TracePtr whole, std::vector<TokenRange> kept)
{
    return std::make_shared<const CutTrace>(std::move(whole), std::move(kept));
}

std::vector<TokenRange> keptRanges(const TraceMeta &meta, const std::vector<std::uint8_t> &counted)
{
    std::vector<TokenRange> kept;
    for (const SequenceInfo &info : meta.sequences) {
        const auto begin = counted.begin() + info.range().begin, end = counted.begin() + info.range().end;
        const auto first = std::find(begin, end, 1), last = std::find(first, end, 0);
        if (std::find(last, end, 1) != end)
            refuse("the tokens that count are not one run of their sequence");
        kept.push_back({first - counted.begin(), last - counted.begin()});
    }
    return kept;
}

} // namespace expertscope
