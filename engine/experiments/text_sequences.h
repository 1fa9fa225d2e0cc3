// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Rows of a corpus as a model runs them, and their routing as a trace in memory.
#pragma once

#include "engine/core/corpus.h"
#include "engine/forward/run.h"

#include <vector>

namespace expertscope {

class Tokenizer;

/// The row's labels; what the recorder counts is left empty.
SequenceInfo sequenceInfo(const CorpusRow &row);
/// Prompt and continuation, each in its own tokens, cut at `context` tokens.
TokenSequence textSequence(const CorpusRow &row, const Tokenizer &tokenizer, std::int64_t context);

/// Expert ids and mean softmaxes of the rows, which must have no further labels; rows without tokens are left out. Throws as
/// traceSequences() does, and Error (Check) if no row has tokens.
TracePtr traceOfRows(const Model &model, Backend &backend, const Tokenizer &tokenizer, const std::vector<CorpusRow> &rows,
    std::int64_t batchTokens, const Progress &progress);

} // namespace expertscope
