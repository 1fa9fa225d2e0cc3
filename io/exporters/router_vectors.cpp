// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/exporters/router_vectors.h"

#include "engine/core/error.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>

namespace expertscope {

namespace {

[[noreturn]] void cannot(const std::string &what, const std::string &why)
{
    throw Error{
        ErrorKind::Check, "bias vectors cannot hold " + what + ": " + why, "export", "Switch it off, or export a transformers script"};
}

float strength(const Edit &edit)
{
    const auto found =
        std::find_if(edit.settings.begin(), edit.settings.end(), [](const auto &setting) { return setting.first == "strength"; });
    return found == edit.settings.end() ? 1.0f : static_cast<float>(std::strtod(found->second.c_str(), nullptr));
}

std::string notConstant(const std::string &op)
{
    if (op == "soft" || op == "scale-abs")
        return "what it adds depends on the token's logits";
    if (op == "exclude")
        return "weights stay those of the router's own logits";
    if (op.starts_with("weight-"))
        return "it acts on weights, after the choice of experts";
    return "what it sets depends on the token's logits";
}

} // namespace

std::vector<NamedArray> routerVectors(const Recipe &recipe, const ModelConfig &config)
{
    std::map<int, std::vector<float>> sums;
    const auto vectorOf = [&](int layer) -> std::vector<float> & {
        std::vector<float> &vector = sums[layer];
        vector.resize(static_cast<std::size_t>(config.layers[static_cast<std::size_t>(layer)].moe()->experts));
        return vector;
    };
    for (const PolicySetting &policy : recipe.policies)
        cannot("the policy \"" + policy.policy + '"', "it is another rule of routing");
    for (const Edit &edit : recipe.edits) {
        const std::string name = "the op \"" + edit.op + '"';
        const bool isConstant = edit.op == "add" || edit.op == "bias" || edit.op == "mask";
        if (!isConstant)
            cannot(name, notConstant(edit.op));
        if (edit.tokens.kind != TokenSpan::Kind::All || edit.phase != RunPhase::Both)
            cannot(name, "it acts on some tokens only");
        const float value = edit.op == "mask" ? -std::numeric_limits<float>::infinity() : strength(edit);
        for (const LayerExperts &at : edit.experts)
            for (int expert : at.experts)
                vectorOf(at.layer)[static_cast<std::size_t>(expert)] += value;
        for (const auto &[layer, vector] : edit.vectors)
            for (std::size_t e = 0; e < vector.size(); ++e)
                vectorOf(layer)[e] += value * vector[e];
    }
    std::vector<NamedArray> arrays;
    for (auto &[layer, vector] : sums)
        arrays.push_back({"layers." + std::to_string(layer) + ".router_bias", std::move(vector)});
    return arrays;
}

} // namespace expertscope
