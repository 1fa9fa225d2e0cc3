// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Stages S1 to S7 in one kernel, a warp for each row. Does what engine/routing/pipeline.cpp and, for edits, engine/steering do, in the
// same order of operations wherever that decides a tie.
// Bound by latency: E / 32 + 10 steps for each expert taken; it moves 8 E bytes a row, nothing beside the experts.
#include "engine/core/routing_changes.h"
#include "engine/cuda/launch.h"
#include "engine/cuda/routing.h"
#include "engine/cuda/shared_memory.h"
#include "engine/cuda/warp.h"

#include <algorithm>
#include <limits>

namespace expertscope::cuda {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

__device__ bool isFinite(float x)
{
    return fabsf(x) < infinity; // false for NaN as well
}

/// One row as its warp sees it. All arrays are the warp's own shared memory.
class Row {
public:
    static constexpr int arrays = 6; ///< of E values each

    __device__ Row(const RoutingTable &table, std::int64_t row, std::uint64_t spans, float *shared)
        : m_table{table}
        , m_row{row}
        , m_spans{spans}
        , m_lane{laneNumber()}
        , m_logits{shared}
        , m_own{shared + table.experts}
        , m_score{shared + 2 * table.experts}
        , m_choice{shared + 3 * table.experts}
        , m_weight{shared + 4 * table.experts}
        , m_chosen{reinterpret_cast<std::int32_t *>(shared + 5 * table.experts)}
        , m_list{reinterpret_cast<std::int32_t *>(m_own)}
        , m_take{table.topK}
    {
    }

    __device__ void run(const float *logits, const RoutingOutputs &out)
    {
        const std::int64_t first = m_row * m_table.experts;
        float sum = 0;
        for (int e = m_lane; e < m_table.experts; e += 32) {
            m_logits[e] = logits[first + e];
            sum += m_logits[e];
        }
        if (!isFinite(warpSum(sum)) && m_lane == 0)
            atomicMin(out.fault, faultKey(m_row, -1));
        __syncwarp();
        keep(m_logits, out.logits);
        softmax(m_logits, m_score);
        keep(m_score, out.softmax);
        if (m_table.steered) {
            readPolicies();
            editLogits();
        }
        score(m_table.steered);
        ownChoice();
        excludeExperts();
        keep(m_choice, out.choice);
        warpTopK(m_choice, m_table.experts, m_take, m_chosen);
        m_count = m_take;
        if (m_table.steered) // what is excluded stands last
            while (m_count > 0 && m_choice[m_chosen[m_count - 1]] == -infinity)
                --m_count;
        weigh();
        store(out);
        if (out.changed)
            countChanged(logits + first, out.changed);
    }

private:
    __device__ bool in(int span) const { return (m_spans >> span & 1) != 0; }

    __device__ void keep(const float *values, float *to) const
    {
        if (to)
            for (int e = m_lane; e < m_table.experts; e += 32)
                to[m_row * m_table.experts + e] = values[e];
    }

    __device__ float largest(const float *values) const
    {
        float top = -infinity;
        for (int e = m_lane; e < m_table.experts; e += 32)
            top = fmaxf(top, values[e]);
        return warpMax(top);
    }

    /// Of the experts that are not masked.
    __device__ float smallest(const float *values) const
    {
        float least = infinity;
        for (int e = m_lane; e < m_table.experts; e += 32)
            if (values[e] > -infinity)
                least = fminf(least, values[e]);
        return warpMin(least);
    }

    __device__ void softmax(const float *x, float *p) const
    {
        const float top = largest(x);
        float sum = 0;
        for (int e = m_lane; e < m_table.experts; e += 32)
            sum += p[e] = expf(x[e] - top);
        sum = warpSum(sum);
        for (int e = m_lane; e < m_table.experts; e += 32)
            p[e] /= sum;
        __syncwarp();
    }

    __device__ void logSoftmax() const
    {
        const double top = static_cast<double>(largest(m_logits));
        double sum = 0;
        for (int e = m_lane; e < m_table.experts; e += 32)
            sum += exp(static_cast<double>(m_logits[e]) - top);
        const double logSum = log(warpSum(sum));
        for (int e = m_lane; e < m_table.experts; e += 32)
            m_logits[e] = static_cast<float>(static_cast<double>(m_logits[e]) - top - logSum);
        __syncwarp();
    }

    /// Population standard deviation of the logits as they were before the first edit.
    __device__ float deviation() const
    {
        double sum = 0;
        for (int e = m_lane; e < m_table.experts; e += 32)
            sum += static_cast<double>(m_own[e]);
        const double mean = warpSum(sum) / m_table.experts;
        double squares = 0;
        for (int e = m_lane; e < m_table.experts; e += 32)
            squares += (static_cast<double>(m_own[e]) - mean) * (static_cast<double>(m_own[e]) - mean);
        return static_cast<float>(sqrt(warpSum(squares) / m_table.experts));
    }

