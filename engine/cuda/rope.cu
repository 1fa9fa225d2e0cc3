// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding, half-split pairs: a thread takes one frequency of one token through some of its heads, so that sine
// and cosine are computed once for them. Bound: 8 bytes a number.
#include "engine/cuda/launch.h"
#include "engine/cuda/ops.h"

namespace expertscope::cuda {

namespace {

constexpr int threads = 128;
constexpr int headsPerThread = 8;

__global__ void rotate(float *x, const std::int32_t *positions, const float *invFreq, float scale, std::int64_t tokens, int heads, int half)
{
    const std::int64_t n = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
    if (n >= tokens * half)
        return;
    const std::int64_t token = n / half;
    const int d = static_cast<int>(n % half);
    // The angle is rounded to f32 as the reference does: at long contexts that is what models were trained with.
    const float angle = static_cast<float>(positions[token]) * invFreq[d];
    float sine;
    float cosine;
    sincosf(angle, &sine, &cosine);
    sine *= scale;
    cosine *= scale;
    const int first = static_cast<int>(blockIdx.y) * headsPerThread;
    for (int h = first; h < min(first + headsPerThread, heads); ++h) {
        float *const head = x + (token * heads + h) * 2 * half;
        const float low = head[d];
        const float high = head[d + half];
        head[d] = low * cosine - high * sine;
        head[d + half] = high * cosine + low * sine;
    }
}

} // namespace

void rope(Context &context, const Tensor &x, std::span<const std::int32_t> positions, const AttentionConfig &config)
{
    const std::int32_t *const placed = context.inputs().place(context, Input::Positions, positions);
    const float *const invFreq = context.inputs().constants(context, config.ropeInvFreq);
    const auto heads = static_cast<int>(x.shape[1]);
    const auto half = static_cast<int>(config.ropeInvFreq.size());
    const dim3 grid{blocksFor(x.shape[0] * half, threads), blocksFor(heads, headsPerThread)};
    launch(rotate, grid, threads, 0, context.stream(), x.f32(), placed, invFreq, config.ropeScale, x.shape[0], heads, half);
}

} // namespace expertscope::cuda
