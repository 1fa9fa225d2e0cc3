// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/trace_writer.h"

#include "engine/core/error.h"
#include "engine/core/summary.h"
#include "engine/core/tensor.h"
#include "io/trace_layout.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace expertscope {

namespace {

constexpr const char *beforeSoftmax = "raw router output, before softmax and before any selection bias";

std::vector<std::uint16_t> toHalf(const std::vector<float> &values)
{
    std::vector<std::uint16_t> half(values.size());
    std::transform(values.begin(), values.end(), half.begin(), f32ToF16);
    return half;
}

} // namespace

TraceWriter::TraceWriter(const std::filesystem::path &file, const TraceFileOptions &options)
    : m_options{options}
    , m_part{file, options.overwrite, options.part}
{
}

TraceWriter::~TraceWriter()
{
    // the writer threads first: they hold ids of the datasets that the members below close
    m_queue.reset();
}

void TraceWriter::begin(const TraceMeta &meta)
{
    if (meta.experts < 1 || meta.experts >= noExpert || meta.slotCount < 1 || meta.slotCount > meta.experts || meta.layers.empty())
        throw Error{ErrorKind::Check,
            "a trace of " + std::to_string(meta.layers.size()) + " layers, " + std::to_string(meta.experts) + " experts and "
                + std::to_string(meta.slotCount) + " slots cannot be written",
            m_part.file().string(), "Record a model that has MoE layers"};
    m_meta = meta;
    m_meta.sequences.clear();
    if (m_meta.dateCreated.empty())
        m_meta.dateCreated = currentDate();
    if (!m_options.dated) {
        if (m_meta.history.starts_with(m_meta.dateCreated + ' '))
            m_meta.history.erase(0, m_meta.dateCreated.size() + 1);
        m_meta.dateCreated.clear();
    }
    const std::size_t cells = meta.layers.size() * static_cast<std::size_t>(meta.experts);
    m_load.assign(cells, 0);
    m_gateMass.assign(meta.fields.gateWeight ? cells : 0, 0.0);
    m_file.emplace(h5::Context{m_part.file().string(), std::make_shared<std::atomic<int>>(0)}, m_part.part());
    m_queue.emplace(m_file->context());
    makeColumns();
    m_sequences.emplace(*m_file, *m_queue, m_meta, m_options.compress);
    writeModelAttributes();
}

TraceWriter::Column TraceWriter::tokenColumn(const char *name, hid_t type, const h5::Doc &doc)
{
    auto column = std::make_unique<h5::GrowingDataset>(m_file->context(), *m_queue, m_file->root(),
        h5::GrowingSpec{.name = name, .fileType = type, .chunkRows = layout::tokenChunkRows, .compress = m_options.compress});
    m_file->describe(column->id(), doc);
    return column;
}

TraceWriter::Column TraceWriter::layerColumn(
    const char *name, hid_t type, int width, std::int64_t chunkRows, const void *fill, const h5::Doc &doc)
{
    auto column = std::make_unique<h5::GrowingDataset>(m_file->context(), *m_queue, m_file->root(),
        h5::GrowingSpec{.name = name,
            .fileType = type,
            .layers = static_cast<hsize_t>(m_meta.moeLayers()),
            .width = static_cast<hsize_t>(std::max(width, 1)),
            .rank = width > 0 ? 3 : 2,
            .chunkRows = static_cast<hsize_t>(chunkRows),
            .fill = fill,
            .compress = m_options.compress});
    m_file->describe(column->id(), doc);
    return column;
}

