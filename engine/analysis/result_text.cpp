// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/result_text.h"

#include "engine/core/csv.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace expertscope {

namespace {

using Json = nlohmann::ordered_json;

Json number(double value)
{
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json numbers(const std::vector<double> &values)
{
    Json list = Json::array();
    for (const double value : values)
        list.push_back(number(value));
    return list;
}

Json cell(const Column &column, std::size_t row)
{
    if (const auto *reals = std::get_if<std::vector<double>>(&column.values))
        return number((*reals)[row]);
    if (const auto *integers = std::get_if<std::vector<std::int64_t>>(&column.values))
        return (*integers)[row];
    return std::get<std::vector<std::string>>(column.values)[row];
}

std::string shortText(double value)
{
    if (std::isnan(value))
        return "-";
    char text[32];
    std::snprintf(text, sizeof text, std::abs(value) >= 1e5 || value == std::round(value) ? "%.0f" : "%.4g", value);
    return text;
}

/// Without control characters, which a terminal would act on.
std::string printable(std::string text)
{
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    return text;
}

std::string cellText(const Column &column, std::size_t row)
{
    if (const auto *reals = std::get_if<std::vector<double>>(&column.values))
        return shortText((*reals)[row]);
    if (const auto *integers = std::get_if<std::vector<std::int64_t>>(&column.values))
        return std::to_string((*integers)[row]);
    return printable(std::get<std::vector<std::string>>(column.values)[row]);
}

/// Code points: near enough to the width of what analyses print.
std::size_t width(const std::string &text)
{
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string aligned(const Table &table, std::size_t rows)
{
    rows = std::min(rows, table.rows());
    std::vector<std::vector<std::string>> cells(table.columns.size());
    std::vector<std::size_t> widths;
    for (std::size_t c = 0; c < cells.size(); ++c) {
        cells[c].push_back(table.columns[c].name);
        for (std::size_t row = 0; row < rows; ++row)
            cells[c].push_back(cellText(table.columns[c], row));
        std::size_t widest = 0;
        for (const std::string &text : cells[c])
            widest = std::max(widest, width(text));
        widths.push_back(widest);
    }
    std::string text;
    for (std::size_t row = 0; row <= rows; ++row) {
        for (std::size_t c = 0; c < cells.size(); ++c) {
            const bool left = std::holds_alternative<std::vector<std::string>>(table.columns[c].values);
            const std::string padding(widths[c] - width(cells[c][row]), ' ');
            text += (c ? "  " : "") + (left ? cells[c][row] + padding : padding + cells[c][row]);
        }
        text.erase(text.find_last_not_of(' ') + 1);
        text += '\n';
    }
    if (rows < table.rows())
        text += "... " + std::to_string(table.rows() - rows) + " more rows (--csv has all)\n";
    return text;
}

} // namespace

std::string csv(const Table &table)
{
    CsvWriter writer;
    for (const Column &column : table.columns)
        writer.field(column.name);
    writer.endRow();
    for (std::size_t row = 0; row < table.rows(); ++row) {
        for (const Column &column : table.columns)
            std::visit([&](const auto &list) { writer.field(list[row]); }, column.values);
        writer.endRow();
    }
    return writer.text();
}

std::string csv(const Matrix &matrix)
{
    CsvWriter writer;
    writer.field(matrix.rowTitle).field(matrix.columnTitle).field("value").endRow();
    for (std::size_t row = 0; row < matrix.rows.size(); ++row)
        for (std::size_t column = 0; column < matrix.columns.size(); ++column)
            writer.field(matrix.rows[row]).field(matrix.columns[column]).field(matrix.at(row, column)).endRow();
    return writer.text();
}

nlohmann::ordered_json resultJson(const AnalysisKind &kind, const Result &result)
{
    Json settings = Json::object();
    for (const auto &[id, value] : result.settings)
        settings[id] = value;
    Json headlines = Json::array();
    for (const Number &n : result.numbers)
        headlines.push_back({{"id", n.id}, {"title", n.title}, {"unit", n.unit}, {"value", number(n.value)}, {"low", number(n.low)},
            {"high", number(n.high)}, {"chance", number(n.chance)}, {"n", n.n}, {"of", n.of}});
    Json tables = Json::array();
    for (const Table &table : result.tables) {
        Json columns = Json::array();
        for (const Column &column : table.columns)
            columns.push_back({{"name", column.name}, {"unit", column.unit}, {"help", column.help}});
        Json rows = Json::array();
        for (std::size_t row = 0; row < table.rows(); ++row) {
            Json cells = Json::array();
            for (const Column &column : table.columns)
                cells.push_back(cell(column, row));
            rows.push_back(std::move(cells));
        }
        tables.push_back({{"id", table.id}, {"title", table.title}, {"columns", std::move(columns)}, {"rows", std::move(rows)}});
    }
    Json matrices = Json::array();
    for (const Matrix &m : result.matrices)
        matrices.push_back({{"id", m.id}, {"title", m.title}, {"value", m.valueTitle}, {"unit", m.unit}, {"row_title", m.rowTitle},
            {"column_title", m.columnTitle}, {"rows", m.rows}, {"columns", m.columns}, {"values", numbers(m.values)},
            {"neutral", number(m.neutral)}});
    Json series = Json::array();
    for (const Series &s : result.series) {
        Json curves = Json::array();
        for (const Curve &curve : s.curves)
            curves.push_back({{"name", curve.name}, {"role", curve.role == Curve::Role::Chance ? "chance" : "data"},
                {"y", numbers(curve.y)}, {"low", numbers(curve.low)}, {"high", numbers(curve.high)}});
        series.push_back({{"id", s.id}, {"title", s.title}, {"x_title", s.xTitle}, {"y_title", s.yTitle}, {"unit", s.unit},
            {"x", numbers(s.x)}, {"names", s.names}, {"curves", std::move(curves)}});
    }
    return {{"schema_version", resultSchemaVersion}, {"analysis", kind.id}, {"title", kind.title}, {"definition", kind.definition},
        {"source", kind.source}, {"settings", std::move(settings)}, {"numbers", std::move(headlines)}, {"tables", std::move(tables)},
        {"matrices", std::move(matrices)}, {"series", std::move(series)}, {"notes", result.notes}};
}

std::string plainText(const Number &number)
{
    std::string text = shortText(number.value);
    if (!number.unit.empty() && number.unit != "1")
        text += ' ' + number.unit;
    if (!std::isnan(number.low))
        text += " [" + shortText(number.low) + ", " + shortText(number.high) + ']';
    if (!std::isnan(number.chance))
        text += ", chance " + shortText(number.chance);
    if (number.n > 0)
        text += ", n = " + std::to_string(number.n) + (number.of.empty() ? "" : ' ' + number.of);
    return text;
}

std::string plainText(const AnalysisKind &kind, const Result &result, const Table *table, std::size_t rows)
{
    std::string text = std::string{kind.title} + "\n" + std::string{kind.definition} + "\nSource: " + std::string{kind.source} + '\n';
    for (const auto &[id, value] : result.settings)
        text += (id == result.settings.front().first ? "Settings: " : ", ") + id + '=' + value;
    text += result.settings.empty() ? "\n" : "\n\n";
    for (const Number &number : result.numbers)
        text += number.title + " (" + number.id + "): " + plainText(number) + '\n';
    if (table)
        text += '\n' + table->title + " (" + table->id + ")\n" + aligned(*table, rows);
    for (const std::string &note : result.notes)
        text += "\nNote: " + printable(note) + '\n';
    return text;
}

} // namespace expertscope
