// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The text that a person looks at, ready to be run again with the open model.
#pragma once

#include "app/document.h"
#include "engine/core/token_sequence.h"

#include <QString>

#include <string>
#include <vector>

namespace expertscope {

/// Why the open model cannot run the texts of the trace that is shown, and what to do; empty = it can.
QString obstacleToRunning(const Document &document);

/// The sequence that is selected, or that the selected token is of, or the first one. The trace has one.
int selectedSequence(const TraceMeta &meta, const Selection &selection);

struct SelectedText {
    TokenSequence sequence;
    std::vector<std::string> labelColumns;
    QString title; ///< which text, in words
    std::int64_t firstToken = -1; ///< its row in the trace
};
/// A sequence of the trace that is shown, cut after `most` tokens. Nothing may be in the way of running it.
SelectedText selectedText(const Document &document, int sequence, std::int64_t most);

} // namespace expertscope