void TraceWriter::makeColumns()
{
    const auto scale = [&](const char *name, int count, const h5::Doc &doc) {
        std::vector<std::int32_t> numbers(static_cast<std::size_t>(count));
        std::iota(numbers.begin(), numbers.end(), 0);
        m_file->scale(m_file->root(), name, std::span<const std::int32_t>{numbers}, doc);
    };
    const TraceFields &fields = m_meta.fields;
    m_token = tokenColumn("token", H5T_STD_I64LE, {"row of the trace", "1"});
    const std::vector<std::int32_t> layers(m_meta.layers.begin(), m_meta.layers.end());
    m_file->scale(m_file->root(), "layer", std::span{layers}, {"decoder layer of the model that has experts", "1"});
    scale("slot", m_meta.slotCount, {"place among the chosen experts; 0 has the largest gate weight", "1"});
    scale("expert", m_meta.experts, {"expert", "1"});

    const int slots = m_meta.slotCount, experts = m_meta.experts;
    const h5::Doc ids{"chosen experts, by falling gate weight", "1"};
    if (experts <= layout::mostExpertsInOneByte) {
        m_expertId = layerColumn("expert_id", H5T_STD_U8LE, slots, layout::slotChunkRows, &layout::noExpertByte, ids);
        h5::writeAttribute(m_file->context(), m_expertId->id(), "_FillValue", layout::noExpertByte);
    } else {
        m_expertId = layerColumn("expert_id", H5T_STD_I16LE, slots, layout::slotChunkRows, &layout::noExpertShort, ids);
        h5::writeAttribute(m_file->context(), m_expertId->id(), "_FillValue", layout::noExpertShort);
    }
    const h5::Id half = h5::halfType();
    if (fields.gateWeight)
        m_gateWeight = layerColumn("gate_weight", m_options.halfWeights ? hid_t{half} : H5T_IEEE_F32LE, slots, layout::slotChunkRows,
            nullptr, {"what multiplied the output of each chosen expert", "1", "weight", "after normalisation and scaling"});
    if (fields.routerLogit)
        m_routerLogit =
            layerColumn("router_logit", half, experts, layout::expertChunkRows, nullptr, {"router logits", "1", "logit", beforeSoftmax});
    if (fields.selectionScore)
        m_selectionScore = layerColumn("selection_score", half, experts, layout::expertChunkRows, nullptr,
            {"what the experts were chosen by", "1", "score", "after selection bias and group limits"});
    if (fields.expertOutNorm)
        m_expertOutNorm = layerColumn("expert_out_norm", half, slots, layout::slotChunkRows, nullptr,
            {"L2 norm of the output of each chosen expert", "1", "norm", "before the gate weight"});
    if (fields.nActive)
        m_nActive = layerColumn("n_active", H5T_STD_U8LE, 0, layout::tokenChunkRows, nullptr, {"number of chosen experts", "experts"});

    if (fields.tokenId)
        m_tokenId = tokenColumn("token_id", H5T_STD_I32LE, {"id of the token in the tokenizer's vocabulary", "1"});
    m_position = tokenColumn("position", H5T_STD_I32LE, {"position in its sequence", "1"});
    m_seqIndex = tokenColumn("seq_index", H5T_STD_I32LE, {"sequence of the token, as in /sequences", "1"});
    m_phase = tokenColumn("phase", H5T_STD_I8LE, {"how the token was run", "1"});
    const std::int8_t phases[] = {0, 1};
    h5::writeAttribute(m_file->context(), m_phase->id(), "flag_values", std::span<const std::int8_t>{phases});
    h5::writeAttribute(m_file->context(), m_phase->id(), "flag_meanings", std::string{"prefill decode"});
    if (fields.logprob)
        m_logprob = tokenColumn("logprob", H5T_IEEE_F32LE,
            {"natural logarithm of the probability of the token given the tokens before it; NaN at position 0", "nats"});
    if (fields.predictedId)
        m_predictedId = tokenColumn("predicted_id", H5T_STD_I32LE, {"id of the most probable next token", "1"});
    if (fields.tokenText) {
        m_textBytes = std::make_unique<h5::GrowingDataset>(m_file->context(), *m_queue, m_file->root(),
            h5::GrowingSpec{.name = "token_bytes", .fileType = H5T_STD_U8LE, .chunkRows = 65536, .compress = m_options.compress});
        m_file->describe(m_textBytes->id(), {"bytes of all tokens, one after the other; a token need not be valid UTF-8", "1"});
        m_textOffset =
            tokenColumn("token_offset", H5T_STD_I64LE, {"token t is bytes token_offset[t] to token_offset[t+1] of token_bytes", "bytes"});
        m_textOffset->append(&m_textEnd, 1);
    }
}

