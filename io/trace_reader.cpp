// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/trace_reader.h"

#include "engine/core/error.h"
#include "engine/core/summary.h"
#include "io/file_kind.h"
#include "io/hdf5_reading.h"
#include "io/importers/import.h"
#include "io/trace_layout.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace expertscope {

namespace {

constexpr std::int64_t mostLayers = 4096;
constexpr std::int64_t mostSequences = 1 << 24;
constexpr std::int64_t longestTokenBytes = 1 << 20;
constexpr std::int64_t mostCounts = 1 << 27; // 1 GB of them: they are held in memory

using h5::NumberKind;

std::size_t size(std::int64_t count)
{
    return static_cast<std::size_t>(count);
}

} // namespace

TraceReader::TraceReader(const std::filesystem::path &file)
    : m_context{file.string(), nullptr}
    , m_file{h5::openFile(m_context)}
{
    checkFormat();
    openArrays();
    readDescription();
    readSequences();
    readSummary();
    readChecks();
    noteUnknown(m_file, "/",
        {"token", "layer", "slot", "expert", "sequence", "language", "domain", "byte", "token_edge", "expert_id", "gate_weight",
            "router_logit", "selection_score", "expert_out_norm", "n_active", "token_id", "position", "seq_index", "phase", "logprob",
            "predicted_id", "token_bytes", "token_offset", "load", "gate_mass", "sequences", "labels", "model", "engine", "routing",
            "summary", "checks"},
        {"view_"});
}

void TraceReader::damaged(const std::string &what) const
{
    throw Error{ErrorKind::Input, what, m_context.path,
        "The file is damaged or was not written as a routing trace: record it again or copy it again from where it came"};
}

void TraceReader::checkFormat()
{
    if (h5::readText(m_context, m_file, "format") != layout::format)
        throw Error{ErrorKind::Input, "this is an HDF5 file, but not a routing trace", m_context.path,
            std::string{"Choose a file whose attribute \"format\" is "} + layout::format};
    const std::string version = h5::readText(m_context, m_file, "format_version");
    int major = 0, minor = 0;
    const char *end = version.data() + version.size();
    const auto afterMajor = std::from_chars(version.data(), end, major);
    const bool wellFormed = afterMajor.ec == std::errc{} && afterMajor.ptr != end && *afterMajor.ptr == '.'
        && std::from_chars(afterMajor.ptr + 1, end, minor).ec == std::errc{};
    if (!wellFormed)
        damaged("the format version \"" + version + "\" is not a version number");
    if (major != layout::majorVersion)
        throw Error{ErrorKind::Input, "the trace has format version " + version + ", this program reads 1.x", m_context.path,
            major > layout::majorVersion ? "Use a newer Expertscope" : "Record the trace again"};
    if (minor > 0)
        m_meta.notes.push_back("The file has format version " + version + "; what is new in it since " + layout::version + " is not shown");
}

h5::Array TraceReader::requiredArray(hid_t parent, const char *name, NumberKind kind, int rank)
{
    if (!h5::holdsDataset(parent, name))
        damaged(std::string{"the trace has no dataset "} + name);
    return h5::Array{m_context, m_cache, parent, name, kind, rank};
}

TraceReader::MaybeArray TraceReader::optionalArray(hid_t parent, const char *name, NumberKind kind, std::vector<std::int64_t> shape)
{
    if (!h5::holdsDataset(parent, name))
        return {};
    MaybeArray array{std::in_place, m_context, m_cache, parent, name, kind, static_cast<int>(shape.size())};
    const std::vector<std::int64_t> found = shape.size() == 3 ? std::vector{array->rows(), array->layers(), array->width()}
        : shape.size() == 2                                   ? std::vector{array->rows(), array->width()}
                                                              : std::vector{array->rows()};
    if (found != shape)
        damaged(std::string{name} + " does not have the shape that expert_id and the dimension scales say");
    return array;
}

