// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// TokenSequence: one text as a model runs it, with its labels. What a run takes, and what steering by prompt, pattern or label
// looks at.
#pragma once

#include "engine/core/trace.h"

#include <cstdint>
#include <vector>

namespace expertscope {

/// One sequence to be traced. nPrompt <= tokens.size(); the rest is the given continuation.
struct TokenSequence {
    SequenceInfo info; ///< labels; firstToken and counts are filled in by the recorder
    std::vector<std::int32_t> tokens;
    std::int64_t nPrompt = 0;
};

} // namespace expertscope
