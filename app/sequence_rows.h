// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The rows of the corpus panel: every sequence of the trace that is shown, then the rows of the corpus still to be traced.
#pragma once

#include "engine/core/corpus.h"
#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <QString>

#include <vector>

namespace expertscope {

struct SequenceRow {
    int sequence = -1; ///< index in the trace; -1 = not traced yet
    QString id, language, domain, parallelId;
    QString text; ///< its beginning, on one line
    std::int64_t tokens = -1; ///< -1 = not known yet
    bool operator==(const SequenceRow &) const = default;
};

/// Rows of a trace of the given corpus; either may be null. Long lists take long: off the UI thread.
std::vector<SequenceRow> sequenceRows(const RoutingTrace *trace, const Corpus *corpus);

/// Fills in the beginnings of the sequences of a trace from its tokens.
void readTexts(const RoutingTrace &trace, std::vector<SequenceRow> &rows, const Progress &progress);

} // namespace expertscope