void TraceReader::openArrays()
{
    m_expertId.emplace(requiredArray(m_file, "expert_id", NumberKind::Integer, 3));
    const std::int64_t tokens = m_expertId->rows(), layers = m_expertId->layers(), slots = m_expertId->width();
    const std::int64_t experts = requiredArray(m_file, "expert", NumberKind::Integer, 1).rows();
    if (experts < 1 || experts >= noExpert || slots < 1 || slots > experts || layers < 1 || layers > mostLayers)
        damaged("a trace of " + std::to_string(layers) + " layers, " + std::to_string(experts) + " experts and " + std::to_string(slots)
            + " slots cannot be");
    m_meta.tokens = tokens;
    m_meta.slotCount = static_cast<int>(slots);
    m_meta.experts = static_cast<int>(experts);
    const auto perToken = [&](const char *name, NumberKind kind) { return optionalArray(m_file, name, kind, {tokens}); };
    const auto layerArray = requiredArray(m_file, "layer", NumberKind::Integer, 1);
    if (layerArray.rows() != layers)
        damaged("layer does not have the length that expert_id says");
    for (std::int32_t number : layerArray.readAll<std::int32_t>())
        m_meta.layers.push_back(number);

    if (const std::vector<std::int64_t> fill = h5::readIntegers(m_context, m_expertId->id(), "_FillValue"); !fill.empty())
        m_noExpert = fill.front();
    m_tokenId = perToken("token_id", NumberKind::Integer);
    m_position = perToken("position", NumberKind::Integer);
    m_seqIndex = perToken("seq_index", NumberKind::Integer);
    m_phase = perToken("phase", NumberKind::Integer);
    for (const auto &[array, name] : {std::pair{&m_position, "position"}, {&m_seqIndex, "seq_index"}, {&m_phase, "phase"}})
        if (!*array)
            damaged(std::string{"the trace has no dataset "} + name);
    m_logprob = perToken("logprob", NumberKind::Real);
    m_predictedId = perToken("predicted_id", NumberKind::Integer);
    m_gateWeight = optionalArray(m_file, "gate_weight", NumberKind::Real, {tokens, layers, slots});
    m_routerLogit = optionalArray(m_file, "router_logit", NumberKind::Real, {tokens, layers, experts});
    m_selectionScore = optionalArray(m_file, "selection_score", NumberKind::Real, {tokens, layers, experts});
    m_expertOutNorm = optionalArray(m_file, "expert_out_norm", NumberKind::Real, {tokens, layers, slots});
    m_load = optionalArray(m_file, "load", NumberKind::Integer, {layers, experts});
    m_gateMass = optionalArray(m_file, "gate_mass", NumberKind::Real, {layers, experts});
    if (!m_load || (m_gateWeight && !m_gateMass))
        damaged("the trace has no dataset load or gate_mass");
    if (h5::holdsDataset(m_file, "token_offset") && h5::holdsDataset(m_file, "token_bytes")) {
        m_textOffset = optionalArray(m_file, "token_offset", NumberKind::Integer, {tokens + 1});
        m_textBytes.emplace(requiredArray(m_file, "token_bytes", NumberKind::Integer, 1));
    }
    m_meta.fields = {.gateWeight = m_gateWeight.has_value(),
        .routerLogit = m_routerLogit.has_value(),
        .selectionScore = m_selectionScore.has_value(),
        .expertOutNorm = m_expertOutNorm.has_value(),
        .nActive = h5::holdsDataset(m_file, "n_active"),
        .logprob = m_logprob.has_value(),
        .predictedId = m_predictedId.has_value(),
        .tokenText = m_textBytes.has_value(),
        .meanSoftmax = false,
        .tokenId = m_tokenId.has_value()};
}

