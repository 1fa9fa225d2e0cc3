// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How good a model is in each language: from a table of scores that the person gives, or measured on the trace's own texts.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/trace.h"

#include <span>
#include <string>
#include <vector>

namespace expertscope {

/// "de:0.71,fr:0.69" -> the score of each of `languages` [G]; NaN where none is given. Throws Error (Usage) for what is not such a table.
std::vector<double> givenScores(const std::string &table, std::span<const std::string> languages);

/// Loss of each of `languages` [G] over its sequences that have a parallel id: bits per byte of text, or bits per text, from the
/// log-probabilities of the tokens that have one (the first of a sequence has none). NaN for a language without any.
/// Throws Error (Check) if the trace has no log-probabilities, or for bits per byte no token text.
std::vector<double> measuredLoss(const RoutingTrace &trace, std::span<const std::string> languages, bool perByte, const Progress &progress);

} // namespace expertscope