    /// The later policy counts; temperatures act one after another.
    __device__ void readPolicies()
    {
        for (int i = 0; i < m_table.policyCount; ++i) {
            const DevicePolicy &policy = m_table.policies[i];
            if (!in(policy.span))
                continue;
            if (policy.take > 0) {
                m_take = policy.take;
                m_sum = static_cast<WeightSum>(policy.sum);
            }
            m_equal = m_equal || policy.equalWeights != 0;
            for (int e = m_lane; e < m_table.experts; e += 32)
                m_logits[e] /= policy.temperature;
        }
        __syncwarp();
    }

    __device__ void editLogits()
    {
        for (int e = m_lane; e < m_table.experts; e += 32)
            m_own[e] = m_logits[e];
        __syncwarp();
        for (int i = 0; i < m_table.editCount; ++i)
            if (in(m_table.edits[i].span)) {
                editLogits(m_table.edits[i]);
                __syncwarp();
            }
    }

    __device__ void editLogits(const DeviceEdit &edit)
    {
        switch (static_cast<RoutingOp>(edit.op)) {
        case RoutingOp::Add:
            return change(edit, [&](float z, int) { return z + edit.strength; });
        case RoutingOp::Soft: {
            const float step = edit.strength * deviation();
            return change(edit, [&](float z, int) { return z + step; });
        }
        case RoutingOp::ForceMax: {
            const float top = largest(m_logits);
            const float step = edit.epsilon * (1 + fabsf(top));
            return change(edit, [&](float, int place) { return top + step * static_cast<float>(edit.expertCount - place); });
        }
        case RoutingOp::ForceMin: {
            const float bottom = smallest(m_logits);
            return change(edit, [&](float, int) { return bottom - edit.epsilon * (1 + fabsf(bottom)); });
        }
        case RoutingOp::LogMax: {
            logSoftmax();
            const float top = largest(m_logits);
            return change(edit, [&](float, int) { return top + edit.epsilon; });
        }
        case RoutingOp::LogMin: {
            logSoftmax();
            const float bottom = smallest(m_logits);
            return change(edit, [&](float, int) { return bottom - edit.epsilon; });
        }
        case RoutingOp::ScaleAbs:
            return change(edit, [&](float z, int) { return z + edit.strength * fabsf(z); });
        case RoutingOp::Mask:
            return change(edit, [](float, int) { return -infinity; });
        case RoutingOp::Bias:
            for (int e = m_lane; e < m_table.experts; e += 32)
                m_logits[e] += edit.strength * m_table.editVectors[edit.firstOfVector + e];
            return;
        default:
            return; // acts on a later stage
        }
    }

    /// logits[e] = to(logits[e], place of e in the edit's list).
    template<class To>
    __device__ void change(const DeviceEdit &edit, const To &to)
    {
        for (int i = m_lane; i < edit.expertCount; i += 32) {
            float &z = m_logits[m_table.editExperts[edit.firstExpert + i]];
            z = to(z, i);
        }
    }

    /// S2.
    __device__ void score(bool edited)
    {
        if (m_table.sigmoid) {
            for (int e = m_lane; e < m_table.experts; e += 32)
                m_score[e] = 1 / (1 + expf(-m_logits[e]));
            __syncwarp();
        } else if (edited) {
            softmax(m_logits, m_score);
        }
    }

    /// S3 by the family's rule.
    __device__ void ownChoice()
    {
        for (int e = m_lane; e < m_table.experts; e += 32)
            m_choice[e] = m_table.bias ? m_score[e] + m_table.bias[e] : m_score[e];
        __syncwarp();
        if (m_table.groups > 1)
            keepBestGroups();
    }

    /// Group-limited selection: see RowRouter::keepBestGroups of engine/routing.
    __device__ void keepBestGroups()
    {
        const int size = m_table.experts / m_table.groups;
        for (int g = m_lane; g < m_table.groups; g += 32) {
            float best = -infinity;
            float second = -infinity;
            for (int e = g * size; e < (g + 1) * size; ++e) {
                const float value = m_choice[e];
                if (value > best) {
                    second = best;
                    best = value;
                } else if (value > second) {
                    second = value;
                }
            }
            m_weight[g] = m_table.bias && size > 1 ? best + second : best;
        }
        __syncwarp();
        const unsigned kept = warpTopK(m_weight, m_table.groups, m_table.topkGroups, m_chosen);
        for (int first = 0; first < m_table.groups; first += 32) { // each lane tells of its group
            const unsigned keptHere = __ballot_sync(wholeWarp, (kept >> (first / 32) & 1) != 0);
            const int end = min(m_table.experts, (first + 32) * size);
            for (int e = first * size + m_lane; e < end; e += 32)
                if ((keptHere >> (e / size - first) & 1) == 0)
                    m_choice[e] = 0;
        }
        __syncwarp();
    }

