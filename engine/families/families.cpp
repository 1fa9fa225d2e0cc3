// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/families/families.h"

#include "engine/core/error.h"
#include "engine/families/config_reader.h"

#include <array>

namespace expertscope {

namespace {

constexpr Limits<std::int64_t> tokenIds{0, std::numeric_limits<std::int32_t>::max()};

std::string familyNames()
{
    std::string names;
    for (const FamilyKind &family : families())
        names += (names.empty() ? "" : ", ") + std::string{family.id};
    return names;
}

/// Rejects, each in its own words, what is not an MoE model of a known family in plain weights.
const FamilyKind &supported(const ConfigReader &config)
{
    if (!config.has("model_type") && config.has("text_config"))
        config.fail("text_config", "holds the language model: models wrapped for images or sound are not supported");
    const std::string type = config.text("model_type");
    if (config.has("quantization_config"))
        config.fail("quantization_config", "is set: quantised weights are not supported, take the F32, F16 or BF16 checkpoint");
    for (const FamilyKind &family : families())
        if (family.id == type)
            return family;
    if (!config.hasKeyContaining("expert") && !config.hasKeyContaining("moe"))
        throw Error{ErrorKind::Input, "\"" + type + "\" is a dense model: it has no experts, so there is no routing to look at",
            "config.json", "Open a Mixture-of-Experts model; supported families: " + familyNames()};
    return familyOf(type);
}

} // namespace

std::span<const FamilyKind> families()
{
    static const std::array list{olmoeFamily, mixtralFamily, qwen2MoeFamily, qwen3MoeFamily};
    return list;
}

const FamilyKind &familyOf(std::string_view modelType)
{
    for (const FamilyKind &family : families())
        if (family.id == modelType)
            return family;
    throw Error{ErrorKind::Input, "the model family \"" + std::string{modelType} + "\" is not supported", "config.json, model_type",
        "Open a model of one of these families: " + familyNames()};
}

ModelConfig configure(std::string_view configJson, std::string_view generationConfigJson)
{
    const ConfigReader config{configJson, "config.json"};
    const FamilyKind &family = supported(config);
    ModelConfig model = family.configure(config);
    model.family = family.id;
    if (model.moeLayers().empty())
        throw Error{ErrorKind::Input, "none of the " + std::to_string(model.layers.size()) + " layers has experts", "config.json",
            "Check decoder_sparse_step and mlp_only_layers, or open a Mixture-of-Experts model"};

    const ConfigReader generation{generationConfigJson.empty() ? "{}" : generationConfigJson, "generation_config.json"};
    const ConfigReader &tokens = generation.has("eos_token_id") ? generation : config;
    for (std::int64_t id : tokens.integers("eos_token_id", tokenIds))
        model.eosIds.push_back(static_cast<std::int32_t>(id));
    if (config.has("bos_token_id"))
        model.bosId = static_cast<std::int32_t>(config.integer("bos_token_id", tokenIds));
    return model;
}

} // namespace expertscope
