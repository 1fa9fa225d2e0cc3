// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a model is examined with: texts whose loss is measured, questions with choices, or prompts with an expected answer.
// Read by io/eval_data; a row's question or prompt is CorpusRow::prompt, so language and labels are those of any corpus.
#pragma once

#include "engine/core/corpus.h"

#include <cstddef>
#include <string>
#include <vector>

namespace expertscope {

enum class EvalKind {
    Text, ///< loss of the continuation where a row has one, else of the whole text
    Choice, ///< which of several continuations is likeliest
    Generation, ///< whether the greedy continuation is the answer
};

/// What is expected after a row's prompt.
struct EvalTask {
    std::vector<std::string> choices; ///< of Choice: at least two
    std::size_t answer = 0; ///< of Choice: index of the right one
    std::vector<std::string> answers; ///< of Generation: any of these counts as right
};

struct EvalData {
    EvalKind kind = EvalKind::Text;
    Corpus corpus;
    std::vector<EvalTask> tasks; ///< one per row; empty for Text
};

} // namespace expertscope
