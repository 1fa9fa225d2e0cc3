// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/transition_steps.h"

#include "engine/analysis/trace_pass.h"

#include <cmath>

namespace expertscope {

namespace {

constexpr std::size_t tokensTogether = 32768; ///< whose shifts are counted at a time: far more than a table has cells that are near

/// Counts one layer against the next, sequence by sequence.
class StepCounter {
public:
    StepCounter(const TraceMeta &meta, int layer, bool allPairs, std::int64_t shifts, std::uint64_t seed)
        : m_width{allPairs ? static_cast<std::size_t>(meta.slotCount) : 1}
        , m_experts{static_cast<std::size_t>(meta.experts)}
        , m_random{seed, static_cast<std::uint64_t>(layer)}
        , m_counts{std::make_unique<PairCounter>(meta.experts)}
        , m_arrivals(m_experts)
        , m_shifted(static_cast<std::size_t>(shifts), std::vector<std::int64_t>(m_experts * m_experts))
    {
    }

    void token(std::span<const ExpertId> from, std::span<const ExpertId> to)
    {
        if (from.front() == noExpert || to.front() == noExpert)
            return;
        ++m_tokens;
        for (std::size_t slot = 0; slot < m_width; ++slot) {
            m_from.push_back(from[slot]);
            m_to.push_back(to[slot]);
            if (from[slot] != noExpert)
                m_counts->addFirst(from[slot]);
            if (to[slot] != noExpert)
                ++m_arrivals[to[slot]];
        }
    }

    void endSequence()
    {
        const Sequence sequence{m_begin, m_from.size() / m_width - m_begin};
        pairUp(sequence, 0, [&](ExpertId from, ExpertId to) { m_counts->addPair(from, to); });
        m_counts->endSequence();
        m_begin += sequence.length;
        m_waiting.push_back(sequence);
        if (m_begin >= tokensTogether)
            countShifted();
    }

    Step finish(bool keepCounts)
    {
        countShifted();
        Step step;
        std::vector<std::int64_t> table;
        for (int i = 0; i < static_cast<int>(m_experts); ++i)
            for (int j = 0; j < static_cast<int>(m_experts); ++j)
                table.push_back(m_counts->count(i, j));
        step.information = mutualInformation(table, m_experts);
        for (const std::vector<std::int64_t> &shifted : m_shifted)
            step.null.push_back(mutualInformation(shifted, m_experts).bits);
        step.pointwise.assign(table.size(), 0.0F);
        step.surprise.assign(m_experts, 0.0F);
        std::vector<double> rows(m_experts, 0.0), columns(m_experts, 0.0);
        double all = 0;
        for (std::size_t i = 0; i < table.size(); ++i) {
            rows[i / m_experts] += static_cast<double>(table[i]);
            columns[i % m_experts] += static_cast<double>(table[i]);
            all += static_cast<double>(table[i]);
        }
        for (std::size_t i = 0; i < table.size(); ++i)
            if (table[i] > 0)
                step.pointwise[i] =
                    static_cast<float>(std::log2(static_cast<double>(table[i]) * all / (rows[i / m_experts] * columns[i % m_experts])));
        for (std::size_t j = 0; j < m_experts; ++j)
            if (columns[j] > 0)
                step.surprise[j] = static_cast<float>(std::log2(all / columns[j]));
        step.tokens = m_tokens;
        step.arrivals = std::move(m_arrivals);
        if (keepCounts)
            step.counts = std::move(m_counts);
        return step;
    }

private:
    /// Tokens of m_from and m_to.
    struct Sequence {
        std::size_t begin, length;
    };

    /// The null of the sequences that wait. Many at once: a table is then in the cache for all of them.
    void countShifted()
    {
        std::vector<std::size_t> shifts(m_waiting.size() * m_shifted.size()); // [sequences, shifts]
        for (std::size_t s = 0; s < m_waiting.size(); ++s)
            for (std::size_t i = 0; i < m_shifted.size(); ++i)
                shifts[s * m_shifted.size() + i] = m_waiting[s].length > 1 ? 1 + m_random.below(m_waiting[s].length - 1) : 0;
        for (std::size_t i = 0; i < m_shifted.size(); ++i) {
            std::int64_t *table = m_shifted[i].data();
            for (std::size_t s = 0; s < m_waiting.size(); ++s)
                pairUp(m_waiting[s], shifts[s * m_shifted.size() + i],
                    [table, experts = m_experts](ExpertId from, ExpertId to) { ++table[from * experts + to]; });
        }
        m_waiting.clear();
        m_from.clear();
        m_to.clear();
        m_begin = 0;
    }

    /// Each token of the sequence with the one `shift` further on in the next layer, round the end.
    template<typename Add>
    void pairUp(const Sequence &sequence, std::size_t shift, const Add &add) const
    {
        const std::size_t rest = sequence.length - shift;
        pairUp(sequence.begin, sequence.begin + shift, rest, add);
        pairUp(sequence.begin + rest, sequence.begin, shift, add);
    }

