// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// From a corpus row to a sequence that can be traced, and what every trace says of how it was made.
// Shared by the window and the command line; Qt-free.
#pragma once

#include "engine/core/corpus.h"
#include "engine/forward/run.h"

#include <string>

namespace expertscope {

class Tokenizer;

/// A sequence to be traced, with its labels; cut to `maxTokens` (0 = not at all), which `cut` reports.
TokenSequence tokenSequence(const CorpusRow &row, const Tokenizer &tokenizer, std::int64_t maxTokens, bool &cut);

/// Title, date (SOURCE_DATE_EPOCH if set), producer and a line of history: "how" says by what means it was recorded.
void describeRecording(TraceMeta &meta, std::string title, const std::string &how);

} // namespace expertscope
