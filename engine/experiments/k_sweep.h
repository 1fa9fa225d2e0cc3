// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How good a model is with more or fewer experts a token: the loss for each k, against its own (after Dynamic Experts Search,
// arXiv:2509.22572, where k is what is searched).
#pragma once

#include "engine/analysis/analysis.h"
#include "engine/core/recipe.h"
#include "engine/experiments/paired_comparison.h"
#include "engine/forward/run.h"

#include <span>
#include <vector>

namespace expertscope {

struct KSweepPoint {
    int k = 0;
    PairedDifference loss; ///< nats per predicted token, with this k against the model's own; unit: a sequence
    double agreement = 0; ///< share of tokens after which the likeliest token is the same
};

/// What a person must know to read the result, and its settings; not one of analyses(), as it is of a model and not of a trace.
const AnalysisKind &kSweepKind();

/// The values of k to try, rising. Throws Error (Usage) where there is none.
std::vector<int> triedK(const ModelConfig &config, const Params &settings);
/// That k in every MoE layer.
Recipe withK(int k, const Params &settings);

/// One run of the texts for each k, in rising order, the same k in every MoE layer. settings: of kSweepKind(). Reports values of k done.
/// Throws Error as traceSequences() does, Error (Usage) where there is no k to try; Cancelled.
std::vector<KSweepPoint> sweepK(
    const Model &model, Backend &backend, std::span<const TokenSequence> sequences, const Params &settings, const Progress &progress);

/// Table "k-sweep", and the difference of the loss over k as a curve with its interval; neither without points.
Result kSweepResult(std::span<const KSweepPoint> points, const Params &settings);

} // namespace expertscope