void TraceReader::readSequences()
{
    const h5::Id group = h5::openGroup(m_context, m_file, "sequences");
    const h5::Array prompt = requiredArray(group, "n_prompt", NumberKind::Integer, 1);
    const std::int64_t count = prompt.rows();
    if (count > mostSequences)
        damaged("the trace says it has " + std::to_string(count) + " sequences");
    const std::vector<std::int64_t> nPrompt = prompt.readAll<std::int64_t>();
    const auto column = [&](const char *name) {
        const MaybeArray array = optionalArray(group, name, NumberKind::Integer, {count});
        return array ? array->readAll<std::int64_t>() : std::vector<std::int64_t>{};
    };
    const auto texts = [&](const char *name) {
        return h5::holdsDataset(group, name) ? h5::readStrings(m_context, group, name, count) : std::vector<std::string>(size(count));
    };
    const std::vector<std::int64_t> nGenerated = column("n_generated"), language = column("language_index"),
                                    domain = column("domain_index");
    const auto names = [&](const char *scale, const char *name) {
        if (!h5::holdsDataset(m_file, scale) || !h5::holdsGroup(m_file, "labels"))
            return std::vector<std::string>{};
        const std::int64_t rows = requiredArray(m_file, scale, NumberKind::Integer, 1).rows();
        return h5::readStrings(m_context, h5::openGroup(m_context, m_file, "labels"), name, rows);
    };
    const std::vector<std::string> languages = names("language", "language_code"), domains = names("domain", "domain_name");
    if (h5::holdsGroup(m_file, "labels") && h5::holdsDataset(h5::openGroup(m_context, m_file, "labels"), "language_name")) {
        const std::vector<std::string> spoken = names("language", "language_name");
        for (std::size_t i = 0; i < spoken.size() && i < languages.size(); ++i)
            if (!spoken[i].empty())
                m_meta.languageNames.emplace(languages[i], spoken[i]);
    }
    const auto nameOf = [&](const std::vector<std::string> &table, const std::vector<std::int64_t> &index, std::size_t row) -> std::string {
        if (index.empty() || index[row] == -1)
            return {};
        if (index[row] < 0 || size(index[row]) >= table.size())
            damaged("sequence " + std::to_string(row) + " has a language or domain that /labels does not name");
        return table[size(index[row])];
    };

    struct LabelColumn {
        std::int64_t order;
        std::string name;
        std::vector<std::string> values;
    };
    std::vector<LabelColumn> labels;
    for (const std::string &link : h5::linkNames(m_context, group)) {
        if (!link.starts_with(layout::labelPrefix) || !h5::holdsDataset(group, link.c_str()))
            continue;
        const h5::Id dataset = h5::openDataset(m_context, group, link.c_str());
        const std::string name = h5::readText(m_context, dataset, layout::labelName);
        const std::vector<std::int64_t> order = h5::readIntegers(m_context, dataset, layout::labelIndex);
        labels.push_back({order.empty() ? static_cast<std::int64_t>(labels.size()) : order.front(),
            h5::hasAttribute(dataset, layout::labelName) ? name : link.substr(std::char_traits<char>::length(layout::labelPrefix)),
            h5::readStrings(m_context, group, link.c_str(), count)});
    }
    std::stable_sort(labels.begin(), labels.end(), [](const LabelColumn &a, const LabelColumn &b) { return a.order < b.order; });
    for (const LabelColumn &label : labels)
        m_meta.labelColumns.push_back(label.name);

    const std::vector<std::string> ids = texts("seq_id"), parallel = texts("parallel_id"), sha = texts("sha256");
    std::int64_t firstToken = 0;
    for (std::size_t row = 0; row < size(count); ++row) {
        SequenceInfo info;
        info.id = ids[row];
        info.language = nameOf(languages, language, row);
        info.domain = nameOf(domains, domain, row);
        info.parallelId = parallel[row];
        info.sha256 = sha[row];
        for (const LabelColumn &label : labels)
            info.labels.push_back(label.values[row]);
        info.firstToken = firstToken;
        info.nPrompt = nPrompt[row];
        info.nGenerated = nGenerated.empty() ? 0 : nGenerated[row];
        const std::int64_t left = m_meta.tokens - firstToken;
        if (info.nPrompt < 0 || info.nGenerated < 0 || info.nPrompt > left || info.nGenerated > left - info.nPrompt)
            damaged("sequence " + std::to_string(row) + " says it has tokens that the trace does not hold");
        firstToken = info.range().end;
        m_meta.sequences.push_back(std::move(info));
    }
    if (firstToken != m_meta.tokens)
        damaged("the sequences hold " + std::to_string(firstToken) + " tokens, the trace " + std::to_string(m_meta.tokens));
    noteUnknown(group, "/sequences/", {"seq_id", "language_index", "domain_index", "parallel_id", "n_prompt", "n_generated", "sha256"},
        {layout::labelPrefix});
}

void TraceReader::readSummary()
{
    if (!h5::holdsGroup(m_file, "summary"))
        return;
    const h5::Id summary = h5::openGroup(m_context, m_file, "summary");
    m_meanSoftmax =
        optionalArray(summary, "mean_softmax", NumberKind::Real, {std::ssize(m_meta.sequences), m_meta.moeLayers(), m_meta.experts});
    m_meta.fields.meanSoftmax = m_meanSoftmax.has_value();
    noteUnknown(summary, "/summary/", {"mean_softmax", "counts"}, {});
    if (!h5::holdsGroup(summary, "counts"))
        return;
    if (m_meta.tokens > 0)
        m_meta.notes.push_back("The file holds imported counts beside its tokens; the tokens are shown");
    else
        readCounts(summary);
}

