// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The part of TraceReader that reads a trace's description: model, engine, routing, notes, checks.
#include "io/hdf5_reading.h"
#include "io/trace_layout.h"
#include "io/trace_reader.h"

#include <algorithm>

namespace expertscope {

namespace {

constexpr std::int64_t mostListed = 1 << 20; // interventions, notes on experts

using h5::NumberKind;

} // namespace

void TraceReader::readDescription()
{
    const auto text = [&](hid_t object, const char *name) { return h5::readText(m_context, object, name); };
    m_meta.title = text(m_file, "title");
    m_meta.history = text(m_file, "history");
    m_meta.dateCreated = text(m_file, "date_created");
    m_meta.producer = text(m_file, "producer");
    m_meta.producerVersion = text(m_file, "producer_version");
    if (h5::holdsGroup(m_file, "model")) {
        const h5::Id group = h5::openGroup(m_context, m_file, "model");
        const auto number = [&](const char *name, int absent) {
            const std::vector<std::int64_t> values = h5::readIntegers(m_context, group, name);
            return values.empty() ? absent : static_cast<int>(std::clamp<std::int64_t>(values.front(), -1, 1 << 30));
        };
        ModelInfo &model = m_meta.model;
        model.name = text(group, "name");
        model.family = text(group, "family");
        model.revision = text(group, "revision");
        model.sha256 = text(group, "sha256");
        model.fileFormat = text(group, "file_format");
        model.quantisation = text(group, "quantisation");
        model.tokenizerSha256 = text(group, "tokenizer_sha256");
        model.scoreFunction = text(group, "score_function");
        model.nLayers = number("n_layers", 0);
        model.nExperts = number("n_experts", 0);
        model.topK = number("top_k", 0);
        model.nShared = number("n_shared", 0);
        model.nGroup = number("n_group", 1);
        model.topkGroup = number("topk_group", 1);
        model.normalise = number("normalise", 0) != 0;
        if (const std::vector<double> scaling = h5::readReals(m_context, group, "scaling"); !scaling.empty())
            model.scaling = scaling.front();
    }
    if (h5::holdsGroup(m_file, "engine")) {
        const h5::Id group = h5::openGroup(m_context, m_file, "engine");
        EngineInfo &engine = m_meta.engine;
        engine.name = text(group, "name");
        engine.version = text(group, "version");
        engine.backend = text(group, "backend");
        engine.device = text(group, "device");
        engine.dtype = text(group, "dtype");
        engine.commandLine = text(group, "command_line");
        if (const std::vector<std::uint64_t> seed = h5::readUnsigned(m_context, group, "seed"); !seed.empty())
            engine.seed = seed.front();
    }
    readRouting();
    readExpertNotes();
}

std::vector<std::int32_t> TraceReader::listedLayers(hid_t group, const char *name)
{
    const h5::Array layers = requiredArray(group, name, NumberKind::Integer, 1);
    if (layers.rows() > mostListed)
        damaged(std::string{name} + " says it has " + std::to_string(layers.rows()) + " rows");
    return layers.readAll<std::int32_t>();
}

void TraceReader::readRouting()
{
    if (!h5::holdsGroup(m_file, "routing"))
        return;
    const h5::Id group = h5::openGroup(m_context, m_file, "routing");
    m_meta.routing.recipe = h5::readText(m_context, group, "recipe");
    noteUnknown(group, "/routing/", {"intervention", "layer", "expert", "op", "value"}, {});
    if (!h5::holdsDataset(group, "op"))
        return;
    const std::vector<std::int32_t> layers = listedLayers(group, "layer");
    const std::int64_t count = std::ssize(layers);
    const MaybeArray expert = optionalArray(group, "expert", NumberKind::Integer, {count}),
                     value = optionalArray(group, "value", NumberKind::Real, {count});
    if (!expert || !value)
        damaged("the interventions have no experts or values");
    const auto experts = expert->readAll<std::int32_t>();
    const auto values = value->readAll<double>();
    const std::vector<std::string> ops = h5::readStrings(m_context, group, "op", count);
    for (std::size_t i = 0; i < ops.size(); ++i)
        m_meta.routing.interventions.push_back({layers[i], experts[i], ops[i], values[i]});
}

void TraceReader::readExpertNotes()
{
    if (!h5::holdsGroup(m_file, "labels"))
        return;
    const h5::Id group = h5::openGroup(m_context, m_file, "labels");
    noteUnknown(group, "/labels/",
        {"language_code", "language_name", "domain_name", "note", "expert_note", "expert_note_layer", "expert_note_expert"}, {});
    if (!h5::holdsDataset(group, "expert_note") || !h5::holdsDataset(group, "expert_note_layer"))
        return;
    const std::vector<std::int32_t> layers = listedLayers(group, "expert_note_layer");
    const std::int64_t count = std::ssize(layers);
    const auto experts = optionalArray(group, "expert_note_expert", NumberKind::Integer, {count});
    if (!experts)
        damaged("the notes on experts do not say which");
    const auto numbers = experts->readAll<std::int32_t>();
    const std::vector<std::string> texts = h5::readStrings(m_context, group, "expert_note", count);
    for (std::size_t i = 0; i < texts.size(); ++i)
        m_meta.expertNotes.push_back({layers[i], numbers[i], texts[i]});
}

void TraceReader::readChecks()
{
    if (!h5::holdsGroup(m_file, "checks"))
        return;
    const h5::Id group = h5::openGroup(m_context, m_file, "checks");
    if (!h5::holdsDataset(group, "check"))
        return;
    const std::int64_t count = requiredArray(group, "check", NumberKind::Integer, 1).rows();
    const MaybeArray value = optionalArray(group, "value", NumberKind::Real, {count}),
                     limit = optionalArray(group, "limit", NumberKind::Real, {count});
    if (!value || !limit)
        damaged("the checks have no values or limits");
    const std::vector<std::string> names = h5::readStrings(m_context, group, "name", count),
                                   states = h5::readStrings(m_context, group, "status", count),
                                   notes = h5::holdsDataset(group, "note") ? h5::readStrings(m_context, group, "note", count)
                                                                           : std::vector<std::string>(static_cast<std::size_t>(count));
    const std::vector<double> values = value->readAll<double>(), limits = limit->readAll<double>();
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
        m_meta.checks.push_back({names[i], states[i], values[i], limits[i], notes[i]});
}

void TraceReader::noteUnknown(
    hid_t group, const std::string &path, std::initializer_list<const char *> known, std::initializer_list<const char *> knownPrefixes)
{
    for (const std::string &name : h5::linkNames(m_context, group)) {
        const bool isKnown = std::any_of(known.begin(), known.end(), [&](const char *one) { return name == one; })
            || std::any_of(knownPrefixes.begin(), knownPrefixes.end(), [&](const char *one) { return name.starts_with(one); });
        if (!isKnown)
            m_meta.notes.push_back("The file holds " + path + name + ", which this version does not know");
    }
}

} // namespace expertscope
