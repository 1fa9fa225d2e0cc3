// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/router.h"

#include "engine/cuda/check.h"
#include "engine/cuda/expert_store.h"
#include "engine/cuda/kept_step.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace expertscope::cuda {

namespace {

constexpr std::size_t alignment = 16;

std::size_t alignedUp(std::size_t bytes)
{
    return (bytes + alignment - 1) / alignment * alignment;
}

/// Where the results of a layer lie in one piece of memory, so that it is one copy.
class Layout {
public:
    /// Bytes from the beginning of the piece; nothing of no numbers.
    template<class T>
    std::size_t add(std::int64_t count)
    {
        const std::size_t at = m_bytes;
        m_bytes += alignedUp(static_cast<std::size_t>(count) * sizeof(T));
        return at;
    }
    std::size_t bytes() const { return m_bytes; }

private:
    std::size_t m_bytes = 0;
};

/// An array in both copies of a layer's results.
template<class T>
struct Part {
    Part(Layout &layout, std::int64_t count_)
        : count{count_}
        , at{layout.add<T>(count_)}
    {
    }
    T *in(std::byte *piece) const { return count > 0 ? reinterpret_cast<T *>(piece + at) : nullptr; }
    std::vector<T> values(const std::byte *piece) const
    {
        std::vector<T> out(static_cast<std::size_t>(count));
        if (!out.empty())
            std::memcpy(out.data(), piece + at, out.size() * sizeof(T));
        return out;
    }
    std::int64_t count;
    std::size_t at;
};

/// The results of a layer: which there are, and where.
struct Results {
    Results(const RoutingTable &table, std::int64_t rows, std::size_t sequences, const RoutingNeeds &needs)
        : fault{layout, 1}
        , expert{layout, rows * table.slots}
        , weight{layout, rows * table.slots}
        , count{layout, rows}
        , changed{layout, table.steered ? rows : 0}
        , norms{layout, needs.expertNorms ? rows * table.slots : 0}
        , sums{layout, needs.softmaxSums && !needs.scores ? static_cast<std::int64_t>(sequences) * table.experts : 0}
        , logits{layout, needs.logits ? rows * table.experts : 0}
        , choice{layout, needs.scores && (table.steered || table.bias || table.groups > 1) ? rows * table.experts : 0}
        , softmax{layout, needs.scores ? rows * table.experts : 0}
    {
    }
    Layout layout;
    Part<unsigned long long> fault;
    Part<std::int32_t> expert;
    Part<float> weight;
    Part<std::int32_t> count, changed;
    Part<float> norms;
    Part<double> sums;
    Part<float> logits, choice, softmax;
};

class CudaPendingRouting final : public PendingRouting {
public:
    CudaPendingRouting(RoutingDesk &desk, const RoutingTable &table, std::int64_t rows, std::size_t sequences, const RoutingNeeds &needs)
        : m_context{desk.context}
        , m_rows{rows}
        , m_slots{table.slots}
        , m_results{table, rows, sequences, needs}
    {
        const std::size_t bytes = m_results.layout.bytes();
        if (KeptStep *const step = m_context->capturing()) {
            m_kept = step->results();
            const KeptResults::Place place = m_kept->take(*step->memory(), bytes);
            m_device = {step->memory(), place.device};
            m_host = {m_kept, place.host};
            return;
        }
        m_device = m_context->allocate(bytes, "the routing of a layer");
        m_host = desk.pinned->take(bytes);
        ES_CUDA(cudaEventCreateWithFlags(&m_copied, cudaEventDisableTiming));
    }
    ~CudaPendingRouting() override
    {
        if (m_copying)
            cudaEventSynchronize(m_copied); // neither copy may go while it is used
        if (m_copied)
            cudaEventDestroy(m_copied);
    }
    CudaPendingRouting(const CudaPendingRouting &) = delete;
    CudaPendingRouting &operator=(const CudaPendingRouting &) = delete;

    const Results &results() const { return m_results; }
    std::byte *device() const { return static_cast<std::byte *>(m_device.get()); }

