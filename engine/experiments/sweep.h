// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The multilingual recipe as an experiment (Bandarkar et al. 2025, arXiv 2510.04694, 5): experts of a task as the pivot language uses them,
// tried in other languages; chosen by one half of the texts, judged on the other, against controls.
// What is run is said here; running it, and keeping the scores, is the caller's part.
#pragma once

#include "engine/experiments/evaluation.h"
#include "engine/experiments/find_experts.h"
#include "engine/experiments/paired_comparison.h"
#include "engine/experiments/sweep_plan.h"

#include <string>
#include <vector>

namespace expertscope {

/// What the open half of the texts says of the experts.
struct SweepExperts {
    ExpertScores scores; ///< what sets are chosen by
    ExpertScores language; ///< largest difference of any language from the pivot
    ExpertScores load; ///< share of all tokens that chose the expert
    SuggestedWindow suggested;
    ModelInfo model;
};
/// trace: of the rows of target, baseline and parallel texts, in this order. Throws Error (Check) where one of them is empty.
SweepExperts sweepExperts(
    const TracePtr &trace, std::size_t targets, std::size_t baselines, const SweepPlan &plan, const Progress &progress);

/// The shortest text that reads back as the same number: how thresholds and strengths are written.
std::string shortNumber(double value);

/// Layers of a window as a plan names it: suggested, all, or "first-last". Throws Error (Usage).
LayerWindow layersOf(const std::string &window, const SweepExperts &experts);
/// What was found, before anything is tried. Tables: sets, by-layer, experts. The divergence curve with the windows marked, and the number
/// of experts by layer. Throws Error (Usage) for a window the model does not have.
Result findingsResult(const SweepPlan &plan, const SweepExperts &experts);

/// One routing to be tried.
struct SweepCondition {
    std::string id; ///< unique, fit for a file name: "task_soft_0.5_tau0.3_2-5"
    std::string kind; ///< "task", "random", "same-load", "language", "window", "deactivate"
    std::string op, strength; ///< strength empty = the op has none
    double tau = 0;
    std::string window; ///< as the plan names it
    ExpertSet experts;
    Recipe recipe; ///< without name, found and measured
};
/// All combinations of op, strength, tau and window that choose any expert; what is left out, and why, goes into notes. Of combinations
/// that choose the same experts only the first is kept.
std::vector<SweepCondition> gridConditions(const SweepPlan &plan, const SweepExperts &experts, std::vector<std::string> &notes);
/// The chosen one first; then its controls at its strength; then the dose-response of its experts and of the control sets.
std::vector<SweepCondition> reportConditions(const SweepPlan &plan, const SweepExperts &experts, const SweepCondition &chosen);

/// Whether a condition of the report is the chosen one or a control of it, rather than another dose: these are scored on all data, the
/// others on the first.
bool isControl(const SweepCondition &chosen, const SweepCondition &of);

/// The difference that a condition makes to the main metric of the first data, over the items in other languages than the pivot.
PairedDifference targetDifference(
    const EvalData &data, std::span<const ItemScore> baseline, std::span<const ItemScore> scores, const SweepPlan &plan);
/// Index of the condition with the best of these; the first of equal ones.
std::size_t bestCondition(const EvalData &data, std::span<const PairedDifference> differences);

struct SweepOutcome {
    const SweepExperts &experts;
    std::span<const SweepCondition> grid;
    std::span<const PairedDifference> selection; ///< [grid] on the open half
    std::size_t chosen = 0; ///< of the grid
    std::span<const EvalData> data; ///< [evaluate] held-out half
    std::span<const SweepCondition> report;
    std::span<const ConditionScores> scores; ///< the baseline, then [report]
    std::vector<std::string> notes;
};
const AnalysisKind &sweepKind();
/// Tables: controls, differences and scores by language, dose-response, selection, experts. Throws Cancelled.
Result sweepResult(const SweepPlan &plan, const SweepOutcome &outcome, const Progress &progress);
/// The chosen recipe with `found` and `measured` filled in from the result.
Recipe sweepRecipe(const SweepPlan &plan, const SweepOutcome &outcome, const Result &result);

} // namespace expertscope
