// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Stands in for the header of the same name: the instructions' documented register layouts, by exchange between lanes.
#pragma once

#include "cuda_runtime.h"

#include "engine/cuda/mma_shuffles.h"

namespace expertscope::cuda {

inline void mmaBf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2])
{
    std::uint32_t mine[6];
    std::memcpy(mine, a, sizeof a);
    std::memcpy(mine + 4, b, sizeof b);
    const emulator::Brought &all = emulator::exchange(0xffffffffu, "mma", mine, sizeof mine);
    const auto number = [&](unsigned lane, unsigned index, unsigned half) {
        std::uint16_t bits;
        std::memcpy(&bits, all.at[lane] + 4 * index + 2 * half, sizeof bits);
        return bitsAs<float>(static_cast<std::uint32_t>(bits) << 16);
    };
    const unsigned group = emulator::lane() / 4;
    const unsigned pair = emulator::lane() % 4;
    for (unsigned i = 0; i < 4; ++i) {
        float sum = 0;
        for (unsigned k = 0; k < 16; ++k)
            sum += number(group * 4 + k % 8 / 2, 2 * (k / 8) + i / 2, k % 2) * number((2 * pair + i % 2) * 4 + k % 8 / 2, 4 + k / 8, k % 2);
        d[i] += sum;
    }
}

namespace emulated {
/// Addresses of all lanes' rows, checked as the instruction wants them.
inline void rowsOfLanes(const void *row, const char *operation, const std::uint16_t *(&rows)[32])
{
    const emulator::Brought &all = emulator::exchange(0xffffffffu, operation, &row, sizeof row);
    for (int i = 0; i < 32; ++i)
        std::memcpy(&rows[i], all.at[i], sizeof rows[i]);
    if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0)
        emulator::fail("ldmatrix with a row that is not 16-byte aligned");
}
inline std::uint32_t pair(std::uint16_t low, std::uint16_t high)
{
    return low | static_cast<std::uint32_t>(high) << 16;
}
} // namespace emulated

inline void loadMatrices(std::uint32_t (&r)[4], const void *row)
{
    const std::uint16_t *rows[32];
    emulated::rowsOfLanes(row, "ldmatrix", rows);
    const unsigned lane = emulator::lane();
    for (unsigned i = 0; i < 4; ++i) {
        const std::uint16_t *const from = rows[8 * i + lane / 4] + 2 * (lane % 4);
        r[i] = emulated::pair(from[0], from[1]);
    }
    __syncwarp(); // nobody overwrites the rows while others read
}

inline void loadMatricesTransposed(std::uint32_t (&r)[4], const void *row)
{
    const std::uint16_t *rows[32];
    emulated::rowsOfLanes(row, "ldmatrix.trans", rows);
    const unsigned lane = emulator::lane();
    for (unsigned i = 0; i < 4; ++i)
        r[i] = emulated::pair(rows[8 * i + 2 * (lane % 4)][lane / 4], rows[8 * i + 2 * (lane % 4) + 1][lane / 4]);
    __syncwarp();
}

inline void copyAsync16(void *shared, const void *global, bool valid)
{
    emulator::copyLater(shared, global, valid ? 16 : 0, valid ? 0 : 16);
}
inline void commitCopies()
{
    emulator::commitCopies();
}
template<int groupsLeft>
void waitForCopies()
{
    emulator::waitForCopies(groupsLeft);
}

} // namespace expertscope::cuda
