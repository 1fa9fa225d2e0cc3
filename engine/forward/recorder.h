// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Recorder: turns what the forward loop shows it into TraceBlocks, layer-major, one block a batch, and keeps the running
// mean softmax of every sequence that is not finished yet.
#pragma once

#include "engine/core/run_spec.h"
#include "engine/forward/forward_observer.h"
#include "engine/forward/model.h"

#include <map>

namespace expertscope {

class Tokenizer;

/// The fields a recording with this model holds. selectionScore comes with router logits, where a bias or groups change the choice.
TraceFields recordedFields(const Model &model, const Capture &capture, const StageOverrides *overrides = nullptr);
/// The most experts a token gets in any layer. overrides may be null.
int recordedSlots(const ModelConfig &config, const StageOverrides *overrides);

class Recorder final : public ForwardObserver {
public:
    /// All must outlive this; tokenizer may be null if the model has none, overrides where there are none.
    Recorder(
        const Model &model, const Capture &capture, const Tokenizer *tokenizer, TraceSink &sink, const StageOverrides *overrides = nullptr);

    RoutingNeeds routingNeeds() const override;
    bool readsTensors() const override { return false; }
    void onEmbedding(const Batch &batch, const Tensor &hidden) override;
    void onRouting(const Batch &batch, const RoutingTap &tap) override;

    /// Before the first batch: the sink holds so many tokens of earlier sequences.
    void startAt(std::int64_t tokens) { m_written = tokens; }
    /// After the loop: writes the batch. next[r] is the log-probability of the token that follows row r, predicted[r] the likeliest id
    /// after it; both [T], or empty where they are not recorded.
    void finishBatch(const Batch &batch, std::span<const float> next, std::span<const std::int32_t> predicted);
    /// Corrects what finishBatch was told of a sequence's last row, when the following token is known only later.
    void setNextLogprob(std::int32_t sequence, float logprob);
    /// After the last token of a sequence; sequences end in order. Counts are given, firstToken is filled in.
    void endSequence(std::int32_t sequence, SequenceInfo info);

private:
    /// A sequence that has begun and not ended.
    struct Open {
        std::vector<double> softmaxSum; ///< [M, E]
        std::int64_t rows = 0;
        float nextLogprob; ///< of the token that will be its next row
    };
    Open &open(std::int32_t sequence);
    void storeSlots(std::size_t layerIndex, const RoutingTap &tap);
    void storeScores(std::size_t layerIndex, const RoutingTap &tap);
    void sumSoftmax(std::size_t layerIndex, const Batch &batch, const RoutingTap &tap);

    const Model &m_model;
    TraceFields m_fields;
    const Tokenizer *m_tokenizer;
    TraceSink &m_sink;
    std::vector<int> m_layers; ///< [M]
    std::size_t m_slots; ///< K
    std::size_t m_experts; ///< E
    TraceBlock m_block;
    std::map<std::int32_t, Open> m_open;
    std::int64_t m_written = 0; ///< tokens of ended sequences
};

} // namespace expertscope
