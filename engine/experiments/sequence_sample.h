// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A small sample of a trace's texts, for measurements that run the model many times: so many of each language, drawn with a seed.
#pragma once

#include "engine/core/params.h"
#include "engine/core/token_sequence.h"
#include "engine/core/trace.h"

#include <array>
#include <cstdint>
#include <vector>

namespace expertscope {

/// Which texts a measurement runs. The seed is a setting of the measurement.
inline constexpr std::array sampleParams{
    ParamKind{"texts", "Texts", "drawn: some of every language of the trace that is shown; selected: the text that is selected",
        ParamKind::Type::Choice, "drawn", 0, 0, "drawn|selected"},
    ParamKind{"per_language", "Texts a language", "How many are drawn of each", ParamKind::Type::Integer, "2", 1, 10000},
    ParamKind{"max_tokens", "Longest text", "In tokens; longer texts are cut", ParamKind::Type::Integer, "64", 2, 4096}};

/// Indices of `perLanguage` sequences of each language, rising, all of a language that has fewer. A sequence of one token predicts
/// nothing and is left out.
std::vector<int> drawnSequences(const TraceMeta &meta, std::int64_t perLanguage, std::uint64_t seed);

/// The first `most` tokens of a sequence of a trace, with its labels. The trace holds token ids.
TokenSequence sequenceOf(const RoutingTrace &trace, int sequence, std::int64_t most);

} // namespace expertscope
