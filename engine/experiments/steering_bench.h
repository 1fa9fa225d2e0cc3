// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// SteeringBench: keeps what the model's own run of a text gave, so that a changed recipe runs only the layers from its first edit on.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/recipe.h"
#include "engine/core/token_sequence.h"
#include "engine/experiments/comparison.h"
#include "engine/forward/kept_layers.h"
#include "engine/forward/model.h"

#include <memory>
#include <string>
#include <vector>

namespace expertscope {

class Tokenizer;

class SteeringBench {
public:
    /// The backend outlives the bench; the tokenizer may be null.
    SteeringBench(std::shared_ptr<const Model> model, Backend &backend, std::shared_ptr<const Tokenizer> tokenizer);
    ~SteeringBench();

    /// Runs the text as it is, unless it is the one that is there already. labelColumns: names of its labels. Throws as traceSequences
    /// does.
    void setText(const TokenSequence &text, const std::vector<std::string> &labelColumns, const Progress &progress);
    /// Runs it with the recipe; newTokens > 0: also continues it greedily, with both. The continuation starts from the prompt, so that
    /// every token of it saw the recipe. Throws Error (Check) on a recipe that does not fit the model; Cancelled between layers.
    Comparison compare(const Recipe &recipe, std::int64_t newTokens, const Progress &progress);

private:
    struct OwnRun;
    std::vector<ContinuationToken> continuation(const Recipe &recipe, std::int64_t newTokens, const Progress &progress) const;

    std::shared_ptr<const Model> m_model;
    Backend &m_backend;
    std::shared_ptr<const Tokenizer> m_tokenizer;
    TokenSequence m_text;
    std::vector<std::string> m_labelColumns; ///< of m_text
    std::unique_ptr<const OwnRun> m_own; ///< of m_text; null before the first
    KeptLayers m_kept; ///< of m_text
    std::vector<ContinuationToken> m_ownContinuation; ///< of m_text
    std::int64_t m_ownNewTokens = 0; ///< that were asked for in it
};

} // namespace expertscope
