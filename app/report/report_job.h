// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A report as a background job of the window: the analyses run where it is called, only the figures take turns on the GUI thread.
#pragma once

#include "app/report/report.h"

#include <filesystem>

namespace expertscope {

struct ReportJob {
    struct Trace {
        TracePtr trace;
        std::string name; ///< as the window calls it
        std::filesystem::path file; ///< the trace file it was opened from; empty: it is written into the report's folder
    };
    std::vector<Trace> traces; ///< one or two
    std::function<std::string(std::int32_t)> textOfToken; ///< may be null
    std::filesystem::path folder; ///< must not exist, or be empty
};

/// Runs all analyses with their defaults and writes the report, all or nothing. Call it outside the GUI thread, whose event loop runs.
/// Throws Error; Cancelled when stopped, with nothing left behind.
void runReportJob(const ReportJob &job, const Progress &progress);

} // namespace expertscope
