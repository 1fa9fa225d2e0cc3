// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// PlainBackend: every operation as the loop one would write on paper, one thread, sums in double.
// What the fast backends are compared with.
#pragma once

#include "engine/core/backend.h"

namespace expertscope {

class PlainBackend : public Backend {
public:
    BackendInfo info() const override;

    Buffer allocate(DType type, Shape shape) override;
    void upload(std::span<const float> from, const Tensor &to) override;
    void download(const Tensor &from, std::span<float> to) override;
    WeightPtr prepare(const Tensor &stored, Products products) override;
    Buffer prepareVector(const Tensor &stored) override;

    void embed(const Weight &table, std::span<const std::int32_t> ids, const Tensor &out) override;
    void rmsNorm(const Tensor &x, const Tensor &weight, float eps, const Tensor &out) override;
    void linear(const Tensor &x, const Weight &weight, const Tensor *bias, const Tensor &out) override;
    void add(const Tensor &x, const Tensor &y) override;
    void clamp(const Tensor &x, float limit) override;
    void rope(const Tensor &x, const HeadNorm *norm, std::span<const std::int32_t> positions, const AttentionConfig &config) override;
    void attention(const Tensor &q, const Tensor &k, const Tensor &v, std::span<const BatchSpan> spans, const AttentionConfig &config,
        KvCache *cache, int layer, const Tensor &out) override;
    std::unique_ptr<KvCache> makeKvCache(const ModelConfig &config, int sequences, std::int64_t capacityTokens) override;
    void gatedMlp(const Tensor &x, const GatedMlp &mlp, const Tensor &out) override;
    void scaleRowsBySigmoid(const Tensor &x, const Tensor &g) override;
    ExpertWeightsPtr prepareExperts(std::span<const StoredMlp> stored) override;
    void experts(
        const Tensor &x, const Assignments &assignments, const ExpertWeights &experts, const Tensor &out, const Tensor *outNorm) override;
    void logProbs(const Tensor &x, const Weight &head, std::span<const std::int32_t> target, std::span<float> logprob,
        std::span<std::int32_t> best) override;
};

} // namespace expertscope
