// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a reader must know of an analysis, as rich text: what is counted, n, chance, source, the settings and notes of a result.
#pragma once

#include "engine/analysis/analysis.h"

#include <QString>

namespace expertscope {

/// result may be null: then only what is true of every run.
QString definitionHtml(const AnalysisKind &kind, const Result *result);
/// Headline numbers with interval, chance and n, then the notes.
QString summaryHtml(const Result &result);

} // namespace expertscope
