// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How a verb hands over a Result: as text for reading, one part as CSV, or everything as JSON.
#pragma once

#include "engine/analysis/analysis.h"

#include <filesystem>
#include <string>

namespace CLI {
class App;
}

namespace expertscope {

struct ResultFormat {
    std::string part; ///< table or matrix; empty = the first table
    bool csv = false, json = false;
};

/// --part, --csv, --json.
void declareResultFormat(CLI::App &app, ResultFormat &format);

/// The table or matrix of that name (the first table where it is empty) as CSV. Throws Error (Usage) naming the parts there are.
std::string partAsCsv(const Result &result, const std::string &part);
/// Throws Error (Usage) as well for a matrix that is not asked for as CSV.
std::string formatted(const AnalysisKind &kind, const Result &result, const ResultFormat &format);

/// Writes a whole file, or nothing. Throws Error (Input).
void writeFile(const std::filesystem::path &file, const std::string &text, bool overwrite);

} // namespace expertscope
