// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Reads a corpus: JSONL, CSV, TSV or plain text, one sequence a row.
#pragma once

#include "engine/core/corpus.h"

#include <filesystem>
#include <string_view>

namespace expertscope {

/// By extension (.jsonl, .json, .csv, .tsv, else plain text). Columns: text, or prompt (and continuation); id, language, domain,
/// parallel_id; any further string, number or bool column is a label column. Throws Error (Input) naming file and row: empty
/// corpus, invalid UTF-8, a row over the size limit, a broken row, a repeated id.
Corpus readCorpus(const std::filesystem::path &file);

} // namespace expertscope
