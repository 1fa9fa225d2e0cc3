// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/item_scores.h"

#include "engine/experiments/text_sequences.h"
#include "engine/text/tokenizer.h"

#include <algorithm>

namespace expertscope {

namespace {

constexpr std::int64_t batchesPerChunk = 8; ///< what an interruption can cost, in batches

/// A sequence to be run and the tokens of it that count.
struct Scored {
    std::size_t item = 0;
    TokenSequence sequence;
    std::int64_t first = 0; ///< the first token that is scored
    std::int64_t bytes = -1; ///< -1 = those of the scored tokens
};

/// Keeps log-probabilities and drops everything else.
class LogprobSink final : public TraceSink {
public:
    void begin(const TraceMeta &) override { }
    void append(const TraceBlock &block) override { logprobs.insert(logprobs.end(), block.logprob.begin(), block.logprob.end()); }
    void endSequence(const SequenceInfo &, std::span<const float>) override { }
    void finish(std::span<const TraceCheck>) override { }

    std::vector<float> logprobs; ///< of all sequences, one after another
};

Scored ofText(std::size_t item, const CorpusRow &row, const Tokenizer &tokenizer, std::int64_t context)
{
    Scored scored{.item = item, .sequence = textSequence(row, tokenizer, context)};
    scored.first = row.continuation.empty() ? 0 : scored.sequence.nPrompt;
    return scored;
}

/// The choice begins at the first token that the question alone would not have.
Scored ofChoice(std::size_t item, const CorpusRow &row, const std::string &choice, const std::vector<std::int32_t> &question,
    const ScoringSettings &settings, const Tokenizer &tokenizer)
{
    Scored scored{.item = item,
        .sequence = {.info = sequenceInfo(row), .tokens = tokenizer.encode(row.prompt + settings.separator + choice, true)},
        .bytes = std::ssize(choice)};
    const std::vector<std::int32_t> &tokens = scored.sequence.tokens;
    const auto shared = std::mismatch(question.begin(), question.end(), tokens.begin(), tokens.end()).second - tokens.begin();
    scored.first = scored.sequence.nPrompt = shared;
    return scored;
}

TextScore scoreOf(const Scored &scored, std::span<const float> logprobs, const Tokenizer &tokenizer)
{
    TextScore score;
    const std::vector<std::int32_t> &tokens = scored.sequence.tokens;
    for (auto t = static_cast<std::size_t>(std::max<std::int64_t>(scored.first, 1)); t < tokens.size(); ++t) {
        if (tokenizer.isSpecial(tokens[t]))
            continue;
        score.logprob += static_cast<double>(logprobs[t]);
        ++score.tokens;
        score.bytes += std::ssize(tokenizer.tokenBytes(tokens[t]));
    }
    if (scored.bytes >= 0)
        score.bytes = scored.bytes;
    return score;
}

std::vector<Scored> sequencesOf(
    std::size_t item, const EvalData &data, const ScoringSettings &settings, const Tokenizer &tokenizer, std::int64_t context)
{
    const CorpusRow &row = data.corpus.rows[item];
    if (data.kind == EvalKind::Text)
        return {ofText(item, row, tokenizer, context)};
    const std::vector<std::int32_t> question = tokenizer.encode(row.prompt, true);
    std::vector<Scored> all;
    for (const std::string &choice : data.tasks[item].choices)
        all.push_back(ofChoice(item, row, choice, question, settings, tokenizer));
    return all;
}

class Scoring {
public:
    Scoring(const Model &model, Backend &backend, const Tokenizer &tokenizer, const ScoringSettings &settings, const Steering &steering)
        : m_model{model}
        , m_backend{backend}
        , m_tokenizer{tokenizer}
        , m_settings{settings}
        , m_steering{steering}
    {
    }

    /// Runs the sequences of some items together; scores in their order.
    std::vector<TextScore> scored(std::vector<Scored> &list, const Progress &progress) const
    {
        RunSpec spec;
        spec.capture = {.gateWeights = false, .logprobs = true};
        spec.batchTokens = m_settings.batchTokens;
        std::vector<TokenSequence> sequences;
        for (const Scored &scored : list)
            sequences.push_back(scored.sequence);
        LogprobSink sink;
        traceSequences(m_model, m_backend, sequences, spec, &m_tokenizer, sink, progress, m_steering);
        std::vector<TextScore> scores;
        std::size_t row = 0;
        for (const Scored &scored : list) {
            scores.push_back(scoreOf(scored, std::span{sink.logprobs}.subspan(row, scored.sequence.tokens.size()), m_tokenizer));
            row += scored.sequence.tokens.size();
        }
        return scores;
    }

    std::string generated(const CorpusRow &row, const Progress &progress) const
    {
        RunSpec spec;
        spec.maxNewTokens = m_settings.maxNewTokens;
        TokenSequence prompt{.info = sequenceInfo(row), .tokens = m_tokenizer.encode(row.prompt, true)};
        prompt.nPrompt = std::ssize(prompt.tokens);
        std::string text;
        for (const GeneratedToken &token :
            generate(m_model, m_backend, prompt, spec, &m_tokenizer, nullptr, {}, progress, m_steering).tokens)
            if (!m_tokenizer.isSpecial(token.id))
                text += token.bytes;
        return text;
    }

private:
    const Model &m_model;
    Backend &m_backend;
    const Tokenizer &m_tokenizer;
    const ScoringSettings &m_settings;
    const Steering &m_steering;
};

} // namespace

ItemScoring::ItemScoring(const EvalData &data, const ScoringSettings &settings, std::size_t done)
    : m_data{data}
    , m_settings{settings}
    , m_done{done}
    , m_next{data.kind == EvalKind::Generation ? done : 0}
{
}

void ItemScoring::next(const Model &model, Backend &backend, const Tokenizer &tokenizer, const Steering &steering, const OnScore &onScore,
    const Progress &progress)
{
    const Scoring scoring{model, backend, tokenizer, m_settings, steering};
    const std::size_t items = m_data.corpus.rows.size();
    const Progress quiet{progress.stopToken()};
    if (m_data.kind == EvalKind::Generation) {
        if (!atEnd())
            onScore(m_next, {{}, scoring.generated(m_data.corpus.rows[m_next], quiet)});
        m_next = std::min(m_next + 1, items);
    } else {
        // items are run in the same company whatever was done before: sums in a batch may depend on how many rows it has
        std::vector<Scored> list;
        do {
            list.clear();
            std::int64_t tokens = 0;
            for (; m_next < items && tokens < batchesPerChunk * m_settings.batchTokens; ++m_next) {
                for (Scored &scored : sequencesOf(m_next, m_data, m_settings, tokenizer, model.config().maxPositions)) {
                    tokens += std::ssize(scored.sequence.tokens);
                    list.push_back(std::move(scored));
                }
            }
        } while (m_next <= m_done && !atEnd());
        if (m_next <= m_done)
            return;
        const std::vector<TextScore> scores = scoring.scored(list, quiet);
        ItemScore score;
        for (std::size_t i = 0; i < list.size(); ++i) {
            score.texts.push_back(scores[i]);
            if (i + 1 < list.size() && list[i + 1].item == list[i].item)
                continue;
            if (list[i].item >= m_done)
                onScore(list[i].item, std::move(score));
            score = {};
        }
    }
    progress.report(static_cast<std::int64_t>(m_next), static_cast<std::int64_t>(items), "items");
    progress.check();
}

} // namespace expertscope
