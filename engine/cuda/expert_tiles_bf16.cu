// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Expert products on the matrix units: a block multiplies 128 rows of one expert with 2 x 64 outputs, 32 numbers deep at a time, while
// the next two steps are on their way to shared memory (cp.async). The two halves are gate and up of the same outputs, or neighbouring
// outputs of down. Bound by bf16 operations: 2 for each weight and row; at 128 rows a tile the L2 cache must give 1 byte for 64 of them.
#include "engine/cuda/expert_products.h"
#include "engine/cuda/launch.h"
#include "engine/cuda/mma.h"
#include "engine/cuda/shared_memory.h"

namespace expertscope::cuda {

namespace {

constexpr int threads = 256; ///< 8 warps: 4 along the rows, 2 along the outputs of a half
constexpr int half = 64;
constexpr int depth = 32; ///< bf16 numbers of a row in shared memory: 4 pieces of 16 bytes
constexpr int piece = 8;
constexpr int stages = 3;
constexpr int stageNumbers = (tileRowsBf16 + 2 * half) * depth;
constexpr std::size_t sharedBytes = sizeof(Bf16) * stages * stageNumbers;

/// Where piece `p` of a row lies: shifted from row pair to row pair, so that eight rows of a piece lie in different banks.
__device__ inline int placeOf(int row, int p)
{
    return row * depth + (p ^ (row / 2 % 4)) * piece;
}

/// a: x [T, hiddenPitch] for gate and up, else hidden [rows, widthPitch].
template<bool gateUp>
__global__ void __launch_bounds__(threads) multiplyTile(ExpertWork work, const Bf16 *a, Bf16 *out)
{
    if (static_cast<int>(blockIdx.y) >= *work.order.tileCount)
        return;
    const RowTile tile = work.order.tiles[blockIdx.y];
    const ExpertPointers &expert = work.experts[tile.expert];
    const int pitch = gateUp ? work.hiddenPitch : work.widthPitch;
    const int outputs = gateUp ? work.width : work.hidden;
    const int outPitch = gateUp ? work.widthPitch : work.hiddenPitch;
    const int firstOutput = static_cast<int>(blockIdx.x) * (gateUp ? half : 2 * half);
    Bf16 *const shared = sharedMemory<Bf16>();
    const int thread = static_cast<int>(threadIdx.x);
    const int lane = thread % 32;
    const int warpRow = thread / 32 % 4 * 32;
    const int warpOutput = thread / 128 * 32;

    // what this thread brings of each step: one piece of two rows of a, and of an output of either half
    const int bringsPiece = thread % 4;
    const int bringsRow = thread / 4;
    const Bf16 *from[4];
    bool exists[4];
    for (int i = 0; i < 2; ++i) {
        const int r = bringsRow + i * 64;
        exists[i] = r < tile.rows;
        const int source = tile.row + (exists[i] ? r : 0);
        from[i] = a + static_cast<std::int64_t>(gateUp ? work.order.slotOf[source] / work.slots : source) * pitch;
        const auto *const matrix = static_cast<const Bf16 *>(gateUp ? (i == 0 ? expert.gate : expert.up) : expert.down);
        const int output = firstOutput + bringsRow + (gateUp ? 0 : i * half);
        exists[2 + i] = output < outputs;
        from[2 + i] = matrix + static_cast<std::int64_t>(exists[2 + i] ? output : 0) * pitch;
    }
    const auto bring = [&](int k) {
        const int at = k * depth + bringsPiece * piece;
        Bf16 *const stage = shared + k % stages * stageNumbers;
        if (k * depth < pitch)
            for (int i = 0; i < 4; ++i) // rows of a lie first, then the outputs of the halves: 64 each
                copyAsync16(stage + placeOf(bringsRow + i * 64, bringsPiece), from[i] + (at < pitch ? at : 0), exists[i] && at < pitch);
        commitCopies(); // an empty group as well, so that groups can be counted
    };

    float sums[2][2][4][4] = {}; ///< half, 16 rows, 8 outputs, and what a lane has of them
    for (int k = 0; k + 1 < stages; ++k)
        bring(k);
    for (int k = 0; k * depth < pitch; ++k) {
        waitForCopies<stages - 2>();
        __syncthreads(); // all have got theirs, and are done with the stage that is filled next
        bring(k + stages - 1);
        const Bf16 *const rows = shared + k % stages * stageNumbers;
        const Bf16 *const weights = rows + tileRowsBf16 * depth;
#pragma unroll
        for (int part = 0; part < 2; ++part) { // 16 deep
            std::uint32_t x[2][4];
            for (int m = 0; m < 2; ++m)
                loadMatrices(x[m], rows + placeOf(warpRow + m * 16 + lane % 16, part * 2 + lane / 16));
            for (int h = 0; h < 2; ++h)
                for (int n = 0; n < 2; ++n) {
                    std::uint32_t w[4]; // 16 outputs: a pair of registers for each 8
                    loadMatrices(w, weights + placeOf(h * half + warpOutput + n * 16 + lane / 16 * 8 + lane % 8, part * 2 + lane / 8 % 2));
                    const std::uint32_t first[2] = {w[0], w[1]};
                    const std::uint32_t second[2] = {w[2], w[3]};
                    for (int m = 0; m < 2; ++m) {
                        mmaBf16(sums[h][m][2 * n], x[m], first);
                        mmaBf16(sums[h][m][2 * n + 1], x[m], second);
                    }
                }
        }
    }

#pragma unroll
    for (int m = 0; m < 2; ++m)
#pragma unroll
        for (int upper = 0; upper < 2; ++upper) {
            const int row = warpRow + m * 16 + upper * 8 + lane / 4;
            if (row >= tile.rows)
                continue;
            Bf16 *const to = out + static_cast<std::int64_t>(tile.row + row) * outPitch;
#pragma unroll
            for (int n = 0; n < 4; ++n) {
                const int column = firstOutput + warpOutput + n * 8 + lane % 4 * 2;
                float values[2][2];
                for (int h = 0; h < 2; ++h)
                    for (int i = 0; i < 2; ++i)
                        values[h][i] = sums[h][m][n][2 * upper + i];
                if (gateUp) {
                    if (column < outPitch) // the padding gets silu(0) * 0
                        *reinterpret_cast<std::uint32_t *>(to + column) =
                            packBf16(silu(values[0][0]) * values[1][0], silu(values[0][1]) * values[1][1]);
                } else {
                    for (int h = 0; h < 2; ++h)
                        if (column + h * half < outPitch)
                            *reinterpret_cast<std::uint32_t *>(to + column + h * half) = packBf16(values[h][0], values[h][1]);
                }
            }
        }
}

} // namespace

void multiplyTilesBf16(Context &context, const ExpertWork &work, const Bf16 *x, Bf16 *hidden, Bf16 *y)
{
    const auto tiles = static_cast<unsigned>(work.mostTiles);
    launch(multiplyTile<true>, {blocksFor(work.widthPitch, half), tiles}, threads, sharedBytes, context.stream(), work, x, hidden);
    launch(multiplyTile<false>, {blocksFor(work.hiddenPitch, 2 * half), tiles}, threads, sharedBytes, context.stream(), work, hidden, y);
}

} // namespace expertscope::cuda
