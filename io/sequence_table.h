// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Writes /sequences and /summary of a trace file as sequences end: one row each, a chunk of rows in memory.
#pragma once

#include "engine/core/trace.h"
#include "io/hdf5_chunk_writer.h"
#include "io/hdf5_labelled_file.h"

#include <memory>
#include <unordered_map>

namespace expertscope {

/// A growing dataset of variable-length strings. These cannot go through the writer threads: the library keeps their text.
class GrowingStrings {
public:
    GrowingStrings(h5::LabelledFile &file, h5::ChunkQueue &queue, hid_t parent, const std::string &name, const h5::Doc &doc);
    void append(const std::string &text);
    void flush();
    hid_t id() const { return m_dataset; }

private:
    h5::Context m_context;
    h5::ChunkQueue *m_queue;
    std::string m_name;
    h5::Id m_dataset;
    std::vector<std::string> m_pending;
    hsize_t m_rows = 0;
};

/// Numbers names in order of first appearance; an empty name is -1.
class NameTable {
public:
    std::int32_t indexOf(const std::string &name);
    const std::vector<std::string> &names() const { return m_names; }

private:
    std::vector<std::string> m_names;
    std::unordered_map<std::string, std::int32_t> m_index;
};

class SequenceTable {
public:
    /// Needs the scales layer and expert of the file.
    SequenceTable(h5::LabelledFile &file, h5::ChunkQueue &queue, const TraceMeta &meta, bool compress);
    void append(const SequenceInfo &info, std::span<const float> meanSoftmax);
    /// Hands over all rows. After the queue is drained, attach() names the dimensions.
    void flush();
    void attach();

    const NameTable &languages() const { return m_languages; }
    const NameTable &domains() const { return m_domains; }

private:
    h5::LabelledFile &m_file;
    h5::Id m_group, m_summary;
    NameTable m_languages, m_domains;
    GrowingStrings m_id, m_parallelId, m_sha256;
    std::vector<GrowingStrings> m_labels;
    std::unique_ptr<h5::GrowingDataset> m_sequence, m_language, m_domain, m_nPrompt, m_nGenerated, m_meanSoftmax;
    std::int32_t m_rows = 0;
};

} // namespace expertscope
