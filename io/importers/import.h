// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Reads what other tools recorded into a TraceSink: what the file is, whether it can be right, and what it does not say.
// The formats are those of docs/importing.md; files are hostile until checked.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace expertscope {

struct ImportOptions {
    std::string title{}; ///< empty = the names of the files
    std::filesystem::path config{}; ///< model folder or its config.json; empty = none
    std::filesystem::path physicalMap{}; ///< .npy [layers, physical experts] of logical ids; empty = none
    std::filesystem::path labels{}; ///< CSV, TSV or JSONL, a row per sequence; empty = none
    int experts = 0; ///< per layer, where neither the file nor a config says it; 0 = not known
    std::string commandLine{};
};

struct ImportReport {
    std::string format; ///< what the files were taken for
    std::vector<TraceCheck> checks; ///< complete even where importTrace() refuses
};

/// The sort of foreign recording that the path is, in words ("NumPy trace"); empty if it is none. Looks at the path's name and bytes, never
/// throws.
std::string foreignTraceKind(const std::filesystem::path &path);

/// Reads the files (or the one folder of them) twice: once for the checks, once into the sink, from begin() to finish(). Memory does not
/// grow with the number of tokens where the format can be read in pieces. Throws Error (Input): unreadable, damaged or of no known format;
/// (Check): readable nonsense, told by `report` and before anything is sent to the sink; (Usage): options that the format has no use for.
void importTrace(std::span<const std::filesystem::path> files, const ImportOptions &options, TraceSink &sink, ImportReport &report,
    const Progress &progress);

} // namespace expertscope
