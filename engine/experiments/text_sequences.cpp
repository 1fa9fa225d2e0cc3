// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/text_sequences.h"

#include "engine/core/error.h"
#include "engine/core/memory_trace.h"
#include "engine/text/tokenizer.h"

#include <algorithm>

namespace expertscope {

SequenceInfo sequenceInfo(const CorpusRow &row)
{
    SequenceInfo info;
    info.id = row.id;
    info.language = row.language;
    info.domain = row.domain;
    info.parallelId = row.parallelId;
    info.labels = row.labels;
    return info;
}

TokenSequence textSequence(const CorpusRow &row, const Tokenizer &tokenizer, std::int64_t context)
{
    TokenSequence sequence{.info = sequenceInfo(row), .tokens = tokenizer.encode(row.prompt, true)};
    sequence.nPrompt = std::ssize(sequence.tokens);
    if (!row.continuation.empty()) {
        const std::vector<std::int32_t> rest = tokenizer.encode(row.continuation, false);
        sequence.tokens.insert(sequence.tokens.end(), rest.begin(), rest.end());
    }
    sequence.tokens.resize(std::min(sequence.tokens.size(), static_cast<std::size_t>(context)));
    sequence.nPrompt = std::min(sequence.nPrompt, std::ssize(sequence.tokens));
    return sequence;
}

TracePtr traceOfRows(const Model &model, Backend &backend, const Tokenizer &tokenizer, const std::vector<CorpusRow> &rows,
    std::int64_t batchTokens, const Progress &progress)
{
    std::vector<TokenSequence> sequences;
    for (const CorpusRow &row : rows) {
        TokenSequence sequence = textSequence(row, tokenizer, model.config().maxPositions);
        if (!sequence.tokens.empty())
            sequences.push_back(std::move(sequence));
    }
    if (sequences.empty())
        throw Error{ErrorKind::Check, "no text has any tokens", "texts to find experts with", "Choose rows with text"};
    RunSpec spec;
    spec.capture = {.gateWeights = false, .logprobs = false};
    spec.batchTokens = batchTokens;
    const auto trace = std::make_shared<MemoryTrace>();
    trace->begin(traceMeta(model, backend, spec));
    traceSequences(model, backend, sequences, spec, &tokenizer, *trace, progress);
    trace->finish({});
    return trace;
}

} // namespace expertscope
