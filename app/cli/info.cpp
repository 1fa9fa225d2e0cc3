// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expertscope info: what a model folder or a trace file is, without running anything.
#include "app/cli/check_lines.h"
#include "app/cli/verbs.h"
#include "engine/families/families.h"
#include "io/model_folder.h"
#include "io/trace_hdf5.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>

namespace expertscope {

namespace {

using Json = nlohmann::ordered_json;

Json ffnJson(const LayerConfig &layer)
{
    const MoeFfn *moe = layer.moe();
    if (!moe)
        return {{"kind", "dense"}, {"width", std::get<DenseFfn>(layer.ffn).width}};
    return {{"kind", "moe"}, {"experts", moe->experts}, {"top_k", moe->topK}, {"expert_width", moe->width},
        {"score", moe->score == ScoreFunction::Softmax ? "softmax" : "sigmoid"}, {"normalise", moe->normalise}, {"scaling", moe->scale},
        {"shared_width", moe->sharedWidth}};
}

Json modelJson(const std::string &where)
{
    const auto files = openModelFolder(where);
    const ModelConfig config = configure(files->configJson, files->generationConfigJson);
    std::int64_t parameters = 0;
    std::int64_t bytes = 0;
    std::map<std::string, std::int64_t> types;
    for (const auto &[name, tensor] : files->tensors) {
        parameters += tensor.count();
        bytes += static_cast<std::int64_t>(tensor.bytes());
        types[expertscope::name(tensor.dtype)] += tensor.count();
    }
    Json layers = Json::array();
    for (const LayerConfig &layer : config.layers)
        layers.push_back(ffnJson(layer));
    const AttentionConfig &attention = config.layers.front().attention;
    return {{"kind", "model"}, {"name", files->name}, {"path", files->path}, {"family", config.family}, {"parameters", parameters},
        {"weight_bytes", bytes}, {"parameters_by_type", types}, {"hidden", config.hidden}, {"vocabulary", config.vocab},
        {"context", config.maxPositions}, {"heads", attention.heads}, {"kv_heads", attention.kvHeads}, {"head_dim", attention.headDim},
        {"tied_head", config.tiedHead}, {"tokenizer", !files->tokenizerJson.empty()}, {"revision", files->revision},
        {"sha256", files->sha256}, {"layers", layers}};
}

Json traceJson(const std::string &file)
{
    const TracePtr trace = openTraceFile(file);
    const TraceMeta &meta = trace->meta();
    const std::vector<std::int64_t> load = trace->load();
    std::map<std::string, std::int64_t> languages;
    std::map<std::string, std::int64_t> domains;
    for (const SequenceInfo &sequence : meta.sequences) {
        ++languages[sequence.language.empty() ? "(none)" : sequence.language];
        ++domains[sequence.domain.empty() ? "(none)" : sequence.domain];
    }
    Json fields = Json::array();
    const TraceFields &f = meta.fields;
    const std::pair<const char *, bool> known[] = {{"token_id", f.tokenId}, {"gate_weight", f.gateWeight}, {"router_logit", f.routerLogit},
        {"selection_score", f.selectionScore}, {"expert_out_norm", f.expertOutNorm}, {"n_active", f.nActive}, {"logprob", f.logprob},
        {"predicted_id", f.predictedId}, {"token_text", f.tokenText}, {"mean_softmax", f.meanSoftmax}};
    for (const auto &[name, present] : known)
        if (present)
            fields.push_back(name);
    const Json recipe = meta.routing.recipe.empty() ? Json("") : Json::parse(meta.routing.recipe, nullptr, false);
    Json checks = Json::array();
    for (const TraceCheck &check : meta.checks)
        checks.push_back(
            {{"name", check.name}, {"status", check.status}, {"value", check.value}, {"limit", check.limit}, {"note", check.note}});
    Json interventions = Json::array();
    for (const Intervention &one : meta.routing.interventions)
        interventions.push_back({{"layer", one.layer}, {"expert", one.expert}, {"op", one.op}, {"value", one.value}});
    Json expertNotes = Json::array();
    for (const ExpertNote &one : meta.expertNotes)
        expertNotes.push_back({{"layer", one.layer}, {"expert", one.expert}, {"text", one.text}});
    return {{"kind", "trace"}, {"title", meta.title}, {"created", meta.dateCreated},
        {"producer", meta.producer + " " + meta.producerVersion}, {"model", meta.model.name}, {"family", meta.model.family},
        {"model_sha256", meta.model.sha256}, {"device", meta.engine.device}, {"command_line", meta.engine.commandLine},
        {"tokens", meta.tokens}, {"sequences", meta.sequences.size()}, {"moe_layers", meta.layers}, {"experts", meta.experts},
        {"slots", meta.slotCount}, {"fields", fields}, {"sequences_by_language", languages}, {"language_names", meta.languageNames},
        {"sequences_by_domain", domains}, {"interventions", interventions}, {"expert_notes", expertNotes},
        {"never_chosen_experts", std::count(load.begin(), load.end(), 0)}, {"checks", checks}, {"notes", meta.notes},
        {"routing_recipe", recipe.is_discarded() ? Json(meta.routing.recipe) : recipe}};
}

/// One "name: value" line a field; lists and objects on one line, equal consecutive layers folded.
void printText(const Json &json)
{
    for (const auto &[key, value] : json.items()) {
        std::string name = key;
        std::replace(name.begin(), name.end(), '_', ' ');
        if (key == "layers") {
            for (std::size_t first = 0, next = 0; first < value.size(); first = next) {
                while (next < value.size() && value[next] == value[first])
                    ++next;
                std::printf("layers %zu-%zu: %s\n", first, next - 1, value[first].dump().c_str());
            }
        } else if (key == "checks") {
            std::vector<TraceCheck> checks;
            for (const Json &row : value)
                checks.push_back({row["name"], row["status"], row["value"], row["limit"], row["note"]});
            for (const std::string &line : checkLines(checks))
                std::printf("check: %s\n", line.c_str());
        } else if (!(value.is_array() && value.empty()) && !(value.is_string() && value.get_ref<const std::string &>().empty())) {
            std::printf("%s: %s\n", name.c_str(), value.is_string() ? value.get_ref<const std::string &>().c_str() : value.dump().c_str());
        }
    }
}

} // namespace

void declareInfo(CLI::App &app, Command &command)
{
    struct Options {
        std::string path;
        bool json = false;
    };
    const auto options = std::make_shared<Options>();
    app.add_option("path", options->path, "Model folder, org/name from the Hugging Face cache, or trace file")->required();
    app.add_flag("--json", options->json, "As one JSON object");
    app.footer("Example:\n  expertscope info resources/demo/model");
    app.callback([options, &command] {
        const std::filesystem::path path{options->path};
        const bool isTrace = std::filesystem::is_regular_file(path) || path.extension() == ".h5" || path.extension() == ".hdf5";
        const Json json = isTrace ? traceJson(options->path) : modelJson(options->path);
        if (options->json)
            std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
        else
            printText(json);
        command.exitCode = 0;
    });
}

} // namespace expertscope
