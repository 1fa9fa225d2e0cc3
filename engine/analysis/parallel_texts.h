// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Which sequences of a trace are translations of one another, and which language the others are compared with.
#pragma once

#include "engine/core/trace.h"

#include <string>
#include <vector>

namespace expertscope {

struct ParallelTexts {
    std::vector<std::string> languages; ///< [G] in order of first appearance; each shares a text with another
    std::vector<std::string> ids; ///< [P] parallel ids of at least two of the languages
    std::vector<int> sequences; ///< [U] the sequences in question, ascending
    std::vector<int> unit; ///< [G, P] index into `sequences`; -1 where a language lacks the text
    int unitOf(std::size_t language, std::size_t text) const { return unit[language * ids.size() + text]; }
};

/// The translations among `languages` (codes between commas; empty = all). Of several sequences of one language and parallel id the first
/// counts. What is left out is said in `notes`. Throws Error (Usage) for a language that the trace has not.
ParallelTexts parallelTexts(const TraceMeta &meta, const std::string &languages, std::vector<std::string> &notes);
/// Whether two languages of the trace share a parallel id.
bool hasParallelTexts(const TraceMeta &meta);

/// Index of the language that others are compared with: `wanted`, or the one code of that language ("en-US" or "eng_Latn" for "en").
/// Where the default "en" is not there, the first language, with a note; Error (Usage) for another one that is not there.
std::size_t pivotLanguage(const std::vector<std::string> &languages, const std::string &wanted, std::vector<std::string> &notes);

/// The names between commas, without blanks around them.
std::vector<std::string> commaList(const std::string &text);

} // namespace expertscope
