// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The CPU backend's operations, one file each; see engine/core/backend.h for what they compute.
#pragma once

#include "engine/cpu/context.h"

#include <memory>
#include <span>

namespace expertscope::cpu {

void embed(const CpuContext &context, const CpuWeight &table, std::span<const std::int32_t> ids, float *out);
void rmsNorm(const CpuContext &context, const Tensor &x, const Tensor &weight, float eps, const Tensor &out);
void add(const CpuContext &context, const Tensor &x, const Tensor &y);
void clamp(const CpuContext &context, const Tensor &x, float limit);
void scaleRowsBySigmoid(const CpuContext &context, const Tensor &x, const Tensor &g);
void linear(CpuContext &context, const Tensor &x, const CpuWeight &weight, const float *bias, const Tensor &out);
void rope(
    CpuContext &context, const Tensor &x, const HeadNorm *norm, std::span<const std::int32_t> positions, const AttentionConfig &config);
std::unique_ptr<KvCache> makeKvCache(const ModelConfig &config, int sequences, std::int64_t capacityTokens);
void attention(const CpuContext &context, const Tensor &q, const Tensor &k, const Tensor &v, std::span<const BatchSpan> spans,
    const AttentionConfig &config, KvCache *cache, int layer, const Tensor &out);
void gatedMlp(CpuContext &context, const Tensor &x, const GatedMlp &mlp, const Tensor &out);
void experts(CpuContext &context, const Tensor &x, const Assignments &assignments, std::span<const GatedMlp> experts, const Tensor &out,
    const Tensor *outNorm);
void logProbs(CpuContext &context, const Tensor &x, const CpuWeight &head, std::span<const std::int32_t> target, std::span<float> logprob,
    std::span<std::int32_t> best);

// Parts of operations.

/// rmsNorm() of one row [width of weight]; may be in place.
void normaliseRow(const CpuContext &context, const float *x, const Tensor &weight, float eps, float *out);

} // namespace expertscope::cpu
