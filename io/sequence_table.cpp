// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/sequence_table.h"

#include "io/trace_layout.h"

#include <algorithm>
#include <set>

namespace expertscope {

GrowingStrings::GrowingStrings(h5::LabelledFile &file, h5::ChunkQueue &queue, hid_t parent, const std::string &name, const h5::Doc &doc)
    : m_context{file.context()}
    , m_queue{&queue}
    , m_name{name}
{
    h5::Lane lane;
    const hsize_t size = 0, largest = H5S_UNLIMITED, chunk = layout::sequenceChunkRows;
    const h5::Id space{h5::check(H5Screate_simple(1, &size, &largest), m_context, "describe", name)};
    const h5::Id create = h5::creationList(m_context, H5P_DATASET_CREATE, name);
    h5::check(H5Pset_chunk(create, 1, &chunk), m_context, "describe", name);
    // the table of text addresses gets a checksum by being compressed
    h5::check(H5Pset_deflate(create, 1), m_context, "describe", name);
    m_dataset = h5::Id{
        h5::check(H5Dcreate2(parent, name.c_str(), h5::stringType(), space, H5P_DEFAULT, create, H5P_DEFAULT), m_context, "create", name)};
    file.describe(m_dataset, doc);
}

void GrowingStrings::append(const std::string &text)
{
    m_pending.push_back(text);
    if (m_pending.size() == static_cast<std::size_t>(layout::sequenceChunkRows))
        flush();
}

void GrowingStrings::flush()
{
    if (m_pending.empty())
        return;
    m_queue->drain(); // where these go in the file must not depend on how far the writer threads are
    h5::Lane lane;
    const hsize_t count = m_pending.size(), size = m_rows + count;
    h5::check(H5Dset_extent(m_dataset, &size), m_context, "enlarge", m_name);
    const h5::Id space{h5::check(H5Dget_space(m_dataset), m_context, "write", m_name)};
    h5::check(H5Sselect_hyperslab(space, H5S_SELECT_SET, &m_rows, nullptr, &count, nullptr), m_context, "write", m_name);
    const h5::Id memory{h5::check(H5Screate_simple(1, &count, nullptr), m_context, "write", m_name)};
    h5::check(
        H5Dwrite(m_dataset, h5::stringType(), memory, space, H5P_DEFAULT, h5::CStrings{m_pending}.pointers()), m_context, "write", m_name);
    m_rows = size;
    m_pending.clear();
}

std::int32_t NameTable::indexOf(const std::string &name)
{
    if (name.empty())
        return -1;
    const auto [at, isNew] = m_index.try_emplace(name, static_cast<std::int32_t>(m_names.size()));
    if (isNew)
        m_names.push_back(name);
    return at->second;
}

namespace {

/// Dataset names that any reader can take: letters, digits and underscores, all different.
std::vector<std::string> datasetNames(const std::vector<std::string> &columns)
{
    std::set<std::string> taken;
    std::vector<std::string> names;
    for (const std::string &column : columns) {
        std::string name = layout::labelPrefix;
        for (char c : column)
            name += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
        while (!taken.insert(name).second)
            name += '_';
        names.push_back(name);
    }
    return names;
}

} // namespace

SequenceTable::SequenceTable(h5::LabelledFile &file, h5::ChunkQueue &queue, const TraceMeta &meta, bool compress)
    : m_file{file}
    , m_group{file.group("sequences")}
    , m_id{file, queue, m_group, "seq_id", {"identifier of the sequence"}}
    , m_parallelId{file, queue, m_group, "parallel_id", {"same in every translation of one text; empty = none"}}
    , m_sha256{file, queue, m_group, "sha256", {"SHA-256 of the text of the sequence, hexadecimal; empty = not recorded"}}
{
    const auto numbers = [&](hid_t parent, const char *name, hid_t type, const void *fill, const h5::Doc &doc) {
        auto column = std::make_unique<h5::GrowingDataset>(file.context(), queue, parent,
            h5::GrowingSpec{.name = name, .fileType = type, .chunkRows = layout::sequenceChunkRows, .fill = fill, .compress = compress});
        file.describe(column->id(), doc);
        return column;
    };
    const std::int32_t none = -1;
    m_sequence = numbers(file.root(), "sequence", H5T_STD_I32LE, nullptr, {"sequence", "1"});
    m_language = numbers(m_group, "language_index", H5T_STD_I32LE, &none, {"index into /labels/language_code; -1 = not given", "1"});
    m_domain = numbers(m_group, "domain_index", H5T_STD_I32LE, &none, {"index into /labels/domain_name; -1 = not given", "1"});
    m_nPrompt = numbers(m_group, "n_prompt", H5T_STD_I64LE, nullptr, {"tokens of the prompt", "tokens"});
    m_nGenerated = numbers(m_group, "n_generated", H5T_STD_I64LE, nullptr, {"tokens after the prompt", "tokens"});
    h5::writeAttribute(file.context(), m_language->id(), "_FillValue", none);
    h5::writeAttribute(file.context(), m_domain->id(), "_FillValue", none);

    const std::vector<std::string> names = datasetNames(meta.labelColumns);
    for (std::size_t i = 0; i < names.size(); ++i) {
        m_labels.emplace_back(file, queue, m_group, names[i], h5::Doc{"label column of the corpus"});
        h5::writeAttribute(file.context(), m_labels.back().id(), layout::labelName, meta.labelColumns[i]);
        h5::writeAttribute(file.context(), m_labels.back().id(), layout::labelIndex, static_cast<std::int32_t>(i));
    }

    m_summary = file.group("summary");
    if (!meta.fields.meanSoftmax)
        return;
    const auto layers = static_cast<hsize_t>(meta.moeLayers()), experts = static_cast<hsize_t>(meta.experts);
    const hsize_t rowsOf64k = std::clamp<hsize_t>(65536 / (layers * experts * sizeof(float)), 1, layout::sequenceChunkRows);
    m_meanSoftmax = std::make_unique<h5::GrowingDataset>(file.context(), queue, m_summary,
        h5::GrowingSpec{.name = "mean_softmax",
            .fileType = H5T_IEEE_F32LE,
            .layers = layers,
            .width = experts,
            .rank = 3,
            .chunkRows = rowsOf64k,
            .chunkLayers = layers,
            .compress = compress});
    file.describe(m_meanSoftmax->id(), {"mean over the tokens of a sequence of the softmax over all router logits", "1", "probability"});
}

void SequenceTable::append(const SequenceInfo &info, std::span<const float> meanSoftmax)
{
    const std::int32_t language = m_languages.indexOf(info.language), domain = m_domains.indexOf(info.domain);
    m_sequence->append(&m_rows, 1);
    m_language->append(&language, 1);
    m_domain->append(&domain, 1);
    m_nPrompt->append(&info.nPrompt, 1);
    m_nGenerated->append(&info.nGenerated, 1);
    m_id.append(info.id);
    m_parallelId.append(info.parallelId);
    m_sha256.append(info.sha256);
    for (std::size_t i = 0; i < m_labels.size(); ++i)
        m_labels[i].append(info.labels[i]);
    if (m_meanSoftmax)
        m_meanSoftmax->append(meanSoftmax.data(), 1);
    ++m_rows;
}

void SequenceTable::flush()
{
    for (h5::GrowingDataset *column :
        {m_sequence.get(), m_language.get(), m_domain.get(), m_nPrompt.get(), m_nGenerated.get(), m_meanSoftmax.get()})
        if (column)
            column->flush();
    for (GrowingStrings *column : {&m_id, &m_parallelId, &m_sha256})
        column->flush();
    for (GrowingStrings &column : m_labels)
        column.flush();
}

void SequenceTable::attach()
{
    m_file.makeScale("sequence", m_sequence->release());
    for (const h5::GrowingDataset *column : {m_language.get(), m_domain.get(), m_nPrompt.get(), m_nGenerated.get()})
        m_file.attach(column->id(), {"sequence"});
    for (const GrowingStrings *column : {&m_id, &m_parallelId, &m_sha256})
        m_file.attach(column->id(), {"sequence"});
    for (const GrowingStrings &column : m_labels)
        m_file.attach(column.id(), {"sequence"});
    if (m_meanSoftmax)
        m_file.attach(m_meanSoftmax->id(), {"sequence", "layer", "expert"});
}

} // namespace expertscope
