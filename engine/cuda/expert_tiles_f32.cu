// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Expert products in f32: a block multiplies 64 rows of one expert with 2 x 64 outputs, a thread 4 rows with 2 x 4.
// The two halves are gate and up of the same outputs, or neighbouring outputs of down. Bound by f32 operations: 2 for each weight and row.
#include "engine/cuda/expert_products.h"
#include "engine/cuda/launch.h"

namespace expertscope::cuda {

namespace {

constexpr int threads = 256;
constexpr int half = 64; ///< outputs of one of the two halves
constexpr int depth = 16; ///< numbers of each row that are in shared memory at once
constexpr int padding = 4; ///< keeps columns of the transposed tiles in different banks

/// a: x [T, H] for gate and up, else hidden [rows, widthPitch].
template<bool gateUp>
__global__ void __launch_bounds__(threads) multiplyTile(ExpertWork work, const float *a, float *out)
{
    __align__(16) __shared__ float rows[depth][tileRowsF32 + padding];
    __align__(16) __shared__ float weights[depth][2 * half + padding];
    if (static_cast<int>(blockIdx.y) >= *work.order.tileCount)
        return;
    const RowTile tile = work.order.tiles[blockIdx.y];
    const ExpertPointers &expert = work.experts[tile.expert];
    const int length = gateUp ? work.hidden : work.widthPitch; // of a row of a
    const int pitch = gateUp ? work.hiddenPitch : work.widthPitch; // of a row of weights
    const int outputs = gateUp ? work.width : work.hidden;
    const int outPitch = gateUp ? work.widthPitch : work.hiddenPitch;
    const int firstOutput = static_cast<int>(blockIdx.x) * (gateUp ? half : 2 * half);
    const int thread = static_cast<int>(threadIdx.x);

    // what this thread brings: 4 numbers of one row, and of the same weight row in both halves
    const int bringsRow = thread / 4;
    const int bringsAt = thread % 4 * 4;
    const int source = tile.row + min(bringsRow, tile.rows - 1);
    const float *const from = a + static_cast<std::int64_t>(gateUp ? work.order.slotOf[source] / work.slots : source) * length;
    const float *fromWeights[2];
    bool exists[2];
    for (int h = 0; h < 2; ++h) {
        const auto *const matrix = static_cast<const float *>(gateUp ? (h == 0 ? expert.gate : expert.up) : expert.down);
        const int output = firstOutput + bringsRow + (gateUp ? 0 : h * half);
        exists[h] = output < outputs;
        fromWeights[h] = matrix + static_cast<std::int64_t>(exists[h] ? output : 0) * pitch;
    }

    const int row = thread / 16 * 4; // what it computes
    const int column = thread % 16 * 4;
    float sums[2][4][4] = {};
    for (int k = 0; k < pitch; k += depth) {
        const int at = k + bringsAt;
        for (int i = 0; i < 4; ++i)
            rows[bringsAt + i][bringsRow] = bringsRow < tile.rows && at + i < length ? from[at + i] : 0;
        for (int h = 0; h < 2; ++h) {
            const float4 four = exists[h] && at < pitch ? *reinterpret_cast<const float4 *>(fromWeights[h] + at) : make_float4(0, 0, 0, 0);
            weights[bringsAt][h * half + bringsRow] = four.x;
            weights[bringsAt + 1][h * half + bringsRow] = four.y;
            weights[bringsAt + 2][h * half + bringsRow] = four.z;
            weights[bringsAt + 3][h * half + bringsRow] = four.w;
        }
        __syncthreads();
#pragma unroll
        for (int i = 0; i < depth; ++i) {
            const float4 x = *reinterpret_cast<const float4 *>(&rows[i][row]);
            const float ofRows[4] = {x.x, x.y, x.z, x.w};
            for (int h = 0; h < 2; ++h) {
                const float4 w = *reinterpret_cast<const float4 *>(&weights[i][h * half + column]);
                const float ofOutputs[4] = {w.x, w.y, w.z, w.w};
                for (int r = 0; r < 4; ++r)
                    for (int c = 0; c < 4; ++c)
                        sums[h][r][c] += ofRows[r] * ofOutputs[c];
            }
        }
        __syncthreads();
    }
    for (int r = 0; r < 4 && row + r < tile.rows; ++r) {
        float *const to = out + static_cast<std::int64_t>(tile.row + row + r) * outPitch + firstOutput + column;
        for (int c = 0; c < 4; ++c) {
            if (gateUp) {
                if (firstOutput + column + c < outPitch) // the padding gets silu(0) * 0
                    to[c] = silu(sums[0][r][c]) * sums[1][r][c];
            } else {
                for (int h = 0; h < 2; ++h)
                    if (firstOutput + h * half + column + c < outputs)
                        to[h * half + c] = sums[h][r][c];
            }
        }
    }
}

} // namespace

void multiplyTilesF32(Context &context, const ExpertWork &work, const float *x, float *hidden, float *y)
{
    const auto tiles = static_cast<unsigned>(work.mostTiles);
    launch(multiplyTile<true>, {blocksFor(work.widthPitch, half), tiles}, threads, 0, context.stream(), work, x, hidden);
    launch(multiplyTile<false>, {blocksFor(work.hidden, 2 * half), tiles}, threads, 0, context.stream(), work, hidden, y);
}

} // namespace expertscope::cuda