void TraceWriter::append(const TraceBlock &block)
{
    checkBlock(m_meta, block);
    const auto addTo = [](const Column &column, const auto &values) {
        if (column)
            column->append(values);
    };
    std::vector<std::int64_t> rows(static_cast<std::size_t>(block.count));
    std::iota(rows.begin(), rows.end(), m_appended);
    addTo(m_token, rows);
    addTo(m_tokenId, block.tokenId);
    addTo(m_position, block.position);
    addTo(m_seqIndex, block.seqIndex);
    addTo(m_phase, block.phase);
    addTo(m_logprob, block.logprob);
    addTo(m_predictedId, block.predictedId);
    appendText(block);
    appendIds(block);
    if (m_options.halfWeights)
        addTo(m_gateWeight, toHalf(block.gateWeight));
    else
        addTo(m_gateWeight, block.gateWeight);
    addTo(m_routerLogit, block.routerLogit);
    addTo(m_selectionScore, block.selectionScore);
    addTo(m_expertOutNorm, block.expertOutNorm);
    count(block);
    m_appended += block.count;
}

void TraceWriter::appendIds(const TraceBlock &block)
{
    if (m_meta.experts <= layout::mostExpertsInOneByte) {
        std::vector<std::uint8_t> ids(block.expertId.size());
        std::transform(
            block.expertId.begin(), block.expertId.end(), ids.begin(), [](ExpertId id) { return static_cast<std::uint8_t>(id); });
        m_expertId->append(ids); // noExpert 0xffff becomes 255
    } else {
        m_expertId->append(block.expertId); // noExpert 0xffff is -1 as i2
    }
    if (!m_nActive)
        return;
    const auto slots = static_cast<std::size_t>(m_meta.slotCount);
    std::vector<std::uint8_t> active;
    for (std::size_t at = 0; at < block.expertId.size(); at += slots)
        active.push_back(static_cast<std::uint8_t>(
            std::count_if(&block.expertId[at], &block.expertId[at] + slots, [](ExpertId id) { return id != noExpert; })));
    m_nActive->append(active);
}

void TraceWriter::appendText(const TraceBlock &block)
{
    if (!m_textBytes)
        return;
    std::string text;
    std::vector<std::int64_t> ends;
    for (const std::string &token : block.bytes) {
        text += token;
        ends.push_back(m_textEnd + static_cast<std::int64_t>(text.size()));
    }
    m_textBytes->append(text.data(), static_cast<std::int64_t>(text.size()));
    m_textOffset->append(ends);
    m_textEnd += static_cast<std::int64_t>(text.size());
}

void TraceWriter::count(const TraceBlock &block)
{
    const std::size_t perLayer = static_cast<std::size_t>(block.count) * static_cast<std::size_t>(m_meta.slotCount);
    for (std::size_t i = 0; i < block.expertId.size(); ++i) {
        if (block.expertId[i] == noExpert)
            continue;
        const std::size_t cell = i / perLayer * static_cast<std::size_t>(m_meta.experts) + block.expertId[i];
        ++m_load[cell];
        if (m_gateWeight)
            m_gateMass[cell] += static_cast<double>(m_options.halfWeights ? f16ToF32(f32ToF16(block.gateWeight[i])) : block.gateWeight[i]);
    }
}

void TraceWriter::endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax)
{
    checkSequence(m_meta, info, meanSoftmax, m_finished, m_appended);
    m_sequences->append(info, meanSoftmax);
    m_finished = info.range().end;
}

