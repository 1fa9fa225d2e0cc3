// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// From a trace to a recipe: an analysis scores the experts, a threshold or a count and a window of layers choose among them.
#pragma once

#include "engine/analysis/analysis.h"
#include "engine/experiments/expert_sets.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace expertscope {

/// A way to score experts, with the op that its source steers by.
struct FindMethod {
    std::string_view id; ///< "task"
    std::string_view help, source;
    std::string_view analysis, matrix; ///< the analysis that scores, and which of its matrices; empty = languageContrast()
    std::string_view op, strength; ///< strength empty = the op has none
    std::string_view lowerOp; ///< of the lowest ones
};
std::span<const FindMethod> findMethods();
/// Throws Error (Usage) that names what there is.
const FindMethod &findMethod(std::string_view id);

struct FindRequest {
    std::string method = "task";
    std::vector<std::pair<std::string, std::string>> settings; ///< of the analysis
    std::string pivot = "en"; ///< language the others are compared with
    std::optional<double> tau; ///< experts with a score above it
    std::size_t top = 0, bottom = 0; ///< in place of tau: so many of the highest, and of the lowest, scores
    std::string window = "auto"; ///< auto, all, or the model's own numbers of the first and last layer: "8-35"
    std::string op, strength, lowerOp; ///< empty = the method's
};

struct FoundExperts {
    Result result; ///< what the analysis says
    ExpertScores scores;
    SuggestedWindow window;
    ExpertSet raised, lowered;
    Recipe recipe; ///< with `found` filled in
};

/// Throws Error (Usage) for a request that makes no sense, before anything is run.
void checkRequest(const FindRequest &request);
/// Throws as checkRequest() does, and Error (Check) if no expert is chosen or the trace lacks what the analysis needs.
FoundExperts findExperts(const TracePtr &trace, const std::function<std::string(std::int32_t)> &textOfToken, const FindRequest &request,
    const Progress &progress);

/// What a result of this request is a result of.
const AnalysisKind &findKind(const FindMethod &method);

/// The window named by `text` (see FindRequest). The trough is looked for where languages of the trace share texts.
SuggestedWindow windowOf(const std::string &text, const TracePtr &trace, const std::string &pivot, const Progress &progress);

/// A window given as "first-last" or one layer. Throws Error (Usage).
SuggestedWindow givenWindow(const std::string &text, const std::vector<int> &layers);

/// Whether the op has a setting "strength". Throws Error (Usage) for an unknown op.
bool opHasStrength(const std::string &op);
/// One edit for one set of experts. strength empty = none; forcing ops take the first k experts of each layer.
Edit editOf(const std::string &op, const std::string &strength, const ExpertSet &set, int topK);
RecipeModel recipeModel(const ModelInfo &info);

} // namespace expertscope
