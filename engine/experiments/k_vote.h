// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a model answers with more or fewer experts a token, and what the majority over k answers: another k solves other questions
// (Dynamic Experts Search, arXiv:2509.22572; without its verifier the answer is voted).
#pragma once

#include "engine/analysis/result.h"
#include "engine/core/params.h"
#include "engine/experiments/item_scores.h"

#include <span>
#include <vector>

namespace expertscope {

/// The items' scores with one k in every MoE layer.
struct KAnswers {
    int k = 0;
    std::vector<ItemScore> scores; ///< [items of data]
};

/// Table "answers": accuracy of each k and of the vote, each against the model's own routing. data: questions or generations. own: the
/// scores of the model's own routing. settings hold lossParams (resamples, sign flips, seed). An item counts where the model gave a number
/// to all its choices under every k. Throws Error (Usage) for texts, which have no answer.
Table kAnswersTable(const EvalData &data, std::span<const ItemScore> own, std::span<const KAnswers> answers, const Params &settings);

} // namespace expertscope
