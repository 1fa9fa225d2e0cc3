// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/steering/text_difference.h"

#include <algorithm>

namespace expertscope {

TextDifference textDifference(std::span<const std::int32_t> first, std::span<const std::int32_t> second)
{
    const std::size_t rows = first.size(), columns = second.size();
    // longest[i][j]: of what follows i in the first and j in the second
    std::vector<std::uint32_t> longest((rows + 1) * (columns + 1));
    const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t & { return longest[i * (columns + 1) + j]; };
    for (std::size_t i = rows; i-- > 0;)
        for (std::size_t j = columns; j-- > 0;)
            at(i, j) = first[i] == second[j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
    TextDifference difference{std::vector<bool>(rows, true), std::vector<bool>(columns, true)};
    for (std::size_t i = 0, j = 0; i < rows && j < columns;) {
        if (first[i] == second[j]) {
            difference.first[i++] = false;
            difference.second[j++] = false;
        } else if (at(i + 1, j) >= at(i, j + 1)) {
            ++i;
        } else {
            ++j;
        }
    }
    return difference;
}

} // namespace expertscope
