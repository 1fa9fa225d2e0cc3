// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// HeatmapData: a matrix of numbers with a pyramid of coarser columns, so that 100,000 columns draw as fast as 1,000.
// Built off the UI thread, then shared and never changed.
#pragma once

#include "views/common/colour_map.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace expertscope {

class HeatmapData {
public:
    /// values: [rows, columns], NaN = missing. Categorical values are ids below `categories`. A coarse column holds the mean of the finite
    /// values of its block, or for categorical values the most frequent id (ties: the lowest).
    HeatmapData(int rows, std::int64_t columns, std::vector<float> values, int categories = 0);

    int rows() const { return m_rows; }
    std::int64_t columns() const { return m_levels.front().columns; }
    bool categorical() const { return m_categories > 0; }
    int categories() const { return m_categories; }
    const ValueExtent &extent() const { return m_extent; }
    const std::vector<float> &values() const { return m_levels.front().values; }
    float at(int row, std::int64_t column) const
    {
        return m_levels.front()
            .values[static_cast<std::size_t>(row) * static_cast<std::size_t>(columns()) + static_cast<std::size_t>(column)];
    }

    /// One resolution: every value stands for `block` columns.
    struct Level {
        std::int64_t block = 1;
        std::int64_t columns = 0;
        std::vector<float> values; ///< [rows, columns]
    };
    /// The coarsest level whose blocks are not wider than a pixel.
    const Level &levelFor(double columnsPerPixel) const;

private:
    int m_rows = 0;
    int m_categories = 0;
    ValueExtent m_extent;
    std::vector<Level> m_levels; ///< finest first
};

/// Mean of the finite values; NaN if there is none.
float meanOf(const float *values, std::int64_t count);

using HeatmapDataPtr = std::shared_ptr<const HeatmapData>;

} // namespace expertscope
