// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// LossSink: takes a recording and keeps only what runs are compared by: the loss of each sequence, the predicted tokens, and how often
// each expert was used. And what measurements of the loss on given texts share: their settings, a run, a comparison.
#pragma once

#include "engine/core/model_config.h"
#include "engine/core/params.h"
#include "engine/core/trace.h"
#include "engine/experiments/paired_comparison.h"
#include "engine/forward/run.h"

#include <array>
#include <span>
#include <vector>

namespace expertscope {

class LossSink final : public TraceSink {
public:
    LossSink(std::size_t sequences, const ModelConfig &config);

    void begin(const TraceMeta &) override { }
    void append(const TraceBlock &block) override;
    void endSequence(const SequenceInfo &, std::span<const float>) override { }
    void finish(std::span<const TraceCheck>) override { }

    /// [S] nats over the predicted tokens: all but the first of each sequence.
    const MetricValues &loss() const { return m_loss; }
    const std::vector<std::int32_t> &predicted() const { return m_predicted; } ///< [T] likeliest id after each token
    /// Tokens that used an expert. layer: the model's own number of a MoE layer.
    std::int64_t load(int layer, int expert) const;

private:
    std::vector<int> m_layers; ///< [M]
    std::size_t m_experts;
    MetricValues m_loss;
    std::vector<std::int32_t> m_predicted;
    std::vector<std::int64_t> m_load; ///< [M, E]
};

/// Settings of a measurement that runs texts and compares their losses.
inline constexpr std::array lossParams{
    ParamKind{"batch_tokens", "Batch", "Tokens run together", ParamKind::Type::Integer, "2048", 1, 1 << 20},
    ParamKind{"bootstrap", "Resamples", "Of the intervals; 0 leaves them out", ParamKind::Type::Integer, "1000", 0, 100000},
    ParamKind{"permutations", "Sign flips", "Of p; 0 leaves it out", ParamKind::Type::Integer, "2000", 0, 1000000},
    ParamKind{"seed", "Seed", "Of both", ParamKind::Type::Integer, "42", 0, 1e15}};

/// One run of the texts. settings hold lossParams. Throws as traceSequences does.
LossSink lossOf(const Model &model, Backend &backend, std::span<const TokenSequence> sequences, const Params &settings,
    const Steering &steering, const Progress &progress);
/// The loss of another run of the same texts against the baseline's, paired by sequence. settings hold lossParams.
PairedDifference compareLosses(const LossSink &baseline, const LossSink &other, const Params &settings);

} // namespace expertscope
