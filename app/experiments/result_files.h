// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A Result as text for reading, one part as CSV, or everything as JSON; and the files of an experiment that hold it.
#pragma once

#include "engine/analysis/analysis.h"

#include <filesystem>
#include <string>

namespace expertscope {

struct ResultFormat {
    std::string part; ///< table or matrix; empty = the first table
    bool csv = false, json = false;
};

/// The table or matrix of that name (the first table where it is empty) as CSV. Throws Error (Usage) naming the parts there are.
std::string partAsCsv(const Result &result, const std::string &part);
/// Throws Error (Usage) as well for a matrix that is not asked for as CSV.
std::string formatted(const AnalysisKind &kind, const Result &result, const ResultFormat &format);

/// result.json, result.txt and a CSV file for each table, in place of those that are there. Throws Error (Input).
void writeResult(const std::filesystem::path &folder, const AnalysisKind &kind, const Result &result);

/// Writes a whole file, or nothing. Throws Error (Input).
void writeFile(const std::filesystem::path &file, const std::string &text, bool overwrite);

} // namespace expertscope