    __device__ void excludeExperts()
    {
        for (int i = 0; i < m_table.editCount; ++i) {
            const DeviceEdit &edit = m_table.edits[i];
            if (static_cast<RoutingOp>(edit.op) == RoutingOp::Exclude && in(edit.span))
                for (int at = m_lane; at < edit.expertCount; at += 32)
                    m_choice[m_table.editExperts[edit.firstExpert + at]] = -infinity;
        }
        __syncwarp();
    }

    /// In the order of the list, as the host sums; every lane for itself.
    __device__ float sumOfScores(const std::int32_t *experts, int count) const
    {
        float sum = 0;
        for (int i = 0; i < count; ++i)
            sum += m_score[experts[i]];
        return sum;
    }

    __device__ float sumOfWeights() const
    {
        float sum = 0;
        for (int i = 0; i < m_count; ++i)
            sum += m_weight[i];
        return sum;
    }

    /// weight = to(weight) for all that are chosen; what `to` reads of other weights is read before.
    template<class To>
    __device__ void eachWeight(const To &to)
    {
        __syncwarp();
        for (int i = m_lane; i < m_count; i += 32)
            m_weight[i] = to(m_weight[i]);
        __syncwarp();
    }

    /// S5, S6, S7 and the edits after them.
    __device__ void weigh()
    {
        const float equal = m_equal ? sumOfScores(m_chosen, m_count) / static_cast<float>(m_count) : 0;
        for (int i = m_lane; i < m_count; i += 32)
            m_weight[i] = m_equal ? equal : m_score[m_chosen[i]];
        __syncwarp();
        if (m_sum == WeightSum::Renormalise || m_sum == WeightSum::Rescale) {
            const float sum = sumOfWeights();
            const float target = m_sum == WeightSum::Rescale ? ownSum() : 1;
            if (sum > 0)
                eachWeight([&](float w) { return w / sum * target; });
        } else if (m_sum == WeightSum::AsModel && m_table.normalise) {
            const float sum = sumOfWeights() + (m_table.sigmoid ? 1e-20f : 0.0f);
            eachWeight([&](float w) { return w / sum; });
        }
        eachWeight([&](float w) { return w * m_table.scale; });
        for (int i = 0; i < m_table.editCount; ++i)
            if (in(m_table.edits[i].span))
                editWeights(m_table.edits[i]);
    }

    /// What the weights sum to by the family's own rule, before its scale.
    __device__ float ownSum()
    {
        if (m_table.normalise)
            return 1;
        warpTopK(m_choice, m_table.experts, m_table.topK, m_list);
        return sumOfScores(m_list, m_table.topK);
    }

    __device__ void editWeights(const DeviceEdit &edit)
    {
        const auto op = static_cast<RoutingOp>(edit.op);
        if (op == RoutingOp::WeightRescale) {
            const float sum = sumOfWeights();
            if (sum > 0)
                eachWeight([&](float w) { return w * (edit.strength / sum); });
        } else if (op == RoutingOp::WeightScale || op == RoutingOp::WeightSet) {
            for (int i = m_lane; i < m_count; i += 32)
                for (int at = 0; at < edit.expertCount; ++at)
                    if (m_table.editExperts[edit.firstExpert + at] == m_chosen[i]) {
                        m_weight[i] = op == RoutingOp::WeightSet ? edit.strength : m_weight[i] * edit.strength;
                        break;
                    }
            __syncwarp();
        }
    }

    /// Slot 0 gets the largest weight; equal ones stay in the order they were chosen.
    __device__ void store(const RoutingOutputs &out)
    {
        bool rises = false;
        for (int i = m_lane; i + 1 < m_count; i += 32)
            rises = rises || m_weight[i + 1] > m_weight[i];
        const bool sort = __any_sync(wholeWarp, rises) != 0;
        if (sort)
            warpTopK(m_weight, m_count, m_count, m_list);
        const std::int64_t first = m_row * m_table.slots;
        int broken = maxRoutedExperts;
        for (int i = m_lane; i < m_table.slots; i += 32) {
            const int at = sort && i < m_count ? m_list[i] : i;
            out.expert[first + i] = i < m_count ? m_chosen[at] : -1;
            out.weight[first + i] = i < m_count ? m_weight[at] : 0;
            if (i < m_count && !isFinite(m_weight[at]))
                broken = min(broken, i);
        }
        broken = warpMin(broken);
        if (m_lane == 0) {
            out.count[m_row] = m_count;
            if (broken < maxRoutedExperts)
                atomicMin(out.fault, faultKey(m_row, m_chosen[sort ? m_list[broken] : broken]));
        }
    }

