// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Reads a corpus: JSONL, CSV, TSV or plain text, one sequence a row.
#pragma once

#include "engine/core/corpus.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace expertscope {

enum class CorpusFormat {
    Jsonl, ///< a JSON object a line; columns with objects, arrays or null are left out
    Csv, ///< RFC 4180, with a header row
    Tsv, ///< the same with tabs
    PlainText, ///< one sequence a line that is not blank
};

/// By extension (.jsonl, .json, .csv, .tsv, else plain text).
CorpusFormat corpusFormat(const std::filesystem::path &file);

/// "JSON Lines", "plain text, a sequence a line": for people.
std::string corpusFormatName(CorpusFormat format);

/// Columns: text, or prompt (and continuation); id, language, domain, parallel_id; any further string, number or bool column is a
/// label column, empty in the rows that lack it. Throws Error (Input) naming file and line: empty corpus, invalid UTF-8, a row of
/// 10 MB or more, a broken row, a file that its first bytes show to be something else (HDF5, zip, weights), a row without text, a repeated
/// id, more than 32 label columns, more than 2 GB in all.
Corpus readCorpus(const std::filesystem::path &file);

/// The same from memory; `source` names it in errors and becomes Corpus::source.
Corpus parseCorpus(std::string_view bytes, CorpusFormat format, const std::string &source);

} // namespace expertscope
