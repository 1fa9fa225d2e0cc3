// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A trace of which each sequence is cut to a run of its tokens: what the token filters leave, for every analysis that reads traces.
#pragma once

#include "engine/core/trace.h"

#include <cstdint>
#include <vector>

namespace expertscope {

/// kept: [S] rows of the whole trace, each inside its sequence; an empty range leaves a sequence without tokens. Rows are numbered anew,
/// positions stay; mean softmaxes, which are of whole sequences, are gone. Reads go through to the whole trace, which stays as it is.
/// Throws Error (Usage) for a range outside of its sequence.
TracePtr cutTrace(TracePtr whole, std::vector<TokenRange> kept);

/// The rows that are counted, sequence by sequence, as ranges. counted: [T], in each sequence one run of ones or none.
/// Throws Error (Usage) where it is more than one.
std::vector<TokenRange> keptRanges(const TraceMeta &meta, const std::vector<std::uint8_t> &counted);

} // namespace expertscope
