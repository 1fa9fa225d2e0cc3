// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Reads what a model is examined with: any corpus file, or JSONL of questions with choices or of prompts with answers.
#pragma once

#include "engine/core/eval_data.h"
#include "io/corpus.h"

#include <filesystem>
#include <string_view>

namespace expertscope {

/// The first row says what the file is. A row with a list "choices" is multiple choice: "question" (or "prompt"), "choices" (2 to 64
/// texts), "answer": the right one as its number from 0, its letter from A, or its text. A row with a "prompt" or "question", an "answer"
/// (a text or a list of accepted ones) and no "text" or "continuation" is exact-match generation. Anything else is a corpus. The other
/// columns are those of a corpus. Throws Error (Input) as readCorpus() does, and on a row that is not of the first one's kind.
EvalData readEvalData(const std::filesystem::path &file);
/// The same from memory.
EvalData parseEvalData(std::string_view bytes, CorpusFormat format, const std::string &source);

} // namespace expertscope
