// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// LossSink: takes a recording and keeps only what runs are compared by: the loss of each sequence, the predicted tokens, and how often
// each expert was used.
#pragma once

#include "engine/core/model_config.h"
#include "engine/core/trace.h"
#include "engine/experiments/paired_comparison.h"

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

/// Each sequence by itself.
Units sequenceUnits(std::size_t sequences);

} // namespace expertscope
