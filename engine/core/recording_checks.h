// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RecordingChecks: what an import checks of foreign recordings, counted of our own as they are made, for /checks.
// CheckedSink: passes a recording on to a sink and has it counted on the way.
#pragma once

#include "engine/core/trace.h"

#include <cstdint>
#include <span>
#include <vector>

namespace expertscope {

class RecordingChecks {
public:
    void begin(const TraceMeta &meta);
    /// One pass over the block; with router logits also one over those.
    void add(const TraceBlock &block);
    /// One row a check, for TraceSink::finish(). A check that the recording has no numbers for is "skip".
    std::vector<TraceCheck> rows() const;

private:
    struct Row;
    void addRow(std::size_t layer, std::span<const ExpertId> ids, std::span<const float> weights);
    void addLogits(std::span<const ExpertId> ids, std::span<const std::uint16_t> logits);

    TraceMeta m_meta;
    std::vector<bool> m_seen; ///< [M, E] chosen at least once
    std::int64_t m_rows = 0; ///< tokens x layers
    std::int64_t m_repeated = 0, m_partlyEmpty = 0, m_empty = 0;
    std::int64_t m_badWeights = 0, m_negativeWeights = 0, m_unsorted = 0;
    double m_largestSum = 0;
    std::int64_t m_badLogits = 0, m_otherChoice = 0;
};

class CheckedSink final : public TraceSink {
public:
    /// Both outlive this.
    CheckedSink(TraceSink &to, RecordingChecks &checks)
        : m_to{to}
        , m_checks{checks}
    {
    }
    void begin(const TraceMeta &meta) override
    {
        m_checks.begin(meta);
        m_to.begin(meta);
    }
    void append(const TraceBlock &block) override
    {
        m_to.append(block); // which refuses a block of the wrong shape
        m_checks.add(block);
    }
    void endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax) override { m_to.endSequence(info, meanSoftmax); }
    /// `checks` and the rows that were counted.
    void finish(std::span<const TraceCheck> checks) override;

private:
    TraceSink &m_to;
    RecordingChecks &m_checks;
};

} // namespace expertscope
