// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Result: what an analysis returns, in shapes that any view, table, report or file can show without knowing the analysis.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace expertscope {

inline constexpr double noNumber = std::numeric_limits<double>::quiet_NaN(); ///< undefined or not measured; empty in CSV, null in JSON

/// One column of a long table. Common names are the same everywhere: layer (the model's own number), expert, language, group, token_id,
/// value, low, high (interval), chance, n (what the value was counted over), p, significant (0 or 1).
struct Column {
    using Values = std::variant<std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>;
    std::string name; ///< snake_case
    std::string unit; ///< "bits", "nats", "tokens", "1"; empty for names and numbers of things
    std::string help; ///< what the column holds, in a sentence
    Values values;
    std::size_t size() const;
};

struct Table {
    std::string id; ///< kebab-case, unique in its result: the name of its CSV file
    std::string title;
    std::vector<Column> columns; ///< all of the same length

    std::size_t rows() const { return columns.empty() ? 0 : columns.front().size(); }
    /// Throws std::out_of_range for a column the table does not have, std::bad_variant_access for one of another type.
    const Column &column(std::string_view name) const;
    const std::vector<double> &reals(std::string_view name) const;
    const std::vector<std::int64_t> &integers(std::string_view name) const;
    const std::vector<std::string> &texts(std::string_view name) const;
};

struct Matrix {
    std::string id, title;
    std::string valueTitle, unit; ///< of a cell: "Divergence", "1"
    std::string rowTitle, columnTitle; ///< axis titles: "Layer", "Expert"
    std::vector<std::string> rows, columns; ///< labels
    std::vector<double> values; ///< [rows, columns]; NaN = no value
    double neutral = noNumber; ///< value that means "no difference": a diverging colour map centres there; NaN = sequential
    double reach = noNumber; ///< colours differ up to that far from neutral, values beyond look like the last of them; NaN = all differ
    std::string emptyMeans = {}; ///< what a cell without a value is: "never chosen"; empty = it is missing
    double at(std::size_t row, std::size_t column) const { return values[row * columns.size() + column]; }
};

/// A line over x; low and high are empty or the interval around y, point by point.
struct Curve {
    enum class Role { Data, Chance } role = Role::Data; ///< Chance: the null the data is to be judged against, drawn as a band or dashes
    std::string name;
    std::vector<double> y, low, high;
};

struct Series {
    std::string id, title;
    std::string xTitle, yTitle, unit; ///< unit of y
    std::vector<double> x;
    std::vector<Curve> curves; ///< each as long as x
    bool bars = false; ///< x is a category: see names
    bool dots = false; ///< each x is a thing of its own, in any order, with a name: nothing joins them
    std::vector<std::string> names; ///< [x] labels of the categories or things, with bars or dots
};

/// A headline number with all that is needed to judge it.
struct Number {
    std::string id; ///< snake_case, unique in its result: `--fail-if id<value`
    std::string title;
    std::string unit;
    double value = noNumber;
    double low = noNumber, high = noNumber; ///< 95 % interval, where one makes sense
    double chance = noNumber; ///< value if routing had nothing to do with it
    std::int64_t n = 0; ///< counted over
    std::string of; ///< what n counts: "tokens", "parallel sentences"
};

struct Result {
    std::string analysis; ///< AnalysisKind::id
    std::string title;
    std::vector<std::pair<std::string, std::string>> settings; ///< parameter id -> value it was run with, defaults included
    std::vector<Number> numbers;
    std::vector<Table> tables; ///< the first one is the answer; the others explain it
    std::vector<Matrix> matrices;
    std::vector<Series> series;
    std::vector<std::string> notes; ///< whole sentences: what was left out and why, what the reader must know

    const Table &table(std::string_view id) const; ///< these throw std::out_of_range
    const Matrix &matrix(std::string_view id) const;
    const Series &serie(std::string_view id) const;
    const Number &number(std::string_view id) const;
};

} // namespace expertscope
