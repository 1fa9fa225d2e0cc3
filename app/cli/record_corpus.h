// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// From a corpus to a recording: what the verbs that run one share.
#pragma once

#include "app/cli/load_model.h"
#include "engine/core/corpus.h"
#include "engine/forward/run.h"

#include <cstdint>
#include <string>
#include <vector>

namespace expertscope {

struct CorpusCut {
    std::int64_t maxTokens = 0; ///< of a sequence; 0 = the model's context
    std::int64_t limit = 0; ///< rows; 0 = all
};

struct Sequences {
    std::vector<TokenSequence> list;
    std::int64_t tokens = 0;
};

/// "c.jsonl: JSON Lines, 3840 rows with language, domain; labels: licence": how the files of a corpus were read.
std::string corpusNote(const Corpus &corpus, const std::vector<std::string> &files);

/// Says on the terminal what was cut or left out. Throws Error (Input) if nothing is left.
Sequences tokenised(const Corpus &corpus, const LoadedModel &open, const CorpusCut &cut, Terminal &terminal);

/// Begins the sink and runs all sequences from `first` on; the caller finishes it. Throws Cancelled with what was done in the sink.
void recordCorpus(const Corpus &corpus, const LoadedModel &open, const Sequences &sequences, const RunSpec &spec,
    const std::string &commandLine, TraceSink &sink, Terminal &terminal, const Steering &steering = {}, std::size_t first = 0);

} // namespace expertscope
