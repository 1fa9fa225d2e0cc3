// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/recording.h"

#include "engine/text/tokenizer.h"
#include "io/sha256.h"

#include <algorithm>

namespace expertscope {

TokenSequence tokenSequence(const CorpusRow &row, const Tokenizer &tokenizer, std::int64_t maxTokens, bool &cut)
{
    TokenSequence sequence;
    sequence.info.id = row.id;
    sequence.info.language = row.language;
    sequence.info.domain = row.domain;
    sequence.info.parallelId = row.parallelId;
    sequence.info.labels = row.labels;
    sequence.info.sha256 = sha256(row.text());
    sequence.tokens = tokenizer.encode(row.prompt, true);
    sequence.nPrompt = static_cast<std::int64_t>(sequence.tokens.size());
    if (!row.continuation.empty()) {
        const std::vector<std::int32_t> rest = tokenizer.encode(row.continuation, false);
        sequence.tokens.insert(sequence.tokens.end(), rest.begin(), rest.end());
    }
    cut = maxTokens > 0 && std::ssize(sequence.tokens) > maxTokens;
    if (cut) {
        sequence.tokens.resize(static_cast<std::size_t>(maxTokens));
        sequence.nPrompt = std::min(sequence.nPrompt, maxTokens);
    }
    return sequence;
}

void describeRecording(TraceMeta &meta, std::string title, const std::string &how)
{
    meta.title = std::move(title);
    meta.dateCreated = currentDate();
    meta.producer = "Expertscope";
    meta.producerVersion = EXPERTSCOPE_VERSION;
    meta.history = meta.dateCreated + " recorded " + how + " of Expertscope " EXPERTSCOPE_VERSION;
}

} // namespace expertscope
