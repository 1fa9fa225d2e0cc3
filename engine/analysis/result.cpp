// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/result.h"

#include <algorithm>
#include <stdexcept>

namespace expertscope {

namespace {

template<typename List>
const auto &named(const List &list, std::string_view id, const std::string &where)
{
    const auto at = std::find_if(list.begin(), list.end(), [&](const auto &item) { return item.id == id; });
    if (at == list.end())
        throw std::out_of_range{where + " has nothing called " + std::string{id}};
    return *at;
}

} // namespace

std::size_t Column::size() const
{
    return std::visit([](const auto &list) { return list.size(); }, values);
}

const Column &Table::column(std::string_view name) const
{
    const auto at = std::find_if(columns.begin(), columns.end(), [&](const Column &column) { return column.name == name; });
    if (at == columns.end())
        throw std::out_of_range{"table " + id + " has no column " + std::string{name}};
    return *at;
}

const std::vector<double> &Table::reals(std::string_view name) const
{
    return std::get<std::vector<double>>(column(name).values);
}

const std::vector<std::int64_t> &Table::integers(std::string_view name) const
{
    return std::get<std::vector<std::int64_t>>(column(name).values);
}

const std::vector<std::string> &Table::texts(std::string_view name) const
{
    return std::get<std::vector<std::string>>(column(name).values);
}

const Table &Result::table(std::string_view name) const
{
    return named(tables, name, analysis);
}

const Matrix &Result::matrix(std::string_view name) const
{
    return named(matrices, name, analysis);
}

const Series &Result::serie(std::string_view name) const
{
    return named(series, name, analysis);
}

const Number &Result::number(std::string_view name) const
{
    return named(numbers, name, analysis);
}

} // namespace expertscope
