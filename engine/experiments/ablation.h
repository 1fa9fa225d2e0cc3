// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What single experts do, measured: the loss on given texts without each of them. Observational scores of experts rarely predict
// this (arXiv:2606.10703), so it belongs beside every ranking.
#pragma once

#include "engine/analysis/analysis.h"
#include "engine/experiments/paired_comparison.h"
#include "engine/forward/run.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace expertscope {

struct ExpertPlace {
    int layer = 0; ///< the model's own number
    int expert = 0;
    bool operator==(const ExpertPlace &) const = default;
};

struct AblationEffect {
    ExpertPlace expert;
    PairedDifference loss; ///< nats per predicted token, without the expert against with it: above 0 the expert helps; unit: a sequence
    std::int64_t tokensUsing = 0; ///< tokens that use the expert in the unchanged model
};

/// One run of the texts for each expert, from its layer on: the layers before it are kept in memory, about 4 (H + 2 E) bytes per token
/// and layer. settings: of ablationKind(). Effects come in the order of the experts; onEffect (may be empty) hears each as it is known.
/// Reports experts done. Throws Error as traceSequences() and validate() do, Error (Usage) where no token is predicted; Cancelled.
std::vector<AblationEffect> ablateExperts(const Model &model, Backend &backend, std::span<const TokenSequence> sequences,
    std::span<const ExpertPlace> experts, const Params &settings, const std::function<void(const AblationEffect &)> &onEffect,
    const Progress &progress);

/// What a person must know to read the result; not one of analyses(), as it is of a model and not of a trace.
const AnalysisKind &ablationKind();
/// Tables: "effects", the largest first. A map of layer and expert. layers, experts: of the model.
Result ablationResult(std::span<const AblationEffect> effects, const Params &settings, std::span<const int> layers, int experts);

} // namespace expertscope
