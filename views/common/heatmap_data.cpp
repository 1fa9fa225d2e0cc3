// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/heatmap_data.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace expertscope {

namespace {

constexpr std::int64_t levelFactor = 4;
constexpr std::int64_t coarsestColumns = 512;
constexpr float missing = std::numeric_limits<float>::quiet_NaN();

/// tally: one zero per id; zero again on return.
float mostFrequent(const float *values, std::int64_t count, std::vector<std::int32_t> &tally)
{
    int best = -1;
    for (std::int64_t i = 0; i < count; ++i) {
        if (std::isnan(values[i]))
            continue;
        const auto id = static_cast<int>(values[i]);
        const std::int32_t n = ++tally[static_cast<std::size_t>(id)];
        const std::int32_t most = best < 0 ? 0 : tally[static_cast<std::size_t>(best)];
        if (n > most || (n == most && id < best))
            best = id;
    }
    for (std::int64_t i = 0; i < count; ++i) {
        if (!std::isnan(values[i]))
            tally[static_cast<std::size_t>(values[i])] = 0;
    }
    return best < 0 ? missing : static_cast<float>(best);
}

} // namespace

float meanOf(const float *values, std::int64_t count)
{
    double sum = 0;
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        if (!std::isnan(values[i])) {
            sum += values[i];
            ++n;
        }
    }
    return n > 0 ? static_cast<float>(sum / static_cast<double>(n)) : missing;
}

HeatmapData::HeatmapData(int rows, std::int64_t columns, std::vector<float> values, int categories)
    : m_rows{rows}
    , m_categories{categories}
{
    if (rows < 0 || columns < 0 || values.size() != static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns))
        throw std::invalid_argument{"HeatmapData: the values are not rows x columns"};
    if (categories > 0) {
        for (float &value : values) {
            if (!(value >= 0 && value < static_cast<float>(categories)))
                value = missing;
        }
    }
    m_extent = extentOf(values);
    m_levels.push_back({1, columns, std::move(values)});
    std::vector<std::int32_t> tally(static_cast<std::size_t>(categories), 0);
    for (std::int64_t block = levelFactor; m_levels.back().columns > coarsestColumns; block *= levelFactor) {
        Level level{block, (columns + block - 1) / block, {}};
        level.values.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(level.columns));
        // From the columns themselves: a mean of means, or the most frequent of most frequent ids, would be another number.
        const Level &from = m_levels.front();
        for (std::int64_t row = 0; row < rows; ++row) {
            for (std::int64_t i = 0; i < level.columns; ++i) {
                const float *source = from.values.data() + row * from.columns + i * block;
                const std::int64_t count = std::min(block, from.columns - i * block);
                level.values[static_cast<std::size_t>(row * level.columns + i)] =
                    categories > 0 ? mostFrequent(source, count, tally) : meanOf(source, count);
            }
        }
        m_levels.push_back(std::move(level));
    }
}

const HeatmapData::Level &HeatmapData::levelFor(double columnsPerPixel) const
{
    const Level *best = &m_levels.front();
    for (const Level &level : m_levels) {
        if (static_cast<double>(level.block) <= columnsPerPixel)
            best = &level;
    }
    return *best;
}

} // namespace expertscope