void TraceWriter::importCounts(const RoutingSummary &counts)
{
    checkCounts(m_meta, counts);
    const h5::Context &context = m_file->context();
    const h5::Id group = m_file->group("summary/counts");
    h5::writeAttribute(context, group, "grouping", counts.grouping);
    h5::writeAttribute(context, group, "top_k", static_cast<std::int32_t>(counts.topK));
    std::vector<std::int32_t> numbers(counts.groups.size());
    std::iota(numbers.begin(), numbers.end(), 0);
    m_file->scale(group, "group", std::span<const std::int32_t>{numbers}, {"group of tokens that were counted together", "1"});
    m_file->strings(group, "group_name", counts.groups, {"group"}, {"name of the group"});
    m_file->array(group, "tokens", std::span<const std::int64_t>{counts.tokens}, {"group"}, {"tokens counted", "tokens"});
    m_file->array(group, "count", std::span<const std::int64_t>{counts.counts}, {"group", "layer", "expert"},
        {"how often each expert was chosen, as another tool counted it", "tokens"});
    if (!counts.gateMass.empty())
        m_file->array(group, "gate_mass", std::span<const double>{counts.gateMass}, {"group", "layer", "expert"},
            {"sum of the gate weights of each expert", "1"});
    if (!counts.softmaxMass.empty())
        m_file->array(group, "softmax_mass", std::span<const double>{counts.softmaxMass}, {"group", "layer", "expert"},
            {"sum over the tokens of the softmax over all router logits", "1", "probability"});
    m_load = counts.total(counts.counts);
    m_gateMass = counts.total(counts.gateMass);
}

std::vector<h5::GrowingDataset *> TraceWriter::columns() const
{
    std::vector<h5::GrowingDataset *> all;
    for (const Column *column : {&m_token, &m_tokenId, &m_position, &m_seqIndex, &m_phase, &m_logprob, &m_predictedId, &m_expertId,
             &m_gateWeight, &m_routerLogit, &m_selectionScore, &m_expertOutNorm, &m_nActive})
        if (*column)
            all.push_back(column->get());
    return all;
}

void TraceWriter::finish(std::span<const TraceCheck> checks)
{
    for (h5::GrowingDataset *column : columns())
        column->flush();
    if (m_textBytes) {
        m_textBytes->flush();
        m_textOffset->flush();
    }
    m_sequences->flush();
    m_queue->drain();
    if (m_finished < m_appended)
        dropUnfinishedTokens();
    nameDimensions();
    writeLoad();
    writeLabels();
    writeChecks(checks);
    m_queue.reset();
    m_file->close();
    m_part.commit();
}

