// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Metrics of an examination: what a score of an item says of it, as a sum and a weight.
#pragma once

#include "engine/experiments/item_scores.h"
#include "engine/experiments/paired_comparison.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace expertscope {

struct Metric {
    std::string_view id; ///< kebab-case: "bits-per-byte"
    std::string_view title, unit;
    EvalKind kind; ///< of the data it is for
    bool binary; ///< 0 or 1 an item
    bool lowerIsBetter;
    /// Sum and weight of one item; NaN where the model gave no number.
    std::pair<double, double> (*of)(const EvalTask *task, const ItemScore &score);
};

/// All, the main one of each kind first: loss of texts, accuracy by log-probability per byte, exact match.
std::span<const Metric> metrics();
/// The first of its kind.
const Metric &mainMetric(EvalKind kind);

/// One value per item. scores: [items of data].
MetricValues metricValues(const Metric &metric, const EvalData &data, std::span<const ItemScore> scores);

/// What the model answers by the main metric of the kind: the number of a choice from 0, or the normalised continuation. Nothing for texts,
/// and where it gave a choice no number.
std::optional<std::string> answerOf(EvalKind kind, const ItemScore &score);
/// Whether that is an answer that counts as right.
bool isRight(EvalKind kind, const EvalTask &task, const std::string &answer);

/// What a generation is compared as: its first line that is not blank, in Unicode NFKC and lower case, white space as single blanks,
/// without blanks and full stops at the ends.
std::string normalisedAnswer(const std::string &text);

} // namespace expertscope
