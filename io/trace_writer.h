// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// TraceWriter: the sink behind createTraceFile(). Holds a few chunks per dataset and nothing that grows with the trace.
#pragma once

#include "io/hdf5_chunk_writer.h"
#include "io/hdf5_labelled_file.h"
#include "io/part_file.h"
#include "io/sequence_table.h"
#include "io/trace_hdf5.h"

#include <optional>

namespace expertscope {

class TraceWriter final : public TraceSink {
public:
    TraceWriter(const std::filesystem::path &file, const TraceFileOptions &options);
    ~TraceWriter() override;

    void begin(const TraceMeta &meta) override;
    void append(const TraceBlock &block) override;
    void endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax) override;
    void importCounts(const RoutingSummary &counts) override;
    void finish(std::span<const TraceCheck> checks) override;

private:
    using Column = std::unique_ptr<h5::GrowingDataset>;
    Column tokenColumn(const char *name, hid_t type, const h5::Doc &doc);
    Column layerColumn(const char *name, hid_t type, int width, std::int64_t chunkRows, const void *fill, const h5::Doc &doc);
    void makeColumns();
    void writeModelAttributes();
    void appendIds(const TraceBlock &block);
    void appendText(const TraceBlock &block);
    void count(const TraceBlock &block);
    void dropUnfinishedTokens();
    void nameDimensions();
    void writeLoad();
    void writeLabels();
    void writeLanguageNames(hid_t labels);
    void writeExpertNotes(hid_t labels);
    void writeRouting();
    void writeChecks(std::span<const TraceCheck> checks);
    std::vector<h5::GrowingDataset *> columns() const;

    TraceFileOptions m_options;
    PartFile m_part; ///< before the file: that is closed first, then this is renamed or removed
    TraceMeta m_meta;
    std::optional<h5::LabelledFile> m_file;
    std::optional<h5::ChunkQueue> m_queue;
    Column m_token, m_tokenId, m_position, m_seqIndex, m_phase, m_logprob, m_predictedId, m_textBytes, m_textOffset;
    Column m_expertId, m_gateWeight, m_routerLogit, m_selectionScore, m_expertOutNorm, m_nActive;
    std::optional<SequenceTable> m_sequences;
    std::int64_t m_appended = 0; ///< tokens received
    std::int64_t m_finished = 0; ///< tokens of ended sequences
    std::int64_t m_textEnd = 0; ///< bytes of token text received
    std::vector<std::int64_t> m_load; ///< [M, E] of all tokens received
    std::vector<double> m_gateMass; ///< [M, E] likewise
};

} // namespace expertscope
