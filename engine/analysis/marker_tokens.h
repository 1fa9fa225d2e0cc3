// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Marker tokens of a trace: token ids that a person names by text or number, with a sign, and where they occur.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace expertscope {

struct Marker {
    std::string name; ///< as given, without its sign
    double coefficient = 1; ///< 1 or -1
    std::vector<std::int32_t> ids; ///< token ids it stands for
    std::vector<std::int64_t> rows; ///< ascending rows of the trace
    std::int64_t sequences = 0; ///< that hold it
};

/// `setting`: markers between bars, each a token's exact text (blanks included) or # and an id; several with & between them are one
/// marker, a leading minus counts against: "<think>|-</think>|-#1234&#1235". Only rows with counted[row] != 0; empty = all.
/// Throws Error: Usage for no marker or a bad id, Check for one that does not occur.
std::vector<Marker> findMarkers(const RoutingTrace &trace, const std::string &setting, const std::vector<std::uint8_t> &counted,
    const std::function<std::string(std::int32_t)> &textOfToken, const Progress &progress);

} // namespace expertscope
