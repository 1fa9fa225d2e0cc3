// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A counting sort in one kernel: a block for each expert reads all numbers twice, first to count, then to place its own in their order.
// Blocks need nothing of each other, so the order is the same whatever the schedule. Bound: 8 E T K bytes out of the L2 cache.
#include "engine/cuda/expert_order.h"
#include "engine/cuda/launch.h"
#include "engine/cuda/warp.h"

#include <algorithm>

namespace expertscope::cuda {

namespace {

constexpr int threads = 256;
constexpr int warps = threads / 32;
constexpr int perThread = 4; ///< neighbouring numbers, so that fewer rounds wait for each other

/// The sum over the threads before this one, and over all of them in `total`. Called by the whole block.
__device__ int blockSumBefore(int value, int (&ofWarp)[warps], int &total)
{
    const int before = warpSumBefore(value);
    __syncthreads(); // an earlier sum may still be read
    if (threadIdx.x % 32 == 31)
        ofWarp[threadIdx.x / 32] = before + value;
    __syncthreads();
    int sum = before;
    total = 0;
    for (int w = 0; w < warps; ++w) {
        if (w < static_cast<int>(threadIdx.x / 32))
            sum += ofWarp[w];
        total += ofWarp[w];
    }
    return sum;
}

__global__ void placeSlots(const std::int32_t *expert, int count, std::int32_t *firstRow, std::int32_t *slotOf, std::int32_t *rowOf)
{
    __shared__ int ofWarp[warps];
    const int own = static_cast<int>(blockIdx.x);
    const int thread = static_cast<int>(threadIdx.x);
    int less = 0;
    int mine = 0;
    for (int i = thread; i < count; i += threads) {
        const int e = expert[i];
        less += e >= 0 && e < own;
        mine += e == own;
    }
    int first = 0;
    int rows = 0;
    blockSumBefore(less, ofWarp, first);
    blockSumBefore(mine, ofWarp, rows);
    if (thread == 0) {
        firstRow[own] = first;
        if (own == static_cast<int>(gridDim.x) - 1)
            firstRow[own + 1] = first + rows;
    }
    if (rows == 0)
        return;
    for (int begin = 0; begin < count; begin += threads * perThread) {
        const int from = begin + thread * perThread;
        int here = 0;
        for (int i = from; i < min(from + perThread, count); ++i)
            here += expert[i] == own;
        int placed = 0;
        int row = first + blockSumBefore(here, ofWarp, placed);
        for (int i = from; i < min(from + perThread, count); ++i)
            if (expert[i] == own) {
                slotOf[row] = i;
                rowOf[i] = row++;
            }
        first += placed;
    }
}

/// One block; each thread cuts the rows of some neighbouring experts.
__global__ void cutTiles(
    const std::int32_t *firstRow, const ExpertPointers *pointers, int experts, int tileRows, RowTile *tiles, int *tileCount)
{
    __shared__ int ofWarp[warps];
    const auto endOf = [&](int e) { return pointers[e].down ? firstRow[e + 1] : firstRow[e]; };
    const int share = (experts + threads - 1) / threads;
    const int from = min(static_cast<int>(threadIdx.x) * share, experts);
    const int end = min(from + share, experts);
    int own = 0;
    for (int e = from; e < end; ++e)
        own += (endOf(e) - firstRow[e] + tileRows - 1) / tileRows;
    int total = 0;
    int at = blockSumBefore(own, ofWarp, total);
    for (int e = from; e < end; ++e)
        for (int row = firstRow[e]; row < endOf(e); row += tileRows)
            tiles[at++] = {e, row, min(tileRows, endOf(e) - row)};
    if (threadIdx.x == 0)
        *tileCount = total;
}

} // namespace

OrderedSlots::OrderedSlots(Context &context, const DeviceAssignments &to, std::int64_t experts, int tileRows)
    : m_context{context}
    , m_experts{static_cast<int>(experts)}
    , m_tileRows{tileRows}
    , m_mostTiles{to.tokens * to.slots / tileRows + std::min(experts, to.tokens * to.slots)}
    , m_firstRow{context, experts + 1, "the order of experts"}
    , m_slotOf{context, to.tokens * to.slots, "the order of experts"}
    , m_rowOf{context, to.tokens * to.slots, "the order of experts"}
    , m_tiles{context, m_mostTiles, "the order of experts"}
    , m_tileCount{context, 1, "the order of experts"}
{
    launch(placeSlots, static_cast<unsigned>(experts), threads, 0, context.stream(), to.expert, static_cast<int>(to.tokens * to.slots),
        m_firstRow.data(), m_slotOf.data(), m_rowOf.data());
}

void OrderedSlots::cut(const ExpertPointers *pointers)
{
    launch(cutTiles, 1, threads, 0, m_context.stream(), m_firstRow.data(), pointers, m_experts, m_tileRows, m_tiles.data(),
        m_tileCount.data());
}

} // namespace expertscope::cuda
