// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/kept_step.h"

#include "engine/core/error.h"
#include "engine/cuda/check.h"
#include "engine/cuda/routing.h"

#include <algorithm>
#include <cstring>

namespace expertscope::cuda {

namespace {

constexpr std::size_t alignment = 16;

template<class T>
std::vector<std::byte> bytesOf(const T &numbers)
{
    const auto bytes = std::as_bytes(std::span{numbers});
    return {bytes.begin(), bytes.end()};
}

CudaKvCache &cacheOf(const StepInputs &inputs)
{
    return static_cast<CudaKvCache &>(inputs.cache);
}

/// For the length of a capture, all work on the context's stream goes to a step.
class Capturing {
public:
    Capturing(Context &context, KeptStep &step)
        : m_context{context}
    {
        m_context.setCapturing(&step);
    }
    ~Capturing() { m_context.setCapturing(nullptr); }
    Capturing(const Capturing &) = delete;
    Capturing &operator=(const Capturing &) = delete;

private:
    Context &m_context;
};

} // namespace

KeptStep::Told KeptStep::tell(const StepInputs &inputs)
{
    const PlannedBatch batch = layOut(inputs.spans, &cacheOf(inputs));
    const SumLists sums = sumLists(inputs.spans);
    Told told{{}, batch.plan};
    const auto set = [&told](
                         Input input, std::vector<std::byte> bytes) { told.numbers[static_cast<std::size_t>(input)] = std::move(bytes); };
    set(Input::TokenIds, bytesOf(inputs.tokens));
    set(Input::Positions, bytesOf(inputs.positions));
    set(Input::AttentionPlan, bytesOf(batch.numbers));
    set(Input::CachePages, bytesOf(batch.pages));
    set(Input::RowSpans, bytesOf(inputs.routingSpans));
    set(Input::SumChunks, bytesOf(sums.chunks));
    set(Input::SumSequences, bytesOf(sums.sequences));
    return told;
}

KeptStep::KeptStep(std::shared_ptr<Context> context, const StepInputs &inputs, const std::function<void()> &work)
    : m_context{std::move(context)}
    , m_memory{std::make_shared<KeptMemory>(m_context)}
    , m_results{std::make_shared<KeptResults>()}
    , m_cache{cacheOf(inputs).layout()}
{
    for (const BatchSpan &span : inputs.spans) // pages do not belong to the step
        cacheOf(inputs).reserve(span.cacheSlot, span.past + span.rows);
    const Told told = tell(inputs);
    m_plan = told.plan;
    for (std::size_t i = 0; i < inputCount; ++i) {
        m_places[i] = {m_bytes, told.numbers[i].size(), 0};
        if (i == static_cast<std::size_t>(Input::CachePages)) // of all sequences at their longest
            m_places[i].room = inputs.spans.size() * sizeof(float *)
                * static_cast<std::size_t>((m_cache.capacity + CudaKvCache::pageTokens - 1) / CudaKvCache::pageTokens);
        m_bytes += (m_places[i].room + alignment - 1) / alignment * alignment;
    }
    void *host = nullptr;
    ES_CUDA(cudaMallocHost(&host, m_bytes));
    m_host.reset(static_cast<std::byte *>(host));
    std::memset(host, 0, m_bytes); // places have more room than is told
    m_device = static_cast<std::byte *>(m_memory->take(m_bytes, "what a step is told"));
    write(told);
    capture(work);
}

KeptStep::~KeptStep()
{
    m_results->wait(); // nothing of it may go while it runs
}

void KeptStep::capture(const std::function<void()> &work)
{
    const cudaStream_t stream = m_context->stream();
    cudaGraph_t graph = nullptr;
    const Capturing capturing{*m_context, *this}; // to the end: what is given back from outside goes after the capture
    // relaxed: memory is allocated on the way, on another stream
    ES_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
    try {
        work();
    } catch (...) {
        cudaStreamEndCapture(stream, &graph);
        cudaGetLastError(); // of a capture that had become invalid
        if (graph)
            cudaGraphDestroy(graph);
        throw;
    }
    ES_CUDA(cudaStreamEndCapture(stream, &graph));
    cudaGraphExec_t ready = nullptr;
    const cudaError_t status = cudaGraphInstantiate(&ready, graph, 0);
    cudaGraphDestroy(graph);
    check(status, "cudaGraphInstantiate");
    m_graph.reset(ready);
    m_memory->settle();
}

const void *KeptStep::place(Input input, std::span<const std::byte> content) const
{
    const Place &place = m_places[static_cast<std::size_t>(input)];
    const std::byte *const told = m_host.get() + place.at;
    if (!std::equal(content.begin(), content.end(), told, told + place.bytes))
        throw Error{ErrorKind::Device, "the host tells the kernels of a step what is not known before", "capturing a step",
            "Run it without a graph (EXPERTSCOPE_CUDA_GRAPHS=0)"};
    return m_device + place.at;
}

bool KeptStep::fits(const Told &told) const
{
    if (!(told.plan == m_plan))
        return false;
    for (std::size_t i = 0; i < inputCount; ++i) {
        const bool grows = i == static_cast<std::size_t>(Input::CachePages);
        if (grows ? told.numbers[i].size() > m_places[i].room : told.numbers[i].size() != m_places[i].room)
            return false;
    }
    return true;
}

void KeptStep::write(const Told &told)
{
    for (std::size_t i = 0; i < inputCount; ++i) {
        m_places[i].bytes = told.numbers[i].size();
        std::copy(told.numbers[i].begin(), told.numbers[i].end(), m_host.get() + m_places[i].at);
    }
}

bool KeptStep::run(const StepInputs &inputs)
{
    if (!(cacheOf(inputs).layout() == m_cache))
        return false;
    for (const BatchSpan &span : inputs.spans)
        for (const int layer : m_layers)
            cacheOf(inputs).extend(span.cacheSlot, layer, span.past, span.rows);
    const Told told = tell(inputs);
    if (!fits(told))
        return false;
    ES_CUDA(m_results->wait()); // the step before has read what it was told
    write(told);
    ES_CUDA(cudaMemcpyAsync(m_device, m_host.get(), m_bytes, cudaMemcpyHostToDevice, m_context->stream()));
    ES_CUDA(cudaGraphLaunch(m_graph.get(), m_context->stream()));
    m_results->bring(m_context->stream());
    return true;
}

std::unique_ptr<Step> keepStep(const std::shared_ptr<Context> &context, const StepInputs &inputs, const std::function<void()> &work)
{
    if (!context->keepsSteps())
        return nullptr;
    try {
        return std::make_unique<KeptStep>(context, inputs, work);
    } catch (const Error &error) {
        if (error.kind != ErrorKind::Device)
            throw;
        return nullptr; // operation by operation it may do, and says what is wrong if it does not
    }
}

} // namespace expertscope::cuda
