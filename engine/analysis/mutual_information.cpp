// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/mutual_information.h"

#include "engine/analysis/result.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

namespace expertscope {

namespace {

/// sum x log2 x.
double plogp(std::span<const std::int64_t> counts)
{
    double sum = 0;
    for (const std::int64_t n : counts)
        if (n > 0)
            sum += static_cast<double>(n) * std::log2(static_cast<double>(n));
    return sum;
}

double filled(std::span<const std::int64_t> counts)
{
    return static_cast<double>(std::count_if(counts.begin(), counts.end(), [](std::int64_t n) { return n > 0; }));
}

} // namespace

MutualInformation mutualInformation(std::span<const std::int64_t> counts, std::size_t columns)
{
    const std::size_t rows = columns ? counts.size() / columns : 0;
    std::vector<std::int64_t> rowSums(rows, 0), columnSums(columns, 0);
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < columns; ++j) {
            rowSums[i] += counts[i * columns + j];
            columnSums[j] += counts[i * columns + j];
        }
    const auto n = static_cast<double>(std::accumulate(rowSums.begin(), rowSums.end(), std::int64_t{0}));
    if (!(n > 0))
        return {noNumber, noNumber, noNumber, noNumber};
    MutualInformation mi{};
    mi.rowEntropy = std::log2(n) - plogp(rowSums) / n;
    mi.columnEntropy = std::log2(n) - plogp(columnSums) / n;
    mi.bits = std::max(0.0, mi.rowEntropy + mi.columnEntropy - (std::log2(n) - plogp(counts) / n));
    mi.corrected = mi.bits - (filled(counts) - filled(rowSums) - filled(columnSums) + 1) / (2 * n * std::numbers::ln2);
    return mi;
}

} // namespace expertscope
