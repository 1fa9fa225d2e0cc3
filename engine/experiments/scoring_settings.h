// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How items are scored.
#pragma once

#include <cstdint>
#include <string>

namespace expertscope {

struct ScoringSettings {
    std::string separator = " "; ///< between a question and a choice
    std::int64_t maxNewTokens = 32; ///< of a generation
    std::int64_t batchTokens = 2048; ///< texts run together
    bool operator==(const ScoringSettings &) const = default;
};

} // namespace expertscope