void TraceWriter::dropUnfinishedTokens()
{
    // counts and text end were taken as the tokens came: take the dropped ones, read back, out again
    h5::Lane lane;
    const h5::Context &context = m_file->context();
    const auto readRows = [&](const h5::GrowingDataset &column, std::int64_t first, std::int64_t rows, std::int64_t layer, hid_t memoryType,
                              void *to) {
        const h5::Id space{h5::check(H5Dget_space(column.id()), context, "read back")};
        std::vector<hsize_t> count = h5::dimensions(context, space), start(count.size(), 0);
        start[0] = static_cast<hsize_t>(first);
        count[0] = static_cast<hsize_t>(rows);
        if (count.size() > 1) {
            start[1] = static_cast<hsize_t>(layer);
            count[1] = 1;
        }
        h5::check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr), context, "read back");
        const h5::Id memory{h5::check(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), context, "read back")};
        h5::check(H5Dread(column.id(), memoryType, memory, space, H5P_DEFAULT, to), context, "read back");
    };
    const auto slots = static_cast<std::size_t>(m_meta.slotCount);
    const std::int64_t noId = m_meta.experts <= layout::mostExpertsInOneByte ? layout::noExpertByte : layout::noExpertShort;
    std::vector<std::int32_t> ids;
    std::vector<float> weights;
    for (std::int64_t first = m_finished; first < m_appended; first += layout::slotChunkRows) {
        const std::int64_t rows = std::min(layout::slotChunkRows, m_appended - first);
        ids.resize(static_cast<std::size_t>(rows) * slots);
        weights.resize(ids.size());
        for (int layer = 0; layer < m_meta.moeLayers(); ++layer) {
            readRows(*m_expertId, first, rows, layer, H5T_NATIVE_INT32, ids.data());
            if (m_gateWeight)
                readRows(*m_gateWeight, first, rows, layer, H5T_NATIVE_FLOAT, weights.data());
            for (std::size_t i = 0; i < ids.size(); ++i) {
                if (ids[i] == noId)
                    continue;
                const std::size_t cell =
                    static_cast<std::size_t>(layer) * static_cast<std::size_t>(m_meta.experts) + static_cast<std::size_t>(ids[i]);
                --m_load[cell];
                if (m_gateWeight)
                    m_gateMass[cell] = m_load[cell] == 0 ? 0.0 : m_gateMass[cell] - static_cast<double>(weights[i]);
            }
        }
    }
    for (h5::GrowingDataset *column : columns())
        column->truncate(m_finished);
    if (m_textBytes) {
        readRows(*m_textOffset, m_finished, 1, 0, H5T_NATIVE_INT64, &m_textEnd);
        m_textOffset->truncate(m_finished + 1);
        m_textBytes->truncate(m_textEnd);
    }
}

void TraceWriter::nameDimensions()
{
    m_file->makeScale("token", m_token->release());
    for (const Column *column : {&m_tokenId, &m_position, &m_seqIndex, &m_phase, &m_logprob, &m_predictedId})
        if (*column)
            m_file->attach((*column)->id(), {"token"});
    for (const Column *column : {&m_expertId, &m_gateWeight, &m_expertOutNorm})
        if (*column)
            m_file->attach((*column)->id(), {"token", "layer", "slot"});
    for (const Column *column : {&m_routerLogit, &m_selectionScore})
        if (*column)
            m_file->attach((*column)->id(), {"token", "layer", "expert"});
    if (m_nActive)
        m_file->attach(m_nActive->id(), {"token", "layer"});
    if (m_textBytes) {
        m_file->nameDimension("byte", m_textEnd);
        m_file->nameDimension("token_edge", m_finished + 1);
        m_file->attach(m_textBytes->id(), {"byte"});
        m_file->attach(m_textOffset->id(), {"token_edge"});
    }
    m_sequences->attach();
}

void TraceWriter::writeLoad()
{
    const h5::Context &context = m_file->context();
    m_file->array(
        m_file->root(), "load", std::span<const std::int64_t>{m_load}, {"layer", "expert"}, {"how often each expert was chosen", "tokens"});
    if (m_gateWeight)
        m_file->array(m_file->root(), "gate_mass", std::span<const double>{m_gateMass}, {"layer", "expert"},
            {"sum of the gate weights of each expert", "1"});
    // the picture that NeXus readers (H5Web, silx) open first
    const h5::Id view = m_file->group("view_load");
    for (const char *name : {"load", "layer", "expert"})
        m_file->hardLink(name, view, name);
    h5::writeAttribute(context, view, "NX_class", std::string{"NXdata"});
    h5::writeAttribute(context, view, "signal", std::string{"load"});
    h5::writeAttribute(context, view, "axes", std::vector<std::string>{"layer", "expert"});
    h5::writeAttribute(context, view, "title", std::string{"Tokens per layer and expert"});
}

std::unique_ptr<TraceSink> createTraceFile(const std::filesystem::path &file, const TraceFileOptions &options)
{
    return std::make_unique<TraceWriter>(file, options);
}

} // namespace expertscope
