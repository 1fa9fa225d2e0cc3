// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Which items of an examination are looked at together: by language, by domain, by label; and which of them are one text.
#pragma once

#include "engine/core/corpus.h"
#include "engine/experiments/paired_comparison.h"

#include <span>
#include <string>
#include <vector>

namespace expertscope {

struct ItemGroup {
    std::string by, name; ///< "language", "de"; "all", "all" for every row
    std::vector<std::size_t> items;
};

/// All rows, then the groups of "language", "domain" and each label column (`by` empty), or of the columns between commas in `by`.
/// Rows without a value are in no group. Without `by`, a column of one value, or of more than 50, is left out; the latter with a note.
/// Throws Error (Usage) for a column that the corpus has not.
std::vector<ItemGroup> itemGroups(const Corpus &corpus, const std::string &by, std::vector<std::string> &notes);

/// Items with the same parallel id are one unit, as they say the same; any other item is its own.
Units unitsOf(const Corpus &corpus, std::span<const std::size_t> items);

} // namespace expertscope
