// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A Result as text: CSV for spreadsheets and scripts, JSON with everything, aligned columns for a terminal. The same numbers everywhere.
#pragma once

#include "engine/analysis/analysis.h"

#include <nlohmann/json.hpp>

#include <string>

namespace expertscope {

inline constexpr int resultSchemaVersion = 1; ///< of resultJson; grows when a field changes its meaning or goes

/// RFC 4180 with a header row of column names; missing numbers are empty.
std::string csv(const Table &table);
/// One row per cell: row, column, value.
std::string csv(const Matrix &matrix);
/// {schema_version, analysis, title, definition, source, settings, numbers, tables, matrices, series, notes}. Missing numbers are null;
/// bytes that are not UTF-8 become U+FFFD.
nlohmann::ordered_json resultJson(const AnalysisKind &kind, const Result &result);
/// For reading on a terminal: headline numbers, the first `rows` rows of a table, and the notes.
std::string plainText(const AnalysisKind &kind, const Result &result, const Table *table, std::size_t rows);
/// "0.412 [0.398, 0.427], chance 0.031, n = 240 parallel sentences".
std::string plainText(const Number &number);

} // namespace expertscope
