// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Pairs of texts that differ in one behaviour, and which of their tokens are compared.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <cstdint>
#include <string>
#include <vector>

namespace expertscope {

struct PairRequest {
    std::string
        column; ///< label column (or "language", "domain") that says the side; "auto" = the first that tells the texts of a pair apart
    std::string side1, side2; ///< its values; empty = the first two in order of appearance
    std::string span = "all"; ///< all, prompt, generated, or shared-end: the longest common ending of both texts, token by token
    std::string match = "none"; ///< none; ids: only token ids that both spans have; length: both spans cut to the shorter
};

struct PairedSides {
    std::string column, side1, side2; ///< as resolved
    std::vector<int> first, second; ///< [P] sequences of side 1 and side 2, same parallel id
    std::vector<std::uint8_t> counted; ///< [T] 1 for the tokens that are compared
    std::vector<std::int64_t> firstTokens, secondTokens; ///< [P] compared tokens
    std::vector<std::string> notes;
};

/// Of several sequences of one side and parallel id the first counts. Throws Error: Usage for a column or a value the trace has not, Check
/// if there is no pair with tokens to compare.
PairedSides pairedSides(const RoutingTrace &trace, const PairRequest &request, const Progress &progress);

} // namespace expertscope