    void runExperts(const Tensor &x, const ExpertWeights &experts, const Tensor &out) override
    {
        const DeviceAssignments to{m_rows, m_slots, m_results.expert.in(device()), m_results.weight.in(device())};
        cuda::runExperts(*m_context, x, to, static_cast<const CudaExpertWeights &>(experts), out, m_results.norms.in(device()));
        if (m_kept)
            return; // the step brings it
        ES_CUDA(cudaEventRecord(m_copied, m_context->stream()));
        ES_CUDA(cudaStreamWaitEvent(m_context->copies(), m_copied));
        ES_CUDA(cudaMemcpyAsync(m_host.get(), device(), m_results.layout.bytes(), cudaMemcpyDeviceToHost, m_context->copies()));
        ES_CUDA(cudaEventRecord(m_copied, m_context->copies()));
        m_copying = true;
    }

    void announce(const ExpertWeights &experts) override
    {
        const auto &weights = static_cast<const CudaExpertWeights &>(experts);
        if (weights.store)
            weights.store->expect(weights, m_results.expert.in(device()), m_rows * m_slots);
    }

    CollectedRouting collect() override
    {
        ES_CUDA(m_kept ? m_kept->wait() : cudaEventSynchronize(m_copied));
        m_copying = false;
        const std::byte *const from = m_host.get();
        CollectedRouting out;
        if (const unsigned long long key = m_results.fault.values(from).front(); key != noFault)
            out.fault = RoutingFault{static_cast<std::int64_t>(key >> 16), static_cast<std::int32_t>(key & 0xffff) - 1};
        out.routed.assignments = {
            m_rows, m_slots, m_results.expert.values(from), m_results.weight.values(from), m_results.count.values(from)};
        out.routed.changed = m_results.changed.values(from);
        out.routed.choice = m_results.choice.values(from);
        out.routed.softmax = m_results.softmax.values(from);
        out.logits = m_results.logits.values(from);
        out.expertNorms = m_results.norms.values(from);
        out.softmaxSums = m_results.sums.values(from);
        return out;
    }

private:
    std::shared_ptr<Context> m_context;
    std::int64_t m_rows;
    int m_slots;
    Results m_results;
    std::shared_ptr<void> m_device;
    std::shared_ptr<std::byte> m_host;
    std::shared_ptr<KeptResults> m_kept; ///< where it is part of a step
    cudaEvent_t m_copied = nullptr; ///< first: may be copied
    bool m_copying = false;
};

/// Arrays of several types in one piece of device memory, brought there at once.
class Packed {
public:
    template<class T>
    std::size_t add(std::span<const T> values)
    {
        const std::size_t at = m_bytes.size();
        const auto bytes = std::as_bytes(values);
        m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end());
        m_bytes.insert(m_bytes.end(), alignedUp(bytes.size()) - bytes.size(), std::byte{});
        return at;
    }
    std::shared_ptr<void> upload(Context &context) const
    {
        std::shared_ptr<void> memory = context.allocate(m_bytes.size(), "the routing rule of a layer");
        context.staging().upload(memory.get(), m_bytes.data(), m_bytes.size());
        return memory;
    }

private:
    std::vector<std::byte> m_bytes;
};

class CudaRouter final : public Router {
public:
    CudaRouter(RoutingDesk &desk, const MoeFfn &rule, std::span<const float> bias, const RoutingChanges *changes)
        : m_desk{desk}
        , m_table{rule.experts, rule.topK, changes ? changes->slotCount : rule.topK, rule.groups, rule.topkGroups,
              rule.score == ScoreFunction::Sigmoid, rule.normalise, changes != nullptr, static_cast<float>(rule.scale)}
    {
        std::vector<DevicePolicy> policies;
        std::vector<DeviceEdit> edits;
        std::vector<std::int32_t> experts;
        std::vector<float> vectors;
        if (changes) {
            for (const RoutingPolicy &policy : changes->policies)
                policies.push_back(
                    {policy.span, policy.take, static_cast<int>(policy.sum), policy.equalWeights ? 1 : 0, policy.temperature});
            for (const RoutingEdit &edit : changes->edits) {
                edits.push_back({static_cast<int>(edit.op), edit.span, static_cast<int>(experts.size()),
                    static_cast<int>(edit.experts.size()), static_cast<int>(vectors.size()), edit.strength, edit.epsilon});
                experts.insert(experts.end(), edit.experts.begin(), edit.experts.end());
                vectors.insert(vectors.end(), edit.vector.begin(), edit.vector.end());
            }
        }
        Packed packed;
        const std::size_t biasAt = packed.add(bias);
        const std::size_t policiesAt = packed.add(std::span<const DevicePolicy>{policies});
        const std::size_t editsAt = packed.add(std::span<const DeviceEdit>{edits});
        const std::size_t expertsAt = packed.add(std::span<const std::int32_t>{experts});
        const std::size_t vectorsAt = packed.add(std::span<const float>{vectors});
        m_memory = packed.upload(*desk.context);
        const auto *const memory = static_cast<const std::byte *>(m_memory.get());
        m_table.bias = bias.empty() ? nullptr : reinterpret_cast<const float *>(memory + biasAt);
        m_table.policies = reinterpret_cast<const DevicePolicy *>(memory + policiesAt);
        m_table.policyCount = static_cast<int>(policies.size());
        m_table.edits = reinterpret_cast<const DeviceEdit *>(memory + editsAt);
        m_table.editCount = static_cast<int>(edits.size());
        m_table.editExperts = reinterpret_cast<const std::int32_t *>(memory + expertsAt);
        m_table.editVectors = reinterpret_cast<const float *>(memory + vectorsAt);
    }

