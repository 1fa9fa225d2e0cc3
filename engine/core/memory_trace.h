// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A trace held in memory: what the window records into, and the simplest RoutingTrace there is.
// Write it as a TraceSink, then share it as a const RoutingTrace.
#pragma once

#include "engine/core/progress.h"
#include "engine/core/trace.h"

namespace expertscope {

/// Growable while it is a sink; read it only from the recording thread, and snapshot() to share what has been finished so far.
class MemoryTrace final : public TraceSink, public RoutingTrace {
public:
    void begin(const TraceMeta &meta) override;
    void append(const TraceBlock &block) override;
    void endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax) override;
    void importCounts(const RoutingSummary &counts) override;
    void finish(std::span<const TraceCheck> checks) override;

    /// An immutable copy of all finished sequences; the recording may go on. Blocks are shared, not copied.
    TracePtr snapshot() const;

    const TraceMeta &meta() const override { return m_meta; }
    TokenColumns tokens(TokenRange range) const override;
    void expertIds(TokenRange range, int layer, std::span<ExpertId> ids) const override;
    void gateWeights(TokenRange range, int layer, std::span<float> weights) const override;
    void routerLogits(TokenRange range, int layer, std::span<float> logits) const override;
    void selectionScores(TokenRange range, int layer, std::span<float> scores) const override;
    void expertOutNorms(TokenRange range, int layer, std::span<float> norms) const override;
    void meanSoftmax(int sequence, std::span<float> mean) const override;
    std::vector<std::int64_t> load() const override;
    std::vector<double> gateMass() const override;
    std::shared_ptr<const RoutingSummary> importedCounts() const override { return m_counts; }

private:
    struct Piece {
        std::int64_t firstToken = 0;
        std::shared_ptr<const TraceBlock> block;
    };
    TraceMeta m_meta;
    std::vector<Piece> m_pieces;
    std::int64_t m_appended = 0; ///< tokens received; m_meta.tokens counts those of finished sequences only
    std::vector<std::shared_ptr<const std::vector<float>>> m_meanSoftmax; ///< [S] of [M, E]
    std::vector<std::int64_t> m_load; ///< [M, E]
    std::vector<double> m_gateMass; ///< [M, E]
    std::shared_ptr<const RoutingSummary> m_counts; ///< imported ones only

    template<typename Copy>
    void forEachPiece(TokenRange range, const Copy &copy) const;
    template<typename T, typename From, typename Convert>
    void copyLayer(TokenRange range, int layer, int width, const std::vector<From> TraceBlock::*column, std::span<T> out,
        const Convert &convert) const;
};

/// Copies a whole trace into a sink, from begin() to finish(), in blocks of bounded size, so that any trace can be saved anywhere.
void copyTrace(const RoutingTrace &from, TraceSink &to, const Progress &progress);

} // namespace expertscope
