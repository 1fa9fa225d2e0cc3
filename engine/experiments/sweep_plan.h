// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// SweepPlan: a steering experiment as one readable JSON file: where experts are looked for, what is tried, what it is judged by, and
// the controls. See docs/experiments.md.
#pragma once

#include "engine/core/eval_data.h"
#include "engine/experiments/scoring_settings.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace expertscope {

/// Rows of a file: all, or those whose columns have one of the values.
struct RowChoice {
    std::string data; ///< file, relative to the plan
    std::vector<std::pair<std::string, std::vector<std::string>>> where; ///< language, domain or label column -> values
    bool operator==(const RowChoice &) const = default;
};

struct SweepPlan {
    std::string name, notes;
    std::string pivot = "en"; ///< language the task is known in
    std::uint64_t seed = 42; ///< of the split, the random experts, bootstrap and permutations
    double heldOut = 0.5; ///< share of the texts that nothing is chosen by
    std::string method = "task"; ///< task or language: how the experts are found
    RowChoice target, baseline; ///< of method task
    RowChoice parallel; ///< translations, for the window and the language experts
    std::vector<RowChoice> evaluate; ///< the first one's main metric is what is chosen by
    std::vector<double> tau{0.3};
    std::vector<std::string> windows{"suggested"}; ///< suggested, all, or "first-last"
    std::vector<std::string> ops{"soft"};
    std::vector<double> strengths{0.5}; ///< of ops that have one
    std::vector<double> dose; ///< strengths of the dose-response on held-out texts; empty = strengths
    int randomSets = 3;
    bool sameLoad = true, languageExperts = true, deactivate = true;
    std::vector<std::string> otherWindows; ///< controls: the same rule in other layers
    ScoringSettings scoring; ///< separator and maxNewTokens; batchTokens is the run's
    std::int64_t bootstrap = 1000, permutations = 2000;
    bool operator==(const SweepPlan &) const = default;
};

/// Throws Error (Input) that names the field: not JSON, another version, missing, of the wrong type, out of range or not known.
SweepPlan parsePlan(std::string_view json, const std::string &where);
/// What parsePlan() reads back as an equal plan; ends with a newline.
std::string planJson(const SweepPlan &plan);

/// Which half a row is in: texts are held out whole, with all their translations, in any file that has their parallel_id (or id).
bool isHeldOut(const CorpusRow &row, const SweepPlan &plan);
/// The chosen rows, of one half. The hash says what they are of. Throws Error (Usage) for a column the data has not.
EvalData chosenRows(const EvalData &data, const RowChoice &choice, const SweepPlan &plan, bool heldOut);

} // namespace expertscope
