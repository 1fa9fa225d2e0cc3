// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Expert products of a few rows: a warp for each output reads its weights once, 16 bytes a lane, for up to eight rows.
// Activations stay f32 and come from the L1 cache. Bound by reading the weights of the experts that have rows.
#include "engine/cuda/expert_products.h"
#include "engine/cuda/launch.h"

namespace expertscope::cuda {

namespace {

constexpr int warps = 8;
constexpr int step = 8; ///< numbers a lane takes at once

__device__ inline void load8(const float *from, float (&to)[step])
{
    for (int half = 0; half < 2; ++half) {
        const float4 four = reinterpret_cast<const float4 *>(from)[half];
        to[4 * half] = four.x;
        to[4 * half + 1] = four.y;
        to[4 * half + 2] = four.z;
        to[4 * half + 3] = four.w;
    }
}
__device__ inline void load8(const Bf16 *from, float (&to)[step])
{
    const uint4 raw = *reinterpret_cast<const uint4 *>(from);
    const std::uint32_t pairs[4] = {raw.x, raw.y, raw.z, raw.w};
    for (int i = 0; i < 4; ++i) {
        const float2 two = unpackBf16(pairs[i]);
        to[2 * i] = two.x;
        to[2 * i + 1] = two.y;
    }
}
/// Of a row of `length` numbers that begins anywhere; 0 beyond its end.
__device__ inline void loadUpTo8(const float *row, int at, int length, float (&to)[step])
{
    if (length % 4 == 0 && at + step <= length) {
        load8(row + at, to);
        return;
    }
    for (int i = 0; i < step; ++i)
        to[i] = at + i < length ? row[at + i] : 0;
}

/// sums[r] += w . rows[r] for the rows of the tile; each lane has a share of the sum.
template<class W, int matrices>
__device__ void dots(const W *const (&weights)[matrices], const float *const (&rows)[fewRows], int count, int length, int pitch,
    float (&sums)[matrices][fewRows])
{
    for (int at = static_cast<int>(threadIdx.x % 32) * step; at < pitch; at += 32 * step) {
        float w[matrices][step];
        for (int m = 0; m < matrices; ++m)
            load8(weights[m] + at, w[m]);
#pragma unroll
        for (int r = 0; r < fewRows; ++r) {
            if (r >= count)
                break;
            float x[step];
            loadUpTo8(rows[r], at, length, x);
            for (int m = 0; m < matrices; ++m)
                for (int i = 0; i < step; ++i)
                    sums[m][r] += w[m][i] * x[i];
        }
    }
}

template<class W>
__global__ void gateAndUp(ExpertWork work, const float *x, float *hidden)
{
    if (static_cast<int>(blockIdx.y) >= *work.order.tileCount)
        return;
    const RowTile tile = work.order.tiles[blockIdx.y];
    const int output = static_cast<int>(blockIdx.x) * warps + static_cast<int>(threadIdx.x / 32);
    if (output >= work.widthPitch)
        return;
    float sums[2][fewRows] = {};
    if (output < work.width) {
        const ExpertPointers &expert = work.experts[tile.expert];
        const std::int64_t row = static_cast<std::int64_t>(output) * work.hiddenPitch;
        const W *const weights[2] = {static_cast<const W *>(expert.gate) + row, static_cast<const W *>(expert.up) + row};
        const float *rows[fewRows];
#pragma unroll
        for (int r = 0; r < fewRows; ++r)
            rows[r] = x + static_cast<std::int64_t>(work.order.slotOf[tile.row + min(r, tile.rows - 1)] / work.slots) * work.hidden;
        dots<W, 2>(weights, rows, tile.rows, work.hidden, work.hiddenPitch, sums);
    }
#pragma unroll
    for (int r = 0; r < fewRows; ++r) {
        if (r >= tile.rows)
            break;
        const float gate = warpSum(sums[0][r]);
        const float up = warpSum(sums[1][r]);
        if (threadIdx.x % 32 == 0)
            hidden[static_cast<std::int64_t>(tile.row + r) * work.widthPitch + output] = silu(gate) * up;
    }
}

template<class W>
__global__ void downward(ExpertWork work, const float *hidden, float *y)
{
    if (static_cast<int>(blockIdx.y) >= *work.order.tileCount)
        return;
    const RowTile tile = work.order.tiles[blockIdx.y];
    const int output = static_cast<int>(blockIdx.x) * warps + static_cast<int>(threadIdx.x / 32);
    if (output >= work.hidden)
        return;
    const W *const weights[1] = {
        static_cast<const W *>(work.experts[tile.expert].down) + static_cast<std::int64_t>(output) * work.widthPitch};
    const float *rows[fewRows];
#pragma unroll
    for (int r = 0; r < fewRows; ++r)
        rows[r] = hidden + static_cast<std::int64_t>(tile.row + min(r, tile.rows - 1)) * work.widthPitch;
    float sums[1][fewRows] = {};
    dots<W, 1>(weights, rows, tile.rows, work.widthPitch, work.widthPitch, sums);
#pragma unroll
    for (int r = 0; r < fewRows; ++r) {
        if (r >= tile.rows)
            break;
        const float sum = warpSum(sums[0][r]);
        if (threadIdx.x % 32 == 0)
            y[static_cast<std::int64_t>(tile.row + r) * work.hiddenPitch + output] = sum;
    }
}

template<class W>
void multiply(Context &context, const ExpertWork &work, const float *x, float *hidden, float *y)
{
    const auto tiles = static_cast<unsigned>(work.mostTiles);
    launch(gateAndUp<W>, {blocksFor(work.widthPitch, warps), tiles}, 32 * warps, 0, context.stream(), work, x, hidden);
    launch(downward<W>, {blocksFor(work.hidden, warps), tiles}, 32 * warps, 0, context.stream(), work, hidden, y);
}

} // namespace

void multiplyFew(Context &context, const ExpertWork &work, DType weights, const float *x, float *hidden, float *y)
{
    if (weights == DType::BF16)
        multiply<Bf16>(context, work, x, hidden, y);
    else
        multiply<float>(context, work, x, hidden, y);
}

} // namespace expertscope::cuda
