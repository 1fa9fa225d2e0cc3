// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Slots of a batch sorted by expert, and cut into tiles for the products.
#pragma once

#include "engine/cuda/context.h"
#include "engine/cuda/experts.h"

namespace expertscope::cuda {

/// Up to so many neighbouring rows of one expert.
struct RowTile {
    int expert;
    int row; ///< the first, of the sorted ones
    int rows;
};

/// The result, for kernels. A slot's number is t * K + s.
struct ExpertOrder {
    const std::int32_t *slotOf; ///< [rows] of each sorted row: by expert, then by number
    const std::int32_t *rowOf; ///< [T * K] the other way; undefined where a slot is not used
    const RowTile *tiles; ///< of the experts whose weights are there
    const int *tileCount;
};

/// Memory of an order, for the length of an operation.
class OrderedSlots {
public:
    /// As many slots at once as numbers of rows can count.
    OrderedSlots(Context &context, const DeviceAssignments &to, std::int64_t experts, int tileRows);
    /// Cuts the rows of the experts into tiles that have weights: pointers [E] on the device.
    void cut(const ExpertPointers *pointers);
    ExpertOrder order() const { return {m_slotOf.data(), m_rowOf.data(), m_tiles.data(), m_tileCount.data()}; }
    std::int64_t mostTiles() const { return m_mostTiles; }

private:
    Context &m_context;
    int m_experts;
    int m_tileRows;
    std::int64_t m_mostTiles;
    Scratch<std::int32_t> m_firstRow; ///< [E + 1]
    Scratch<std::int32_t> m_slotOf, m_rowOf;
    Scratch<RowTile> m_tiles;
    Scratch<int> m_tileCount;
};

} // namespace expertscope::cuda
