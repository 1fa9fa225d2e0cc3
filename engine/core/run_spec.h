// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RunSpec: with the model's id, all that repeats a run: what is recorded and how tokens are drawn.
#pragma once

#include <cstdint>
#include <string>

namespace expertscope {

/// What the recorder keeps besides expert ids, which it always keeps.
struct Capture {
    bool gateWeights = true;
    bool routerLogits = false;
    bool expertOutNorms = false;
    bool logprobs = true; ///< log-probability of every actual token and the predicted next id; costs the LM head on all rows
    bool operator==(const Capture &) const = default;
};

/// How the next token is drawn. temperature 0 is greedy; topK 0 and topP 1 switch those filters off.
struct Sampling {
    float temperature = 0.0f;
    int topK = 0;
    float topP = 1.0f;
    std::uint64_t seed = 0;
    bool operator==(const Sampling &) const = default;
};

struct RunSpec {
    Capture capture;
    Sampling sampling;
    std::int64_t maxNewTokens = 0;
    std::int64_t batchTokens = 2048; ///< prefill packs sequences up to this many tokens
};

} // namespace expertscope