void TraceReader::readCounts(hid_t summary)
{
    const h5::Id group = h5::openGroup(m_context, summary, "counts");
    noteUnknown(group, "/summary/counts/", {"group", "group_name", "tokens", "count", "gate_mass", "softmax_mass"}, {});
    const std::int64_t groups = requiredArray(group, "group", NumberKind::Integer, 1).rows();
    if (groups > mostCounts / (m_meta.moeLayers() * m_meta.experts))
        damaged("the counts say they are of " + std::to_string(groups) + " groups");
    const auto values = [&]<typename T>(const char *name, NumberKind kind, std::vector<std::int64_t> shape, std::vector<T> &to) {
        const MaybeArray array = optionalArray(group, name, kind, std::move(shape));
        if (!array)
            return;
        const std::int64_t layers = array->layers(), width = array->width();
        to.resize(size(array->rows() * layers * width));
        for (std::int64_t row = 0; row < array->rows(); ++row)
            for (std::int64_t layer = 0; layer < layers; ++layer)
                array->read<T>(row, 1, layer, std::span{to}.subspan(size((row * layers + layer) * width), size(width)));
    };
    const std::vector<std::int64_t> perExpert{groups, m_meta.moeLayers(), m_meta.experts};
    RoutingSummary counts;
    counts.grouping = h5::readText(m_context, group, "grouping");
    counts.groups = h5::readStrings(m_context, group, "group_name", groups);
    counts.layers = m_meta.layers;
    counts.experts = m_meta.experts;
    const std::vector<std::int64_t> topK = h5::readIntegers(m_context, group, "top_k");
    counts.topK = topK.empty() ? m_meta.slotCount : static_cast<int>(std::clamp<std::int64_t>(topK.front(), 1, m_meta.experts));
    values("tokens", NumberKind::Integer, {groups}, counts.tokens);
    values("count", NumberKind::Integer, perExpert, counts.counts);
    values("gate_mass", NumberKind::Real, perExpert, counts.gateMass);
    values("softmax_mass", NumberKind::Real, perExpert, counts.softmaxMass);
    try {
        checkCounts(m_meta, counts);
    } catch (const Error &error) {
        damaged(error.message);
    }
    m_counts = std::make_shared<const RoutingSummary>(std::move(counts));
}

TokenColumns TraceReader::tokens(TokenRange range) const
{
    checkRead(m_meta, range, 0);
    TokenColumns columns;
    const auto read = [&]<typename T>(const MaybeArray &array, std::vector<T> &to) {
        if (!array)
            return;
        to.resize(size(range.count()));
        array->read<T>(range.begin, range.count(), 0, to);
    };
    read(m_tokenId, columns.tokenId);
    read(m_position, columns.position);
    read(m_seqIndex, columns.seqIndex);
    read(m_predictedId, columns.predictedId);
    read(m_logprob, columns.logprob);
    std::vector<std::int8_t> phases;
    read(m_phase, phases);
    for (std::int8_t phase : phases) {
        if (phase != 0 && phase != 1)
            damaged("phase holds " + std::to_string(phase) + ", which means nothing");
        columns.phase.push_back(static_cast<Phase>(phase));
    }
    for (std::size_t i = 0; i < columns.seqIndex.size(); ++i) {
        const auto row = range.begin + static_cast<std::int64_t>(i);
        const std::int32_t index = columns.seqIndex[i];
        const bool right = index >= 0 && size(index) < m_meta.sequences.size() && m_meta.sequences[size(index)].range().begin <= row
            && row < m_meta.sequences[size(index)].range().end;
        if (!right)
            damaged("token " + std::to_string(row) + " says it belongs to sequence " + std::to_string(index) + ", which lies elsewhere");
    }
    if (!m_textBytes)
        return columns;
    std::vector<std::int64_t> offsets(size(range.count()) + 1);
    m_textOffset->read<std::int64_t>(range.begin, range.count() + 1, 0, offsets);
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i)
        if (offsets[i] < 0 || offsets[i + 1] < offsets[i] || offsets[i + 1] - offsets[i] > longestTokenBytes
            || offsets[i + 1] > m_textBytes->rows())
            damaged("the text of token " + std::to_string(range.begin + static_cast<std::int64_t>(i)) + " lies outside token_bytes");
    std::vector<std::uint8_t> bytes(size(offsets.back() - offsets.front()));
    m_textBytes->read<std::uint8_t>(offsets.front(), offsets.back() - offsets.front(), 0, bytes);
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i)
        columns.bytes.emplace_back(bytes.begin() + (offsets[i] - offsets.front()), bytes.begin() + (offsets[i + 1] - offsets.front()));
    return columns;
}