    /// Tokens [from, from + count) with [to, to + count) of the next layer.
    template<typename Add>
    void pairUp(std::size_t from, std::size_t to, std::size_t count, const Add &add) const
    {
        const ExpertId *a = m_from.data() + from * m_width, *b = m_to.data() + to * m_width;
        if (m_width == 1) { // such tokens have a first choice in both layers
            for (std::size_t t = 0; t < count; ++t)
                add(a[t], b[t]);
            return;
        }
        for (std::size_t t = 0; t < count; ++t, a += m_width, b += m_width)
            for (std::size_t i = 0; i < m_width; ++i)
                for (std::size_t j = 0; j < m_width; ++j)
                    if (a[i] != noExpert && b[j] != noExpert)
                        add(a[i], b[j]);
    }

    std::size_t m_width, m_experts;
    Random m_random; ///< of the shifts
    std::unique_ptr<PairCounter> m_counts;
    std::vector<std::int64_t> m_arrivals;
    std::vector<std::vector<std::int64_t>> m_shifted; ///< [shifts] of [E, E]
    std::vector<ExpertId> m_from, m_to; ///< [tokens of the sequences that wait and of the one that is read, width]
    std::vector<Sequence> m_waiting;
    std::size_t m_begin = 0; ///< token of m_from with which the sequence that is read begins
    std::int64_t m_tokens = 0;
};

} // namespace

std::vector<Step> countSteps(const RoutingTrace &trace, const StepRequest &request, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    const auto slotCount = static_cast<std::size_t>(meta.slotCount);
    std::vector<Step> steps(meta.layers.size() - 1);
    std::vector<std::unique_ptr<StepCounter>> counters(steps.size());
    forEachBlock(trace, {.nextIds = true}, progress, [&](const LayerBlock &block) {
        if (block.layer + 1 >= meta.moeLayers())
            return;
        auto &counter = counters[static_cast<std::size_t>(block.layer)];
        if (!counter)
            counter = std::make_unique<StepCounter>(meta, block.layer, request.allPairs, request.shifts, request.seed);
        forEachSequence(meta, block.range, [&](int sequence, TokenRange piece) {
            for (std::int64_t t = piece.begin; t < piece.end; ++t) {
                const std::size_t row = static_cast<std::size_t>(t - block.range.begin) * slotCount;
                counter->token(block.ids.subspan(row, slotCount), block.nextIds.subspan(row, slotCount));
            }
            if (piece.end == meta.sequences[static_cast<std::size_t>(sequence)].range().end)
                counter->endSequence();
        });
        if (block.range.end == meta.tokens) {
            steps[static_cast<std::size_t>(block.layer)] = counter->finish(block.layer >= request.first && block.layer < request.last);
            counter.reset();
        }
    });
    return steps;
}

std::vector<std::vector<InformationSums>> sumsOfSequences(
    const RoutingTrace &trace, bool allPairs, const std::vector<Step> &steps, const Progress &progress)
{
    const TraceMeta &meta = trace.meta();
    const auto slotCount = static_cast<std::size_t>(meta.slotCount), experts = static_cast<std::size_t>(meta.experts);
    const std::size_t width = allPairs ? slotCount : 1;
    std::vector<std::vector<InformationSums>> sums(steps.size(), std::vector<InformationSums>(meta.sequences.size()));
    if (meta.sequences.size() < 2)
        return sums;
    forEachBlock(trace, {.nextIds = true}, progress, [&](const LayerBlock &block) {
        if (block.layer + 1 >= meta.moeLayers())
            return;
        const Step &step = steps[static_cast<std::size_t>(block.layer)];
        forEachSequence(meta, block.range, [&](int sequence, TokenRange piece) {
            InformationSums &sum = sums[static_cast<std::size_t>(block.layer)][static_cast<std::size_t>(sequence)];
            for (auto at = static_cast<std::size_t>(piece.begin - block.range.begin) * slotCount;
                 at < static_cast<std::size_t>(piece.end - block.range.begin) * slotCount; at += slotCount) {
                if (block.ids[at] == noExpert || block.nextIds[at] == noExpert)
                    continue;
                for (std::size_t a = 0; a < width; ++a)
                    for (std::size_t b = 0; b < width; ++b) {
                        const ExpertId from = block.ids[at + a], to = block.nextIds[at + b];
                        if (from == noExpert || to == noExpert)
                            continue;
                        sum.bits += static_cast<double>(step.pointwise[from * experts + to]);
                        sum.surprise += static_cast<double>(step.surprise[to]);
                        ++sum.pairs;
                    }
            }
        });
    });
    return sums;
}

} // namespace expertscope
