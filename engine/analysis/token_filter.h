// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Which tokens count: the switches for what else than language differs between two texts (special tokens, phase, position, length,
// token identity).
#pragma once

#include "engine/analysis/parallel_texts.h"
#include "engine/core/params.h"
#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace expertscope {

/// The settings of an analysis that filters tokens.
inline constexpr std::array<ParamKind, 4> tokenFilterParams{{
    {"special-tokens", "Special tokens", "Count the tokens that every prompt begins or ends with (BOS, chat template)",
        ParamKind::Type::Flag, "on"},
    {"phase", "Phase", "Count tokens of the prompt, generated ones, or both", ParamKind::Type::Choice, "all", 0, 0, "all|prompt|generated"},
    {"first-position", "From position", "First position of a sequence that counts; 0 = the first token", ParamKind::Type::Integer, "0", 0,
        1e9},
    {"end-position", "To position", "Position that a sequence is counted up to, itself left out; 0 = to the end", ParamKind::Type::Integer,
        "0", 0, 1e9},
}};
/// And of one that compares translations.
inline constexpr std::array<ParamKind, 2> translationFilterParams{{
    {"shared-ids", "Shared tokens only", "Count only token ids that occur in every language compared", ParamKind::Type::Flag, "off"},
    {"match-length", "Match lengths", "Cut the translations of a text to as many tokens as the shortest has", ParamKind::Type::Flag, "off"},
}};

struct TokenFilter {
    bool specialTokens = true;
    std::string phase = "all";
    std::int64_t firstPosition = 0, endPosition = 0; ///< endPosition 0 = no end
    bool sharedIds = false, matchLength = false;
    bool all() const; ///< whether it leaves out nothing
};
/// From the settings of tokenFilterParams.
TokenFilter tokenFilter(const Params &params);
/// And of translationFilterParams.
TokenFilter translationFilter(const Params &params);

/// [T] 1 where a token counts; empty where all do. Lengths are matched after the other switches. Says in `notes` how many tokens are left.
/// Without sharedIds and matchLength only texts.sequences is looked at. Throws Error (Check) if no token is left.
std::vector<std::uint8_t> countedTokens(const RoutingTrace &trace, const TokenFilter &filter, const ParallelTexts &texts,
    const Progress &progress, std::vector<std::string> &notes);

} // namespace expertscope
