// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The routing trace file of trace-format.md: written as a stream to a temporary name, renamed when finished; read in chunks.
// libhdf5 is entered by one thread at a time (hdf5Lane), whatever the build of the library.
#pragma once

#include "engine/core/trace.h"

#include <filesystem>
#include <memory>

namespace expertscope {

struct TraceFileOptions {
    bool overwrite = false;
    bool compress = true; ///< shuffle + gzip level 1, on writer threads
    bool dated = true; ///< off: the file does not say when it was made, so that the same input gives the same bytes
    bool halfWeights = false; ///< gate weights as f2 instead of f4
    std::filesystem::path part = {}; ///< see PartFile; empty = a unique name
};

/// Throws Error (Input) if the file exists and overwrite is off, or the folder cannot be written. Until finish() the data is in
/// "<file>.<unique>.part" beside it; destroying the sink earlier removes that. finish() may be called after any number of ended
/// sequences; the tokens of one that was not ended are dropped. Memory does not grow with the number of tokens.
std::unique_ptr<TraceSink> createTraceFile(const std::filesystem::path &file, const TraceFileOptions &options);

/// Opens any 1.x file; names in TraceMeta::notes what it does not know; never guesses a missing field. Throws Error (Input) on anything
/// that is not a trace, is truncated, damaged, or of a newer major version.
TracePtr openTraceFile(const std::filesystem::path &file);

} // namespace expertscope
