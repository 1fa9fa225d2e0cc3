// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Writes a report: report.html, report.pdf, report.json and a CSV per table, into a folder that is there.
#pragma once

#include "app/report/report_figures.h"
#include "engine/core/progress.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace expertscope {

inline constexpr int reportSchemaVersion = 1; ///< of report.json; grows when a field changes its meaning or goes
inline constexpr const char *reportTraceFile = "trace.h5"; ///< where a report keeps a trace that is nowhere else
inline constexpr const char *reportSecondTraceFile = "trace-2.h5"; ///< and the one that it is compared with

/// The names at the top of a report's folder.
std::vector<std::string> reportEntries();

/// paintFigure(), or the same by way of the GUI thread.
using FigurePainter = std::function<PaintedFigure(const Figure &)>;

/// traceNote: where the trace is, in a sentence. Same report, same bytes. Throws Error (Input) where something cannot be written.
void writeReportFiles(const Report &report, const std::string &traceNote, const std::filesystem::path &folder, const FigurePainter &paint,
    const Progress &progress);

} // namespace expertscope
