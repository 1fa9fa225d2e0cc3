// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What there is to know about one token of a trace: how it was routed in every layer and what the model expected around it.
#pragma once

#include "engine/analysis/token_text.h"
#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <functional>
#include <string>
#include <vector>

namespace expertscope {

/// Numbers the trace does not hold are NaN.
struct ChosenExpert {
    int expert = 0;
    float gateWeight = 0;
    float logit = 0; ///< raw router logit
    float outNorm = 0; ///< L2 norm of the expert's unweighted output
};

struct TokenLayer {
    int layer = 0; ///< the model's own number
    std::vector<ChosenExpert> experts; ///< slot order: falling gate weight; empty slots left out
    float entropy = 0; ///< of the full softmax, bits
    float weightEntropy = 0; ///< of the chosen weights, bits
    float margin = 0; ///< smallest chosen minus largest other logit
    float weightSum = 0;
};

struct TokenCard {
    TokenContext context; ///< row, own bytes and the text around
    int sequence = -1; ///< index into TraceMeta::sequences
    std::int32_t tokenId = 0; ///< -1 if the trace holds no token ids
    std::int32_t position = 0;
    Phase phase = Phase::Prefill;
    float logprob = 0; ///< nats, of this token given the ones before; NaN at position 0 or if not recorded
    double probability = 0; ///< e^logprob
    bool hasPrediction = false;
    std::int32_t predictedId = 0; ///< the most probable token after this one
    std::string predictedText; ///< its bytes; empty if nobody knows them
    bool predictionCameTrue = false; ///< the next token of the sequence has that id
    std::vector<TokenLayer> layers;
};

/// Bytes of a token id, empty if unknown: the tokenizer's, when a model is open.
using TextOfToken = std::function<std::string(std::int32_t)>;

/// Reads one row of every layer. Without textOfToken the predicted token's text is looked up among the tokens of the trace.
/// Throws Error (Usage) if the trace has no such token.
TokenCard tokenCard(const RoutingTrace &trace, std::int64_t token, const TextOfToken &textOfToken, const Progress &progress);

} // namespace expertscope
