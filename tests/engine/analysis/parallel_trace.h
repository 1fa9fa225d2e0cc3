// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Traces for tests of the multilingual analyses: parallel texts in several languages whose router logits a formula gives, and a trace of
// imported counts.
#pragma once

#include "engine/core/memory_trace.h"
#include "engine/core/summary.h"

#include <functional>
#include <string>
#include <vector>

namespace expertscope::test {

struct ParallelShape {
    std::vector<std::string> languages{"en", "de", "fr"};
    int texts = 12;
    int tokens = 6; ///< of text p in language g: tokens + p % 3 + g
    int experts = 8;
    int slotCount = 2;
    std::vector<int> layers{0, 1, 3};
    TraceFields fields{.gateWeight = true, .routerLogit = true, .logprob = true, .tokenText = true, .meanSoftmax = true};
    std::uint64_t seed = 42;
};

struct TokenAt {
    int language, text, token, layer;
};
/// Added to a random normal logit of the expert.
using LogitOf = std::function<double(const TokenAt &, int expert)>;

/// Sequences in the order text by text, language by language; ids "p0-en". Token id of token t: 100 language + t, but 0 for the first
/// (BOS). Labels: column "half" with "a" for even texts, "b" for odd ones. logprob: -(1 + language); each token has 4 bytes.
TracePtr parallelTrace(const ParallelShape &shape, const LogitOf &logitOf);

/// The Qwen3-30B-A3B counts of the shared folder for these languages; null where it is absent (then skip).
std::shared_ptr<const RoutingSummary> qwen3Counts(const std::vector<std::string> &languages);

} // namespace expertscope::test
