// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The part of TraceWriter that describes a trace: labels, notes, routing, checks, model and engine.
#include "io/trace_layout.h"
#include "io/trace_writer.h"

#include <unicode/uloc.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace expertscope {

namespace {

/// English name of a language code, "zh_Hant" as "Chinese (Traditional Han)"; empty where ICU does not know it.
std::string languageName(const std::string &code)
{
    UErrorCode status = U_ZERO_ERROR;
    std::array<UChar, 128> name{};
    const std::int32_t length = uloc_getDisplayLanguage(code.c_str(), "en", name.data(), static_cast<std::int32_t>(name.size()), &status);
    if (U_FAILURE(status) || status == U_USING_DEFAULT_WARNING || length <= 0 || length >= std::ssize(name))
        return {};
    status = U_ZERO_ERROR;
    const std::int32_t whole = uloc_getDisplayName(code.c_str(), "en", name.data(), static_cast<std::int32_t>(name.size()), &status);
    if (U_FAILURE(status) || whole <= 0 || whole >= std::ssize(name))
        return {};
    std::string text;
    icu::UnicodeString{name.data(), whole}.toUTF8String(text);
    return text;
}

} // namespace

void TraceWriter::writeLabels()
{
    const h5::Id group = m_file->group("labels");
    const auto table = [&](const char *scale, const char *name, const NameTable &names, const h5::Doc &doc, const h5::Doc &scaleDoc) {
        if (names.names().empty())
            return;
        std::vector<std::int32_t> numbers(names.names().size());
        std::iota(numbers.begin(), numbers.end(), 0);
        m_file->scale(m_file->root(), scale, std::span<const std::int32_t>{numbers}, scaleDoc);
        m_file->strings(group, name, names.names(), {scale}, doc);
    };
    table("language", "language_code", m_sequences->languages(), {"language as the corpus names it"}, {"language", "1"});
    writeLanguageNames(group);
    writeExpertNotes(group);
    table("domain", "domain_name", m_sequences->domains(), {"domain as the corpus names it"}, {"domain", "1"});
}

void TraceWriter::writeLanguageNames(hid_t labels)
{
    const std::vector<std::string> &codes = m_sequences->languages().names();
    std::vector<std::string> names;
    for (const std::string &code : codes) {
        const auto said = m_meta.languageNames.find(code);
        names.push_back(said != m_meta.languageNames.end() ? said->second : languageName(code));
    }
    if (std::any_of(names.begin(), names.end(), [](const std::string &name) { return !name.empty(); }))
        m_file->strings(labels, "language_name", names, {"language"}, {"English name of the language; empty where the code is not known"});
}

void TraceWriter::writeExpertNotes(hid_t labels)
{
    if (m_meta.expertNotes.empty())
        return;
    std::vector<std::int32_t> rows, layers, experts;
    std::vector<std::string> texts;
    for (const ExpertNote &note : m_meta.expertNotes) {
        rows.push_back(static_cast<std::int32_t>(rows.size()));
        layers.push_back(note.layer);
        experts.push_back(note.expert);
        texts.push_back(note.text);
    }
    m_file->scale(labels, "note", std::span<const std::int32_t>{rows}, {"note on an expert", "1"});
    m_file->strings(labels, "expert_note", texts, {"note"}, {"what somebody wrote about the expert"});
    m_file->array(labels, "expert_note_layer", std::span<const std::int32_t>{layers}, {"note"}, {"layer of the expert", "1"});
    m_file->array(labels, "expert_note_expert", std::span<const std::int32_t>{experts}, {"note"}, {"the expert", "1"});
}

void TraceWriter::writeRouting()
{
    const h5::Id group = m_file->group("routing");
    if (!m_meta.routing.recipe.empty())
        h5::writeAttribute(m_file->context(), group, "recipe", m_meta.routing.recipe);
    if (m_meta.routing.interventions.empty())
        return;
    std::vector<std::int32_t> rows, layers, experts;
    std::vector<std::string> ops;
    std::vector<double> values;
    for (const Intervention &intervention : m_meta.routing.interventions) {
        rows.push_back(static_cast<std::int32_t>(rows.size()));
        layers.push_back(intervention.layer);
        experts.push_back(intervention.expert);
        ops.push_back(intervention.op);
        values.push_back(intervention.value);
    }
    m_file->scale(group, "intervention", std::span<const std::int32_t>{rows}, {"intervention that was active", "1"});
    m_file->array(group, "layer", std::span<const std::int32_t>{layers}, {"intervention"}, {"layer of the expert", "1"});
    m_file->array(group, "expert", std::span<const std::int32_t>{experts}, {"intervention"}, {"the expert", "1"});
    m_file->strings(
        group, "op", ops, {"intervention"}, {"what was done: force_max, force_min, mask, add_bias, scale_abs or another op of the recipe"});
    m_file->array(group, "value", std::span<const double>{values}, {"intervention"},
        {"strength of the operation, or what it adds; 0 where it has none", "1"});
}

