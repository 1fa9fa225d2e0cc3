// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The CUDA backend: wiring of the operations to the Backend interface.
#include "engine/core/backend.h"
#include "engine/core/error.h"
#include "engine/cuda/expert_store.h"
#include "engine/cuda/kept_step.h"
#include "engine/cuda/kv_cache.h"
#include "engine/cuda/ops.h"
#include "engine/cuda/router.h"

namespace expertscope {

namespace {

using cuda::cudaWeight;

/// With so many rows, reading the experts' weights is no longer what a layer of a known model waits for.
constexpr std::int64_t batchTokens = 8192;

class CudaBackend final : public Backend {
public:
    BackendInfo info() const override
    {
        const cuda::Device &device = m_context->device();
        const std::shared_ptr<cuda::ExpertStore> store = m_store.lock();
        const cuda::DeviceMemory memory = cuda::deviceMemory(device.index);
        return {.name = "cuda",
            .device = device.name + ", compute capability " + std::to_string(device.major) + '.' + std::to_string(device.minor) + ", "
                + std::to_string(device.multiprocessors) + " multiprocessors"
                + (m_context->roundsActivations() ? ", activations rounded to bf16 for BF16 weights" : ", exact products"),
            .memoryTotalBytes = static_cast<std::int64_t>(memory.total),
            .memoryFreeBytes = static_cast<std::int64_t>(memory.free),
            .batchTokens = batchTokens,
            .experts = store ? store->counts().text() : ""};
    }

    Buffer allocate(DType type, Shape shape) override
    {
        std::shared_ptr<void> memory =
            m_context->allocate(static_cast<std::size_t>(shape.count()) * sizeBytes(type), "numbers of shape " + shape.text());
        const Tensor view{memory.get(), type, shape};
        return {std::move(memory), view};
    }
    void upload(std::span<const float> from, const Tensor &to) override
    {
        m_context->staging().upload(to.data, from.data(), from.size_bytes());
    }
    void download(const Tensor &from, std::span<float> to) override
    {
        m_context->staging().download(to.data(), from.data, to.size_bytes());
    }

    WeightPtr prepare(const Tensor &stored, Products products) override { return cuda::loadWeight(*m_context, stored, products); }
    Buffer prepareVector(const Tensor &stored) override { return cuda::loadVector(*m_context, stored); }

    void embed(const Weight &table, std::span<const std::int32_t> ids, const Tensor &out) override
    {
        cuda::embed(*m_context, cudaWeight(table), ids, out);
    }
    void rmsNorm(const Tensor &x, const Tensor &weight, float eps, const Tensor &out) override
    {
        cuda::rmsNorm(*m_context, x, weight, eps, out);
    }
    void linear(const Tensor &x, const Weight &weight, const Tensor *bias, const Tensor &out) override
    {
        cuda::linear(*m_context, x, cudaWeight(weight), bias ? bias->f32() : nullptr, out);
    }
    void add(const Tensor &x, const Tensor &y) override { cuda::add(*m_context, x, y); }
    void clamp(const Tensor &x, float limit) override { cuda::clamp(*m_context, x, limit); }
    void rope(const Tensor &x, const HeadNorm *norm, std::span<const std::int32_t> positions, const AttentionConfig &config) override
    {
        cuda::rope(*m_context, x, norm, positions, config);
    }
    void attention(const Tensor &q, const Tensor &k, const Tensor &v, std::span<const BatchSpan> spans, const AttentionConfig &config,
        KvCache *cache, int layer, const Tensor &out) override
    {
        cuda::attention(*m_context, q, k, v, spans, config, cache, layer, out);
    }
    std::unique_ptr<KvCache> makeKvCache(const ModelConfig &config, int sequences, std::int64_t capacityTokens) override
    {
        return std::make_unique<cuda::CudaKvCache>(m_context, config, sequences, capacityTokens);
    }
    void gatedMlp(const Tensor &x, const GatedMlp &mlp, const Tensor &out) override { cuda::gatedMlp(*m_context, x, mlp, out); }
    void scaleRowsBySigmoid(const Tensor &x, const Tensor &g) override { cuda::scaleRowsBySigmoid(*m_context, x, g); }
    bool makeRoom(std::int64_t otherBytes, std::span<const std::vector<StoredMlp>> layers, int atOnce) override
    {
        m_arriving.reset(); // of a model that was not loaded to the end
        m_arriving = cuda::storeFor(m_context, otherBytes, layers, atOnce);
        m_store = m_arriving;
        return true;
    }
    ExpertWeightsPtr prepareExperts(std::span<const StoredMlp> stored) override
    {
        if (!m_arriving)
            return cuda::loadExperts(*m_context, stored);
        const auto weights = m_arriving->adopt(stored);
        if (m_arriving->complete())
            m_arriving.reset(); // the layers keep it
        return weights;
    }
    void experts(
        const Tensor &x, const Assignments &assignments, const ExpertWeights &experts, const Tensor &out, const Tensor *outNorm) override
    {
        cuda::experts(*m_context, x, assignments, static_cast<const cuda::CudaExpertWeights &>(experts), out, outNorm);
    }
    std::unique_ptr<Router> makeRouter(const MoeFfn &rule, std::span<const float> selectionBias, const RoutingChanges *changes) override
    {
        return cuda::makeRouter(m_desk, rule, selectionBias, changes);
    }
    std::unique_ptr<Step> keep(const StepInputs &inputs, const std::function<void()> &work) override
    {
        return cuda::keepStep(m_context, inputs, work);
    }
    void logProbs(const Tensor &x, const Weight &head, std::span<const std::int32_t> target, std::span<float> logprob,
        std::span<std::int32_t> best) override
    {
        cuda::logProbs(*m_context, x, cudaWeight(head), target, logprob, best);
    }

private:
    std::shared_ptr<cuda::Context> m_context = cuda::Context::open();
    cuda::RoutingDesk m_desk{m_context};
    std::shared_ptr<cuda::ExpertStore> m_arriving; ///< of the model that is being loaded, where not all of it fits
    std::weak_ptr<cuda::ExpertStore> m_store; ///< of the last model that was loaded
};

} // namespace

std::unique_ptr<Backend> makeCudaBackend()
{
    return std::make_unique<CudaBackend>();
}

} // namespace expertscope
