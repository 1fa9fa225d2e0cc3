// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Parts of a result by their id, where a part may be missing because settings or the trace leave it out.
#pragma once

#include "engine/analysis/result.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace expertscope {

/// Table, matrix or series of that id; null if there is none.
template<typename T>
const T *partOf(const std::vector<T> &parts, std::string_view id)
{
    const auto at = std::find_if(parts.begin(), parts.end(), [&](const T &part) { return part.id == id; });
    return at == parts.end() ? nullptr : &*at;
}

/// Null if the table has no column of that name.
inline const Column *columnOf(const Table &table, std::string_view name)
{
    const auto at = std::find_if(table.columns.begin(), table.columns.end(), [&](const Column &column) { return column.name == name; });
    return at == table.columns.end() ? nullptr : &*at;
}

/// Numbers of a column, whole or not; empty for texts.
inline std::vector<double> numbersOf(const Column &column)
{
    if (const auto *reals = std::get_if<std::vector<double>>(&column.values))
        return *reals;
    const auto *integers = std::get_if<std::vector<std::int64_t>>(&column.values);
    return integers ? std::vector<double>(integers->begin(), integers->end()) : std::vector<double>{};
}

} // namespace expertscope
