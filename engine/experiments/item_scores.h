// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Scores of the items of an examination: what the model makes of each text, each choice, each prompt, under one routing.
// Nothing is aggregated here: the scores are what is stored, so that every statistic can be made again from them.
#pragma once

#include "engine/core/eval_data.h"
#include "engine/core/progress.h"
#include "engine/experiments/scoring_settings.h"
#include "engine/forward/run.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace expertscope {

/// A text's loss: the log-probability of its tokens given all before them.
struct TextScore {
    double logprob = 0; ///< nats, sum over the scored tokens
    std::int64_t tokens = 0; ///< scored: not the first of a text without a beginning-of-text token, and no special ones
    std::int64_t bytes = 0; ///< of the scored tokens; of a choice: of its text
    bool operator==(const TextScore &) const = default;
};

struct ItemScore {
    std::vector<TextScore> texts; ///< the text, or each choice in order; empty for a generation
    std::string output; ///< of a generation: the continuation as it came
    bool operator==(const ItemScore &) const = default;
};

/// Scores the items in order, a chunk at a time. What is run together depends on the data alone: an item gets the same score, bit for bit,
/// whatever was done before. A corpus row's text is cut at the model's context; a question with a choice that is longer throws.
class ItemScoring {
public:
    using OnScore = std::function<void(std::size_t item, ItemScore score)>;

    /// Begins behind `done` items. Data and settings outlive this.
    ItemScoring(const EvalData &data, const ScoringSettings &settings, std::size_t done);

    bool atEnd() const { return m_next == m_data.corpus.rows.size(); }
    /// Scores the next chunk and hands over each item: one generation, or texts of some batches. Reports items. The model is the same each
    /// time. Throws Cancelled, Error (Usage, Input) as traceSequences() does.
    void next(const Model &model, Backend &backend, const Tokenizer &tokenizer, const Steering &steering, const OnScore &onScore,
        const Progress &progress);

private:
    const EvalData &m_data;
    const ScoringSettings &m_settings;
    std::size_t m_done; ///< items whose scores are there
    std::size_t m_next = 0; ///< first item of the next chunk
};

} // namespace expertscope
