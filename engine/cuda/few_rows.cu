// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// out = x W^T (+ bias) for a few rows: a warp takes two outputs and streams their weights, 16 bytes a lane and load; where there are
// too few outputs to fill the card, the warps of a block split the inputs. Bound: the bytes of the weights.
#include "engine/cuda/launch.h"
#include "engine/cuda/products.h"

namespace expertscope::cuda {

namespace {

constexpr int warps = 4; // of a block
constexpr int outputs = 2; // of a warp: halves the reads of x

template<int count>
struct Numbers {
    float at[count];
};

template<int count>
__device__ Numbers<count> load(const float *from)
{
    Numbers<count> numbers;
    if constexpr (count == 1)
        numbers.at[0] = *from;
    else
        for (int i = 0; i < count; i += 4) {
            const float4 four = *reinterpret_cast<const float4 *>(from + i);
            numbers.at[i] = four.x;
            numbers.at[i + 1] = four.y;
            numbers.at[i + 2] = four.z;
            numbers.at[i + 3] = four.w;
        }
    return numbers;
}

template<int count>
__device__ Numbers<count> load(const Bf16 *from)
{
    Numbers<count> numbers;
    if constexpr (count == 1)
        numbers.at[0] = toFloat(*from);
    else {
        const uint4 eight = *reinterpret_cast<const uint4 *>(from);
        const std::uint32_t pairs[4] = {eight.x, eight.y, eight.z, eight.w};
        for (int i = 0; i < 4; ++i) {
            const float2 two = unpackBf16(pairs[i]);
            numbers.at[2 * i] = two.x;
            numbers.at[2 * i + 1] = two.y;
        }
    }
    return numbers;
}

/// x [rows, depth], weight [width, depth]. chunk: numbers of a load, 8 where rows are aligned for it, else 1. split: warps that share
/// an output. Which numbers a lane adds up does not depend on `rows`.
template<class Stored, int chunk, int most>
__global__ void dotRows(const float *x, const Stored *weight, const float *bias, float *out, int rows, int width, int depth, int split)
{
    constexpr int sumCount = outputs * most;
    __shared__ float partial[warps][sumCount];
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int part = warp % split;
    const int first = (static_cast<int>(blockIdx.x) * (warps / split) + warp / split) * outputs;
    float sums[sumCount] = {};
    const Stored *from[outputs];
    for (int o = 0; o < outputs; ++o) // beyond the last output, as beyond the last row, it is read again, and nothing is written
        from[o] = weight + static_cast<std::int64_t>(min(first + o, width - 1)) * depth;
#pragma unroll 4
    for (int k = (part * 32 + lane) * chunk; k < depth; k += split * 32 * chunk) {
        Numbers<chunk> weights[outputs];
        for (int o = 0; o < outputs; ++o)
            weights[o] = load<chunk>(from[o] + k);
#pragma unroll
        for (int r = 0; r < most; ++r) {
            const Numbers<chunk> numbers = load<chunk>(x + static_cast<std::int64_t>(min(r, rows - 1)) * depth + k);
            for (int o = 0; o < outputs; ++o)
                for (int i = 0; i < chunk; ++i)
                    sums[o * most + r] += weights[o].at[i] * numbers.at[i];
        }
    }
    warpSums(sums);
    if (lane % (32 / sumCount) == 0)
        partial[warp][lane / (32 / sumCount)] = sums[0];
    __syncthreads();
    if (part != 0)
        return;
    for (int i = lane; i < sumCount; i += 32) {
        const int o = i / most;
        const int r = i % most;
        if (r >= rows || first + o >= width)
            continue;
        float sum = bias ? bias[first + o] : 0;
        for (int p = 0; p < split; ++p)
            sum += partial[warp + p][i];
        out[static_cast<std::int64_t>(r) * width + first + o] = sum;
    }
}

template<class Stored, int chunk>
void dot(Context &context, const float *x, int rows, const WeightRows &weight, const float *bias, float *out)
{
    const int enough = context.device().multiprocessors * 16; // warps that keep the memory busy
    const int split = weight.rows / outputs >= enough ? 1 : warps;
    const unsigned blocks = blocksFor(weight.rows, outputs * (warps / split));
    const auto kernel = rows == 1 ? dotRows<Stored, chunk, 1>
        : rows == 2               ? dotRows<Stored, chunk, 2>
        : rows <= 4               ? dotRows<Stored, chunk, 4>
                                  : dotRows<Stored, chunk, mostFewRows>;
    launch(kernel, blocks, warps * 32, 0, context.stream(), x, static_cast<const Stored *>(weight.data), bias, out, rows, weight.rows,
        weight.cols, split);
}

template<class Stored>
void dotAligned(Context &context, const float *x, int rows, const WeightRows &weight, const float *bias, float *out)
{
    const bool aligned = weight.cols % 8 == 0 && reinterpret_cast<std::uintptr_t>(x) % 16 == 0;
    if (aligned)
        dot<Stored, 8>(context, x, rows, weight, bias, out);
    else
        dot<Stored, 1>(context, x, rows, weight, bias, out);
}

} // namespace

void multiplyFewRows(Context &context, const float *x, int rows, const WeightRows &weight, const float *bias, float *out)
{
    if (weight.type == DType::BF16)
        dotAligned<Bf16>(context, x, rows, weight, bias, out);
    else
        dotAligned<float>(context, x, rows, weight, bias, out);
}

} // namespace expertscope::cuda
