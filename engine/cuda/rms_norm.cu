// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Root-mean-square norm of rows: a block per long row, a warp per short one (heads). Bound: 8 bytes a number.
#include "engine/cuda/launch.h"
#include "engine/cuda/numbers.h"
#include "engine/cuda/ops.h"

namespace expertscope::cuda {

namespace {

constexpr int blockThreads = 256;

/// Each row by `threads` threads, neighbours on neighbouring numbers.
template<int threads>
__global__ void normaliseRows(const float *x, const float *weight, float eps, float *out, std::int64_t rows, int width)
{
    __shared__ float partial[threads / 32];
    const int thread = static_cast<int>(threadIdx.x) % threads;
    const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * (blockThreads / threads) + static_cast<int>(threadIdx.x) / threads;
    if (row >= rows) // whole warps: a row has at least one
        return;
    const float *const from = x + row * width;
    float squares = 0;
    for (int i = thread; i < width; i += threads)
        squares += from[i] * from[i];
    const float factor = rsqrtf(blockSum<threads>(squares, partial) / static_cast<float>(width) + eps);
    for (int i = thread; i < width; i += threads)
        out[row * width + i] = from[i] * factor * weight[i];
}

} // namespace

void rmsNorm(Context &context, const Tensor &x, const Tensor &weight, float eps, const Tensor &out)
{
    constexpr int widest = 512; // of the rows that a warp takes
    const auto width = static_cast<int>(weight.count());
    const std::int64_t rows = x.count() / width;
    const bool narrow = width <= widest;
    const auto kernel = narrow ? normaliseRows<32> : normaliseRows<blockThreads>;
    launch(kernel, blocksFor(rows, narrow ? blockThreads / 32 : 1), blockThreads, 0, context.stream(), x.f32(), weight.f32(), eps,
        out.f32(), rows, width);
}

} // namespace expertscope::cuda