    std::unique_ptr<PendingRouting> route(const Tensor &logits, const RoutingRows &rows, const RoutingNeeds &needs) override
    {
        Context &context = *m_desk.context;
        const std::int64_t count = logits.count() / m_table.experts;
        auto pending = std::make_unique<CudaPendingRouting>(m_desk, m_table, count, rows.sequences.size(), needs);
        const Results &results = pending->results();
        std::byte *const device = pending->device();
        const std::uint64_t *const spans = rows.spans.empty() ? nullptr : context.inputs().place(context, Input::RowSpans, rows.spans);
        const bool onlySums = results.sums.count > 0; // the softmax itself nobody wants
        const Scratch<float> passing{context, onlySums ? count * m_table.experts : 0, "the router's probabilities"};
        float *const softmax = onlySums ? passing.data() : results.softmax.in(device);
        routeRows(context, m_table, logits.f32(), count, spans,
            {results.fault.in(device), results.expert.in(device), results.weight.in(device), results.count.in(device),
                results.changed.in(device), results.logits.in(device), softmax, results.choice.in(device)});
        if (onlySums)
            sum(rows.sequences, softmax, results.sums.in(device));
        return pending;
    }

private:
    void sum(std::span<const BatchSpan> sequences, const float *softmax, double *sums)
    {
        const SumLists lists = sumLists(sequences);
        Context &context = *m_desk.context;
        const Stretch *const chunks = context.inputs().place<Stretch>(context, Input::SumChunks, lists.chunks);
        sumSoftmax(context, softmax, m_table.experts, chunks, std::ssize(lists.chunks),
            context.inputs().place<Stretch>(context, Input::SumSequences, lists.sequences), std::ssize(lists.sequences), sums);
    }

    RoutingDesk &m_desk;
    RoutingTable m_table;
    std::shared_ptr<void> m_memory; ///< what the table points to
};

} // namespace

PinnedPieces::~PinnedPieces()
{
    for (const Piece &piece : m_free)
        cudaFreeHost(piece.memory);
}

std::shared_ptr<std::byte> PinnedPieces::take(std::size_t bytes)
{
    Piece piece{nullptr, 0};
    const auto found = std::find_if(m_free.begin(), m_free.end(), [&](const Piece &free) { return free.bytes >= bytes; });
    if (found != m_free.end()) {
        piece = *found;
        m_free.erase(found);
    } else {
        for (const Piece &small : m_free) // a larger batch has begun
            cudaFreeHost(small.memory);
        m_free.clear();
        void *memory = nullptr;
        ES_CUDA(cudaMallocHost(&memory, bytes));
        piece = {static_cast<std::byte *>(memory), bytes};
    }
    return {piece.memory, [self = shared_from_this(), piece](std::byte *) { self->m_free.push_back(piece); }};
}

std::unique_ptr<Router> makeRouter(
    RoutingDesk &desk, const MoeFfn &rule, std::span<const float> selectionBias, const RoutingChanges *changes)
{
    if (rule.experts > maxRoutedExperts)
        return nullptr;
    return std::make_unique<CudaRouter>(desk, rule, selectionBias, changes);
}

} // namespace expertscope::cuda
