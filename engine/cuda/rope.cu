// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Norms of heads and rotary position embedding, half-split pairs: a warp takes a head, and the heads of a block, which are of one token,
// share sines and cosines. Bound: 8 bytes a number.
#include "engine/cuda/launch.h"
#include "engine/cuda/numbers.h"
#include "engine/cuda/ops.h"
#include "engine/cuda/shared_memory.h"

namespace expertscope::cuda {

namespace {

constexpr int headsPerBlock = 8;
constexpr int threads = headsPerBlock * 32;

/// norm [2 * half] may be null.
__global__ void turnHeads(
    float *x, const float *norm, float eps, const std::int32_t *positions, const float *invFreq, float scale, int heads, int half)
{
    float *const sines = sharedMemory<float>();
    float *const cosines = sines + half;
    const std::int64_t token = blockIdx.x;
    const auto thread = static_cast<int>(threadIdx.x);
    for (int d = thread; d < half; d += threads) {
        // The angle is rounded to f32 as the reference does: at long contexts that is what models were trained with.
        const float angle = static_cast<float>(positions[token]) * invFreq[d];
        float sine;
        float cosine;
        sincosf(angle, &sine, &cosine);
        sines[d] = sine * scale;
        cosines[d] = cosine * scale;
    }
    __syncthreads();
    const int h = static_cast<int>(blockIdx.y) * headsPerBlock + thread / 32;
    if (h >= heads)
        return;
    float *const head = x + (token * heads + h) * 2 * half;
    float factor = 1;
    if (norm) {
        float squares = 0;
        for (int i = thread % 32; i < 2 * half; i += 32)
            squares += head[i] * head[i];
        factor = rsqrtf(warpSum(squares) / static_cast<float>(2 * half) + eps); // all lanes have read by now
    }
    for (int d = thread % 32; d < half; d += 32) {
        const float low = norm ? head[d] * factor * norm[d] : head[d];
        const float high = norm ? head[d + half] * factor * norm[d + half] : head[d + half];
        head[d] = low * cosines[d] - high * sines[d];
        head[d + half] = high * cosines[d] + low * sines[d];
    }
}

} // namespace

void rope(Context &context, const Tensor &x, const HeadNorm *norm, std::span<const std::int32_t> positions, const AttentionConfig &config)
{
    const std::int32_t *const placed = context.inputs().place(context, Input::Positions, positions);
    const float *const invFreq = context.inputs().constants(context, config.ropeInvFreq);
    const auto heads = static_cast<int>(x.shape[1]);
    const auto half = static_cast<int>(config.ropeInvFreq.size());
    const dim3 grid{static_cast<unsigned>(x.shape[0]), blocksFor(heads, headsPerBlock)};
    launch(turnHeads, grid, threads, 2 * static_cast<std::size_t>(half) * sizeof(float), context.stream(), x.f32(),
        norm ? norm->weight.f32() : nullptr, norm ? norm->eps : 0.0f, placed, invFreq, config.ropeScale, heads, half);
}

} // namespace expertscope::cuda
