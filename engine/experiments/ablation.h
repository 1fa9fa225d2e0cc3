// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What single experts do, measured: the loss on given texts without each of them. Observational scores of experts rarely predict
// this (arXiv:2606.10703), so it belongs beside every ranking.
#pragma once

#include "engine/analysis/analysis.h"
#include "engine/experiments/loss_sink.h"
#include "engine/experiments/paired_comparison.h"
#include "engine/forward/kept_layers.h"
#include "engine/forward/run.h"

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace expertscope {

/// Settings of ablationKind().
inline constexpr auto ablationParams = joined(
    std::array{
        ParamKind{"op", "Ablation", "exclude: tokens that do not use the expert are left alone; mask: as if the layer did not have it",
            ParamKind::Type::Choice, "exclude", 0, 0, "exclude|mask"},
        ParamKind{"min_count", "Least tokens", "An expert that fewer tokens use is not tested", ParamKind::Type::Integer, "10", 0, 1e9}},
    lossParams);

struct ExpertPlace {
    int layer = 0; ///< the model's own number
    int expert = 0;
    auto operator<=>(const ExpertPlace &) const = default;
};

struct AblationEffect {
    ExpertPlace expert;
    PairedDifference loss; ///< nats per predicted token, without the expert against with it: above 0 the expert helps; unit: a sequence
    std::int64_t tokensUsing = 0; ///< tokens that use the expert in the unchanged model
};

/// Ablates one expert after the other on the same texts. Each costs a run from its layer on: the layers before it are kept in memory, about
/// 4 (H + 2 E) bytes per token and layer.
class ExpertAblation {
public:
    /// Runs the texts as the model is. All that is given by reference outlives the object. settings: of ablationKind(), or more.
    /// Throws Error as traceSequences() does, Error (Usage) where no token is predicted; Cancelled.
    ExpertAblation(
        const Model &model, Backend &backend, std::span<const TokenSequence> sequences, Params settings, const Progress &progress);
    /// Throws Error as validate() does; Cancelled.
    AblationEffect effect(const ExpertPlace &expert, const Progress &progress);
    std::int64_t predictedTokens() const; ///< that the loss is a mean over

private:
    const Model &m_model;
    Backend &m_backend;
    std::span<const TokenSequence> m_sequences;
    Params m_settings;
    KeptLayers m_kept;
    LossSink m_own;
};

/// All of the experts, in their order. Reports experts done. Throws as ExpertAblation does.
std::vector<AblationEffect> ablateExperts(const Model &model, Backend &backend, std::span<const TokenSequence> sequences,
    std::span<const ExpertPlace> experts, const Params &settings, const Progress &progress);

/// What was measured, as columns of a table with a row for each effect; null = not measured, which leaves the row's values missing.
/// prefix "": value, low, high, p, significant, tokens, n; "effect": effect, effect_low and so on. p is missing for an expert that fewer
/// tokens use than settings (of ablationKind()) ask for; the false discovery rate is controlled over the experts of the rows, each counted
/// once.
std::vector<Column> effectColumns(std::span<const AblationEffect *const> rows, const Params &settings, const std::string &prefix);

/// What a person must know to read the result; not one of analyses(), as it is of a model and not of a trace.
const AnalysisKind &ablationKind();
/// Tables: "effects", the largest first. A map of layer and expert. layers, experts: of the model.
Result ablationResult(std::span<const AblationEffect> effects, const Params &settings, std::span<const int> layers, int experts);

} // namespace expertscope