void TraceReader::expertIds(TokenRange range, int layer, std::span<ExpertId> ids) const
{
    checkRead(m_meta, range, layer, true, "expert ids", ids.size(), m_meta.slotCount);
    std::vector<std::int32_t> stored(ids.size());
    m_expertId->read<std::int32_t>(range.begin, range.count(), layer, stored);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (m_noExpert && stored[i] == *m_noExpert) {
            ids[i] = noExpert;
            continue;
        }
        if (stored[i] < 0 || stored[i] >= m_meta.experts)
            damaged("token " + std::to_string(range.begin + static_cast<std::int64_t>(i) / m_meta.slotCount) + " in layer "
                + std::to_string(m_meta.layers[size(layer)]) + " chose expert " + std::to_string(stored[i]) + " of "
                + std::to_string(m_meta.experts));
        ids[i] = static_cast<ExpertId>(stored[i]);
    }
}

void TraceReader::gateWeights(TokenRange range, int layer, std::span<float> weights) const
{
    checkRead(m_meta, range, layer, m_meta.fields.gateWeight, "gate weights", weights.size(), m_meta.slotCount);
    m_gateWeight->read<float>(range.begin, range.count(), layer, weights);
}

void TraceReader::routerLogits(TokenRange range, int layer, std::span<float> logits) const
{
    checkRead(m_meta, range, layer, m_meta.fields.routerLogit, "router logits", logits.size(), m_meta.experts);
    m_routerLogit->read<float>(range.begin, range.count(), layer, logits);
}

void TraceReader::selectionScores(TokenRange range, int layer, std::span<float> scores) const
{
    checkRead(m_meta, range, layer, m_meta.fields.selectionScore, "selection scores", scores.size(), m_meta.experts);
    m_selectionScore->read<float>(range.begin, range.count(), layer, scores);
}

void TraceReader::expertOutNorms(TokenRange range, int layer, std::span<float> norms) const
{
    checkRead(m_meta, range, layer, m_meta.fields.expertOutNorm, "expert output norms", norms.size(), m_meta.slotCount);
    m_expertOutNorm->read<float>(range.begin, range.count(), layer, norms);
}

void TraceReader::meanSoftmax(int sequence, std::span<float> mean) const
{
    checkMeanSoftmaxRead(m_meta, sequence, mean.size());
    for (std::size_t layer = 0; layer < m_meta.layers.size(); ++layer)
        m_meanSoftmax->read<float>(
            sequence, 1, static_cast<std::int64_t>(layer), mean.subspan(layer * size(m_meta.experts), size(m_meta.experts)));
}

std::vector<std::int64_t> TraceReader::load() const
{
    if (m_counts)
        return m_counts->total(m_counts->counts);
    std::vector<std::int64_t> counts = m_load->readAll<std::int64_t>();
    if (std::any_of(counts.begin(), counts.end(), [&](std::int64_t count) { return count < 0 || count > m_meta.tokens; }))
        damaged("load says that an expert was chosen more often than there are tokens");
    return counts;
}

std::vector<double> TraceReader::gateMass() const
{
    if (m_counts)
        return m_counts->total(m_counts->gateMass);
    return m_gateMass ? m_gateMass->readAll<double>() : std::vector<double>{};
}

TracePtr openTraceFile(const std::filesystem::path &file)
{
    if (const std::string foreign = foreignTraceKind(file); !foreign.empty())
        throw Error{ErrorKind::Input, "this is no trace file yet, but what another tool recorded (" + foreign + ")", file.string(),
            "Import it first: expertscope import " + file.string() + " -o TRACE.h5"};
    if (const FileKind kind = fileKind(file); !kind.what.empty() && kind.what != hdf5Kind)
        throw Error{ErrorKind::Input, "this is " + std::string{kind.what} + ", not a trace file", file.string(), std::string{kind.remedy}};
    return std::make_shared<const TraceReader>(file);
}

} // namespace expertscope
