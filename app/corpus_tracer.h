// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// CorpusTracer: runs a corpus through the model in slices of about a second, so that prompts get their turn in between,
// and hands over the growing trace whenever it has doubled. Lives on the engine thread.
#pragma once

#include "app/engine_thread.h"
#include "engine/core/corpus.h"
#include "engine/core/memory_trace.h"
#include "engine/core/recording_checks.h"
#include "engine/forward/run.h"
#include "engine/steering/compiled_recipe.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace expertscope {

/// How much memory a trace in the window may take. Larger recordings go to a file, by the command line.
struct TraceBudget {
    std::int64_t bytes = std::int64_t{2} << 30; ///< of ids and weights: what is beyond is not traced
    std::int64_t logitBytes = std::int64_t{1} << 30; ///< full router logits are recorded only where they fit in this
};

struct CorpusSnapshot {
    TracePtr trace;
    std::int64_t tokensTotal = 0; ///< of all that will be traced
    double tokensPerSecond = 0; ///< of the last slice
    bool complete = false;
};

class CorpusTracer {
public:
    using Publish = std::function<void(CorpusSnapshot)>;
    using Note = std::function<void(std::string)>;

    /// recipe: steers the whole recording; nothing = the model's own routing.
    CorpusTracer(std::shared_ptr<const Corpus> corpus, TraceBudget budget, std::optional<Recipe> recipe = {});

    /// Traces the next slice with the engine's model; true while there is more. Throws Error (Input) without a tokenizer,
    /// Error (Check) where the recipe does not fit the model, Cancelled when stopped: what was published stays.
    bool slice(EngineThread::Engine &engine, const Progress &progress, const Publish &publish, const Note &note);

private:
    void begin(EngineThread::Engine &engine, const Progress &progress, const Note &note);
    std::size_t sliceEnd() const;
    Steering steering() { return m_compiled ? m_compiled->steering() : Steering{}; }

    std::shared_ptr<const Corpus> m_corpus;
    TraceBudget m_budget;
    std::optional<Recipe> m_recipe;
    std::optional<CompiledRecipe> m_compiled; ///< of m_recipe and m_model
    RunSpec m_spec;
    std::shared_ptr<const Model> m_model; ///< the one the trace is of; null before the first slice
    std::vector<TokenSequence> m_sequences;
    std::size_t m_next = 0; ///< first sequence not yet traced
    std::int64_t m_tokensTotal = 0;
    std::int64_t m_sliceTokens = 0;
    std::int64_t m_published = 0; ///< tokens
    MemoryTrace m_trace;
    RecordingChecks m_checks;
};

} // namespace expertscope