    /// How many experts the family's rule takes from the unedited logits that were not taken.
    __device__ void countChanged(const float *logits, std::int32_t *changed)
    {
        unsigned taken = 0;
        for (int i = 0; i < m_count; ++i)
            if (m_chosen[i] % 32 == m_lane)
                taken |= 1u << (m_chosen[i] / 32);
        __syncwarp();
        for (int e = m_lane; e < m_table.experts; e += 32)
            m_logits[e] = logits[e];
        __syncwarp();
        score(true);
        ownChoice();
        const unsigned own = warpTopK(m_choice, m_table.experts, m_table.topK, m_list);
        const int missing = warpSum(__popc(own & ~taken));
        if (m_lane == 0)
            changed[m_row] = missing;
    }

    const RoutingTable &m_table;
    std::int64_t m_row;
    std::uint64_t m_spans;
    int m_lane;
    float *m_logits, *m_own, *m_score, *m_choice; ///< [E]
    float *m_weight; ///< of m_chosen; of the groups before
    std::int32_t *m_chosen;
    std::int32_t *m_list; ///< in the place of m_own, when that is done with
    int m_take;
    int m_count = 0;
    WeightSum m_sum = WeightSum::AsModel;
    bool m_equal = false;
};

__global__ void noFaultYet(unsigned long long *fault)
{
    *fault = noFault;
}

__global__ void routeOneRow(RoutingTable table, const float *logits, std::int64_t rows, const std::uint64_t *spans, RoutingOutputs out)
{
    const int warp = static_cast<int>(threadIdx.x / 32);
    const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * (blockDim.x / 32) + warp;
    if (row < rows)
        Row{table, row, spans ? spans[row] : 0, sharedMemory<float>() + warp * Row::arrays * table.experts}.run(logits, out);
}

/// part[c, e] = sum of softmax[r, e] over the rows of chunk c. Bound by reading 4 E bytes a row.
__global__ void sumChunks(const float *softmax, int experts, const Stretch *chunks, double *part)
{
    const Stretch chunk = chunks[blockIdx.y];
    const int e = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (e >= experts)
        return;
    double sum = 0;
    for (std::int64_t r = chunk.first; r < chunk.first + chunk.count; ++r)
        sum += static_cast<double>(softmax[r * experts + e]);
    part[static_cast<std::int64_t>(blockIdx.y) * experts + e] = sum;
}

/// sums[s, e] = the parts of sequence s in their order.
__global__ void sumParts(const double *part, int experts, const Stretch *sequences, double *sums)
{
    const Stretch chunks = sequences[blockIdx.y];
    const int e = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (e >= experts)
        return;
    double sum = 0;
    for (std::int64_t c = chunks.first; c < chunks.first + chunks.count; ++c)
        sum += part[c * experts + e];
    sums[static_cast<std::int64_t>(blockIdx.y) * experts + e] = sum;
}

} // namespace

void routeRows(Context &context, const RoutingTable &table, const float *logits, std::int64_t rows, const std::uint64_t *spans,
    const RoutingOutputs &out)
{
    constexpr std::size_t room = 48 * 1024; // of shared memory, that a block gets without asking
    const std::size_t ofWarp = sizeof(float) * Row::arrays * static_cast<std::size_t>(table.experts);
    const auto warps = static_cast<unsigned>(std::clamp<std::size_t>(room / ofWarp, 1, 4));
    launch(noFaultYet, 1, 1, 0, context.stream(), out.fault);
    launch(routeOneRow, blocksFor(rows, warps), 32 * warps, warps * ofWarp, context.stream(), table, logits, rows, spans, out);
}

SumLists sumLists(std::span<const BatchSpan> sequences)
{
    SumLists lists;
    for (const BatchSpan &sequence : sequences) {
        const auto first = static_cast<std::int64_t>(lists.chunks.size());
        for (std::int64_t row = 0; row < sequence.rows; row += chunkRows)
            lists.chunks.push_back({sequence.firstRow + row, std::min(chunkRows, sequence.rows - row)});
        lists.sequences.push_back({first, static_cast<std::int64_t>(lists.chunks.size()) - first});
    }
    return lists;
}

void sumSoftmax(Context &context, const float *softmax, int experts, const Stretch *chunks, std::int64_t chunkCount,
    const Stretch *sequences, std::int64_t sequenceCount, double *sums)
{
    constexpr int threads = 64;
    const Scratch<double> parts{context, chunkCount * experts, "sums of the router's probabilities"};
    const unsigned across = blocksFor(experts, threads);
    launch(sumChunks, {across, static_cast<unsigned>(chunkCount)}, threads, 0, context.stream(), softmax, experts, chunks, parts.data());
    launch(sumParts, {across, static_cast<unsigned>(sequenceCount)}, threads, 0, context.stream(), parts.data(), experts, sequences, sums);
}

} // namespace expertscope::cuda
