// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Scores as lines of JSON: a header that says what they are of, then one line an item in order. What a run that was stopped goes on from.
#pragma once

#include "engine/core/trace.h"
#include "engine/experiments/item_scores.h"

#include <string>
#include <string_view>

namespace expertscope {

/// What scores depend on.
struct ScoreSource {
    ModelInfo model;
    std::string backend; ///< "cpu"
    std::string recipeSha256; ///< empty = the model's own routing
    ScoringSettings settings;
};

/// One line without its end. Equal headers mean scores that go together.
std::string scoreHeader(const ScoreSource &source, const EvalData &data);
/// What is different in the header found, in a sentence.
std::string headerDifference(std::string_view found, std::string_view wanted);

/// One line without its end.
std::string scoreLine(std::size_t item, const std::string &id, const ItemScore &score);
/// Reads back line `item`. Throws Error (Input) naming `where` if it is not a score of that item of the data.
ItemScore scoreOfLine(std::string_view line, std::size_t item, const EvalData &data, const std::string &where);

} // namespace expertscope