void TraceWriter::writeChecks(std::span<const TraceCheck> checks)
{
    const h5::Id group = m_file->group("checks");
    if (checks.empty())
        return;
    std::vector<std::int32_t> numbers;
    std::vector<std::string> names, states, notes;
    std::vector<double> values, limits;
    for (const TraceCheck &check : checks) {
        numbers.push_back(static_cast<std::int32_t>(numbers.size()));
        names.push_back(check.name);
        states.push_back(check.status);
        notes.push_back(check.note);
        values.push_back(check.value);
        limits.push_back(check.limit);
    }
    m_file->scale(group, "check", std::span<const std::int32_t>{numbers}, {"check", "1"});
    m_file->strings(group, "name", names, {"check"}, {"what was checked"});
    m_file->strings(group, "status", states, {"check"}, {"pass, warn, fail, or skip where it could not be made"});
    m_file->array(group, "value", std::span<const double>{values}, {"check"}, {"what was found", "1"});
    m_file->array(group, "limit", std::span<const double>{limits}, {"check"}, {"what is allowed", "1"});
    if (std::any_of(notes.begin(), notes.end(), [](const std::string &note) { return !note.empty(); }))
        m_file->strings(group, "note", notes, {"check"}, {"why the check could not be made"});
}

void TraceWriter::writeModelAttributes()
{
    const h5::Context &context = m_file->context();
    const auto text = [&](hid_t object, const char *name, const std::string &value) {
        if (!value.empty())
            h5::writeAttribute(context, object, name, value);
    };
    const hid_t root = m_file->root();
    text(root, "format", layout::format);
    text(root, "format_version", layout::version);
    text(root, "title", m_meta.title);
    text(root, "history", m_meta.history);
    text(root, "date_created", m_meta.dateCreated);
    text(root, "producer", m_meta.producer);
    text(root, "producer_version", m_meta.producerVersion);
    text(root, "NX_class", "NXroot");
    text(root, "default", "view_load");

    const ModelInfo &model = m_meta.model;
    const h5::Id modelGroup = m_file->group("model");
    text(modelGroup, "name", model.name);
    text(modelGroup, "family", model.family);
    text(modelGroup, "revision", model.revision);
    text(modelGroup, "sha256", model.sha256);
    text(modelGroup, "file_format", model.fileFormat);
    text(modelGroup, "quantisation", model.quantisation);
    text(modelGroup, "tokenizer_sha256", model.tokenizerSha256);
    text(modelGroup, "score_function", model.scoreFunction);
    const std::vector<std::int32_t> layers(m_meta.layers.begin(), m_meta.layers.end());
    h5::writeAttribute(context, modelGroup, "moe_layers", std::span<const std::int32_t>{layers});
    const std::pair<const char *, int> numbers[] = {{"n_layers", model.nLayers}, {"n_experts", model.nExperts}, {"top_k", model.topK},
        {"n_shared", model.nShared}, {"n_group", model.nGroup}, {"topk_group", model.topkGroup}};
    for (const auto &[name, value] : numbers)
        h5::writeAttribute(context, modelGroup, name, static_cast<std::int32_t>(value));
    h5::writeAttribute(context, modelGroup, "normalise", static_cast<std::int8_t>(model.normalise));
    h5::writeAttribute(context, modelGroup, "scaling", model.scaling);

    const EngineInfo &engine = m_meta.engine;
    const h5::Id engineGroup = m_file->group("engine");
    text(engineGroup, "name", engine.name);
    text(engineGroup, "version", engine.version);
    text(engineGroup, "backend", engine.backend);
    text(engineGroup, "device", engine.device);
    text(engineGroup, "dtype", engine.dtype);
    text(engineGroup, "command_line", engine.commandLine);
    h5::writeAttribute(context, engineGroup, "seed", engine.seed);
    writeRouting();
}

} // namespace expertscope
