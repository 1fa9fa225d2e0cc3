// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/importers/model_shape.h"

#include "engine/core/error.h"
#include "engine/core/json_depth.h"
#include "io/input_file.h"
#include "io/utf8.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <initializer_list>
#include <optional>

namespace expertscope {

namespace {

using Json = nlohmann::json;

constexpr std::uint64_t configLimitBytes = 16 << 20;
constexpr std::int64_t mostLayers = 4096;

[[noreturn]] void bad(const std::string &what, const std::string &where)
{
    throw Error{ErrorKind::Input, what, where, "Give the config.json of the mixture-of-experts model that was recorded"};
}

/// The fields of one config.json, by any of the names that architectures use.
class Fields {
public:
    Fields(const Json &json, std::string where)
        : m_json{json}
        , m_where{std::move(where)}
    {
    }

    std::optional<std::int64_t> integer(std::initializer_list<const char *> names, std::int64_t low, std::int64_t high) const
    {
        for (const char *name : names) {
            const auto at = m_json.find(name);
            if (at == m_json.end() || at->is_null())
                continue;
            if (!at->is_number_integer() || at->get<std::int64_t>() < low || at->get<std::int64_t>() > high)
                bad(std::string{name} + " is not a number from " + std::to_string(low) + " to " + std::to_string(high), m_where);
            return at->get<std::int64_t>();
        }
        return {};
    }
    std::int64_t required(std::initializer_list<const char *> names, std::int64_t low, std::int64_t high) const
    {
        const auto value = integer(names, low, high);
        if (!value)
            bad(std::string{"the config has no "} + *names.begin(), m_where);
        return *value;
    }
    std::string text(const char *name) const
    {
        const auto at = m_json.find(name);
        return at != m_json.end() && at->is_string() ? at->get<std::string>() : std::string{};
    }
    /// A list of layer numbers; empty if the config has none.
    std::vector<int> layerList(const char *name) const
    {
        std::vector<int> list;
        const auto at = m_json.find(name);
        if (at == m_json.end() || !at->is_array())
            return list;
        for (const Json &one : *at)
            if (one.is_number_integer() && one >= 0 && one < mostLayers)
                list.push_back(one.get<int>());
        return list;
    }

private:
    const Json &m_json;
    std::string m_where;
};

/// Which layers have experts: DeepSeek counts dense ones at the start and a frequency, Qwen2 a step and a list of exceptions.
std::vector<int> moeLayers(const Fields &fields, int layers)
{
    const std::int64_t firstDense = fields.integer({"first_k_dense_replace"}, 0, mostLayers).value_or(0);
    const std::int64_t frequency = fields.integer({"moe_layer_freq"}, 1, mostLayers).value_or(1);
    const std::int64_t step = fields.integer({"decoder_sparse_step"}, 0, mostLayers).value_or(1);
    const std::vector<int> dense = fields.layerList("mlp_only_layers");
    std::vector<int> found;
    for (int layer = 0; layer < layers; ++layer) {
        const bool listed = std::find(dense.begin(), dense.end(), layer) != dense.end();
        if (layer >= firstDense && layer % frequency == 0 && step > 0 && (layer + 1) % step == 0 && !listed)
            found.push_back(layer);
    }
    return found;
}

} // namespace

ModelShape parseModelShape(std::string_view configJson, const std::string &where)
{
    if (isNestedTooDeeply(configJson))
        bad("the config is nested too deeply", where);
    const Json whole = Json::parse(configJson.begin(), configJson.end(), nullptr, false);
    if (!whole.is_object())
        bad("this is not a config.json", where);
    const auto inner = whole.find("text_config"); // models that also see pictures
    const Json &json = inner != whole.end() && inner->is_object() ? *inner : whole;
    const Fields fields{json, where};
    ModelShape shape;
    ModelInfo &model = shape.model;
    model.family = fields.text("model_type");
    model.nLayers = static_cast<int>(fields.required({"num_hidden_layers", "n_layers", "num_layers"}, 1, mostLayers));
    model.nExperts =
        static_cast<int>(fields.required({"num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"}, 1, noExpert - 1));
    model.topK = static_cast<int>(
        fields.required({"num_experts_per_tok", "experts_per_token", "num_experts_per_token", "moe_topk", "moe_k"}, 1, model.nExperts));
    model.nShared = static_cast<int>(fields.integer({"n_shared_experts", "num_shared_experts"}, 0, 1 << 16).value_or(0));
    model.nGroup = static_cast<int>(fields.integer({"n_group"}, 0, 1 << 16).value_or(1));
    model.topkGroup = static_cast<int>(fields.integer({"topk_group"}, 0, 1 << 16).value_or(1));
    model.scoreFunction = fields.text("scoring_func");
    if (const auto at = json.find("norm_topk_prob"); at != json.end() && at->is_boolean())
        model.normalise = at->get<bool>();
    if (const auto at = json.find("routed_scaling_factor"); at != json.end() && at->is_number())
        model.scaling = at->get<double>();
    shape.moeLayers = moeLayers(fields, model.nLayers);
    if (shape.moeLayers.empty())
        bad("no layer of the model has experts", where);
    return shape;
}

ModelShape readModelShape(const std::filesystem::path &folderOrConfig)
{
    std::error_code code;
    const bool isFolder = std::filesystem::is_directory(folderOrConfig, code);
    const std::filesystem::path file = isFolder ? folderOrConfig / "config.json" : folderOrConfig;
    ModelShape shape = parseModelShape(readWholeFile(file, configLimitBytes), file.string());
    shape.model.name = std::filesystem::absolute(file, code).parent_path().filename().string();
    return shape;
}

} // namespace expertscope
