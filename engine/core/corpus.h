// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The text to be run: one row a sequence, with the labels that groups are made of.
// Read by io/corpus; held by the document; never changed afterwards.
#pragma once

#include <string>
#include <vector>

namespace expertscope {

struct CorpusRow {
    std::string id; ///< unique; the row number where the file gives none
    std::string prompt; ///< UTF-8; the whole text where the file does not keep a continuation apart
    std::string continuation; ///< UTF-8; text that follows the prompt in the same sequence; often empty
    std::string language; ///< as given ("en", "pt-BR"); empty = not given
    std::string domain; ///< as given; empty = not given
    std::string parallelId; ///< the same in every translation of one text; empty = none
    std::vector<std::string> labels; ///< one per Corpus::labelColumns

    std::string text() const { return prompt + continuation; }
};

struct Corpus {
    std::string source; ///< file path or "bundled"
    std::string sha256; ///< of the file's bytes
    std::vector<std::string> labelColumns; ///< names of any further columns
    std::vector<CorpusRow> rows;
};

} // namespace expertscope
