// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Options that verbs share: the settings of an analysis or experiment, and how its Result is handed over.
#pragma once

#include "app/experiments/result_files.h"

#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace expertscope {

struct Command;

/// --set, with the settings of a kind in its help.
void declareSettings(CLI::App &app, std::vector<std::string> &settings, const AnalysisKind &kind);

/// What a verb hands over, and how.
struct ResultOutput {
    ResultFormat format;
    std::string figure, figureOf; ///< file of a picture, and the chart or map it shows; empty = none, and the first
};
/// --part, --csv, --json; --figure and --figure-of where the program can paint.
void declareResultOutput(CLI::App &app, ResultOutput &output, const Command &command);
/// Prints the result and writes the figure. Throws Error: Usage for a part or a figure the result does not have, Input.
void handOver(const AnalysisKind &kind, const Result &result, const ResultOutput &output, const Command &command);
/// Writes the figure alone, if one was asked for.
void writeFigure(const AnalysisKind &kind, const Result &result, const ResultOutput &output, const Command &command);

/// Settings given as name=value. Throws Error (Usage).
std::vector<std::pair<std::string, std::string>> splitSettings(const std::vector<std::string> &texts);

} // namespace expertscope
