// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The CPU backend: wiring of the operations to the Backend interface.
#include "engine/core/backend.h"
#include "engine/core/error.h"
#include "engine/core/memory_plan.h"
#include "engine/core/parallel.h"
#include "engine/cpu/ops.h"

#include <algorithm>
#include <unistd.h>

namespace expertscope {

namespace {

using cpu::cpuWeight;

class CpuBackend final : public Backend {
public:
    BackendInfo info() const override
    {
        const std::int64_t page = sysconf(_SC_PAGESIZE);
        return {"cpu",
            cpu::processorName() + ", " + std::to_string(threadCount()) + (threadCount() == 1 ? " thread, " : " threads, ")
                + cpu::title(m_context.isa)
                + (m_context.bf16 ? ", bf16 products of " + std::to_string(m_context.bf16Terms) + "-term activations" : ""),
            sysconf(_SC_PHYS_PAGES) * page, availableMemoryBytes()};
    }

    Buffer allocate(DType type, Shape shape) override { return hostBuffer(type, shape); }
    void upload(std::span<const float> from, const Tensor &to) override { std::copy(from.begin(), from.end(), to.f32()); }
    void download(const Tensor &from, std::span<float> to) override { std::copy_n(from.f32(), to.size(), to.begin()); }

    WeightPtr prepare(const Tensor &stored, Products products) override { return std::make_shared<cpu::CpuWeight>(stored, products); }

    Buffer prepareVector(const Tensor &stored) override
    {
        const cpu::CpuWeight row{stored.reshaped({1, stored.count()}), Products::Exact};
        Buffer out = hostBuffer(DType::F32, stored.shape);
        m_context.kernels.widen(row.from(0).data, row.type(), stored.count(), out.tensor().f32());
        return out;
    }

    void embed(const Weight &table, std::span<const std::int32_t> ids, const Tensor &out) override
    {
        cpu::embed(m_context, cpuWeight(table), ids, out.f32());
    }
    void rmsNorm(const Tensor &x, const Tensor &weight, float eps, const Tensor &out) override
    {
        cpu::rmsNorm(m_context, x, weight, eps, out);
    }
    void linear(const Tensor &x, const Weight &weight, const Tensor *bias, const Tensor &out) override
    {
        cpu::linear(m_context, x, cpuWeight(weight), bias ? bias->f32() : nullptr, out);
    }
    void add(const Tensor &x, const Tensor &y) override { cpu::add(m_context, x, y); }
    void clamp(const Tensor &x, float limit) override { cpu::clamp(m_context, x, limit); }
    void rope(const Tensor &x, const HeadNorm *norm, std::span<const std::int32_t> positions, const AttentionConfig &config) override
    {
        cpu::rope(m_context, x, norm, positions, config);
    }
    void attention(const Tensor &q, const Tensor &k, const Tensor &v, std::span<const BatchSpan> spans, const AttentionConfig &config,
        KvCache *cache, int layer, const Tensor &out) override
    {
        cpu::attention(m_context, q, k, v, spans, config, cache, layer, out);
    }
    std::unique_ptr<KvCache> makeKvCache(const ModelConfig &config, int sequences, std::int64_t capacityTokens) override
    {
        return cpu::makeKvCache(config, sequences, capacityTokens);
    }
    void gatedMlp(const Tensor &x, const GatedMlp &mlp, const Tensor &out) override { cpu::gatedMlp(m_context, x, mlp, out); }
    void scaleRowsBySigmoid(const Tensor &x, const Tensor &g) override { cpu::scaleRowsBySigmoid(m_context, x, g); }
    ExpertWeightsPtr prepareExperts(std::span<const StoredMlp> stored) override
    {
        auto set = std::make_shared<cpu::CpuExperts>();
        for (const StoredMlp &mlp : stored)
            set->mlps.push_back({prepare(mlp.gate, Products::Fast), prepare(mlp.up, Products::Fast), prepare(mlp.down, Products::Fast)});
        return set;
    }
    void experts(
        const Tensor &x, const Assignments &assignments, const ExpertWeights &experts, const Tensor &out, const Tensor *outNorm) override
    {
        cpu::experts(m_context, x, assignments, cpu::cpuExperts(experts), out, outNorm);
    }
    void logProbs(const Tensor &x, const Weight &head, std::span<const std::int32_t> target, std::span<float> logprob,
        std::span<std::int32_t> best) override
    {
        cpu::logProbs(m_context, x, cpuWeight(head), target, logprob, best);
    }

private:
    cpu::CpuContext m_context{cpu::usableIsa()};
};

} // namespace

std::unique_ptr<Backend> makeCpuBackend()
{
    return std::make_unique<CpuBackend>();
}

} // namespace expertscope
