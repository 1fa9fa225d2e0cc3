// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Log-probabilities of given tokens and the likeliest ones, over the vocabulary in pieces with a running log-sum-exp: logits of all
// rows and tokens never exist together. Bound: the product with the head.
#include "engine/cuda/launch.h"
#include "engine/cuda/ops.h"
#include "engine/cuda/products.h"

#include <algorithm>
#include <limits>

namespace expertscope::cuda {

namespace {

constexpr int threads = 256;
constexpr std::int64_t vocabularyPiece = 8192;
constexpr std::int32_t noToken = 0x7fffffff; // where no logit is a number
constexpr std::int64_t rowsPiece = 2048; // 64 MB of logits at once

/// What is known of a row after the pieces so far.
struct Running {
    float max;
    float sum; ///< of exp(logit - max)
    float target; ///< logit; NaN where it has not come
    std::int32_t best;
};

/// A larger logit wins, among equals the lower token.
__device__ bool isBetter(float a, std::int32_t tokenOfA, float b, std::int32_t tokenOfB)
{
    return a > b || (a == b && tokenOfA < tokenOfB);
}

/// logits [rows, width] of tokens [first, first + width); a block per row.
__global__ void follow(const float *logits, int width, std::int32_t first, const std::int32_t *target, Running *running)
{
    __shared__ float partial[threads / 32];
    __shared__ float maxima[threads / 32];
    __shared__ std::int32_t bests[threads / 32];
    const std::int64_t row = blockIdx.x;
    const float *const from = logits + row * width;
    float max = -INFINITY;
    std::int32_t best = noToken;
    for (int i = static_cast<int>(threadIdx.x); i < width; i += threads)
        if (isBetter(from[i], first + i, max, best)) {
            max = from[i];
            best = first + i;
        }
    for (int bits = 16; bits > 0; bits /= 2) {
        const float otherMax = __shfl_xor_sync(wholeWarp, max, bits);
        const std::int32_t otherBest = __shfl_xor_sync(wholeWarp, best, bits);
        if (isBetter(otherMax, otherBest, max, best)) {
            max = otherMax;
            best = otherBest;
        }
    }
    if (threadIdx.x % 32 == 0) {
        maxima[threadIdx.x / 32] = max;
        bests[threadIdx.x / 32] = best;
    }
    __syncthreads();
    max = maxima[0];
    best = bests[0];
    for (int w = 1; w < threads / 32; ++w)
        if (isBetter(maxima[w], bests[w], max, best)) {
            max = maxima[w];
            best = bests[w];
        }
    float sum = 0;
    for (int i = static_cast<int>(threadIdx.x); i < width; i += threads)
        sum += expf(from[i] - max);
    sum = blockSum<threads>(sum, partial);
    if (threadIdx.x != 0)
        return;
    const std::int32_t wanted = target[row];
    Running now{max, sum, wanted >= first && wanted < first + width ? from[wanted - first] : NAN, best};
    if (first > 0) {
        const Running before = running[row];
        if (before.max >= max) {
            now.max = before.max;
            now.best = before.best;
        }
        now.sum = before.sum * expf(before.max - now.max) + sum * expf(max - now.max);
        if (!(wanted >= first && wanted < first + width))
            now.target = before.target;
    }
    running[row] = now;
}

} // namespace

void logProbs(Context &context, const Tensor &x, const CudaWeight &head, std::span<const std::int32_t> target, std::span<float> logprob,
    std::span<std::int32_t> best)
{
    const auto depth = static_cast<int>(head.cols());
    const std::int64_t rows = x.count() / depth;
    const std::int64_t rowsAtOnce = std::min(rows, rowsPiece);
    if (rows == 0)
        return;
    const Scratch<float> logits{context, rowsAtOnce * std::min(vocabularyPiece, head.rows()), "a piece of the next-token logits"};
    const Scratch<Running> running{context, rows, "sums of the next-token logits"};
    const Scratch<std::int32_t> targets{context, rows, "the tokens that follow"};
    context.staging().upload(targets.data(), target.data(), target.size_bytes());
    for (std::int64_t row = 0; row < rows; row += rowsAtOnce) {
        const std::int64_t count = std::min(rowsAtOnce, rows - row);
        Activations some{context, x.f32() + row * depth, count, depth};
        for (std::int64_t token = 0; token < head.rows(); token += vocabularyPiece) {
            const WeightRows piece = someRows(head, token, std::min(head.rows(), token + vocabularyPiece));
            multiply(context, some, piece, nullptr, logits.data());
            launch(follow, static_cast<unsigned>(count), threads, 0, context.stream(), logits.data(), piece.rows,
                static_cast<std::int32_t>(token), targets.data() + row, running.data() + row);
        }
    }
    std::vector<Running> done(static_cast<std::size_t>(rows));
    context.staging().download(done.data(), running.data(), done.size() * sizeof(Running));
    for (std::size_t r = 0; r < done.size(); ++r) {
        logprob[r] = static_cast<float>(
            static_cast<double>(done[r].target) - static_cast<double>(done[r].max) - std::log(static_cast<double>(done[r].sum)));
        best[r] = done[r].best == noToken ? 0 : done[r].best;
    }
}

} // namespace expertscope::cuda
