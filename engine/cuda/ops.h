// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The CUDA backend's operations, one file each; see engine/core/backend.h for what they compute. Tensors lie on the device.
// They return when the work is on the stream, not when it is done.
#pragma once

#include "engine/core/backend.h"
#include "engine/cuda/context.h"
#include "engine/cuda/weight.h"

namespace expertscope::cuda {

void embed(Context &context, const CudaWeight &table, std::span<const std::int32_t> ids, const Tensor &out);
void rmsNorm(Context &context, const Tensor &x, const Tensor &weight, float eps, const Tensor &out);
void add(Context &context, const Tensor &x, const Tensor &y);
void clamp(Context &context, const Tensor &x, float limit);
void scaleRowsBySigmoid(Context &context, const Tensor &x, const Tensor &g);
void linear(Context &context, const Tensor &x, const CudaWeight &weight, const float *bias, const Tensor &out);
void rope(Context &context, const Tensor &x, const HeadNorm *norm, std::span<const std::int32_t> positions, const AttentionConfig &config);
void attention(Context &context, const Tensor &q, const Tensor &k, const Tensor &v, std::span<const BatchSpan> spans,
    const AttentionConfig &config, KvCache *cache, int layer, const Tensor &out);
void gatedMlp(Context &context, const Tensor &x, const GatedMlp &mlp, const Tensor &out);
/// Waits for the results.
void logProbs(Context &context, const Tensor &x, const CudaWeight &head, std::span<const std::int32_t> target, std::span<float> logprob,
    std::span<std::int32_t> best);

// Parts of operations.

/// gate = silu(gate) * up.
void siluTimes(Context &context, float *gate, const float *up, std::int64_t count);
/// x [rows, width] += bias [width].
void addBias(Context &context, float *x, const float *bias, std::int64_t rows, int width);

} // namespace expertscope::cuda
