// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/result_parts.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace expertscope {

std::vector<std::string> numberNames(int count)
{
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i)
        names.push_back(std::to_string(i));
    return names;
}

Matrix layerExpertMatrix(
    std::string id, std::string title, std::string valueTitle, std::string unit, std::span<const int> layers, int experts)
{
    Matrix matrix{.id = std::move(id),
        .title = std::move(title),
        .valueTitle = std::move(valueTitle),
        .unit = std::move(unit),
        .rowTitle = "Layer",
        .columnTitle = "Expert",
        .rows = {},
        .columns = numberNames(experts),
        .values = {}};
    for (const int layer : layers)
        matrix.rows.push_back(std::to_string(layer));
    matrix.values.assign(matrix.rows.size() * matrix.columns.size(), noNumber);
    return matrix;
}

void setLiftScale(Matrix &lifts, std::string emptyMeans)
{
    lifts.neutral = 0;
    lifts.reach = 1;
    for (const double lift : lifts.values)
        lifts.reach = std::max(lifts.reach, std::isnan(lift) ? 0 : lift);
    lifts.emptyMeans = std::move(emptyMeans);
}

Series layerSeries(std::string id, std::string title, std::string yTitle, std::string unit, std::span<const int> layers)
{
    return {.id = std::move(id),
        .title = std::move(title),
        .xTitle = "Layer",
        .yTitle = std::move(yTitle),
        .unit = std::move(unit),
        .x = {layers.begin(), layers.end()},
        .curves = {},
        .names = {}};
}

Table rowsOf(const Table &table, std::span<const std::size_t> order, std::string id, std::string title)
{
    Table rows{.id = std::move(id), .title = std::move(title), .columns = {}};
    for (const Column &column : table.columns) {
        Column taken{column.name, column.unit, column.help, {}};
        std::visit(
            [&](const auto &values) {
                auto some = values;
                some.clear();
                for (const std::size_t row : order)
                    some.push_back(values[row]);
                taken.values = std::move(some);
            },
            column.values);
        rows.columns.push_back(std::move(taken));
    }
    return rows;
}

} // namespace expertscope
