// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/steering/resolved.h"

#include "engine/steering/interventions.h"
#include "engine/steering/policies.h"
#include "engine/steering/validate.h"

#include <algorithm>

namespace expertscope {

namespace {

Edit resolved(const Recipe &recipe, const Edit &edit, const ModelConfig &config)
{
    const InterventionKind &kind = interventionKind(edit.op);
    Edit out = edit;
    out.settings = Params{kind.params, edit.settings}.all();
    out.experts.clear();
    for (int layer : config.moeLayers()) {
        const MoeFfn &rule = *config.layers[static_cast<std::size_t>(layer)].moe();
        const auto experts = kind.forces ? forcedIn(recipe, edit, layer, rule) : expertsIn(edit, layer, rule);
        if (!experts.empty())
            out.experts.push_back({layer, false, experts});
    }
    return out;
}

/// The op's name in a trace file, which has one for all that add to logits.
std::string nameInTrace(std::string op)
{
    if (op == "add" || op == "bias")
        return "add_bias";
    std::replace(op.begin(), op.end(), '-', '_');
    return op;
}

PolicySetting resolved(const PolicySetting &policy, const ModelConfig &config)
{
    PolicySetting out = policy;
    const PolicyKind &kind = policyKind(policy.policy);
    out.settings = Params{kind.params, policy.settings}.all();
    if (kind.scope != PolicyScope::Generation) // which has no layers
        out.layers = layersOf(policy, config);
    return out;
}

} // namespace

Recipe resolved(const Recipe &recipe, const ModelConfig &config)
{
    validate(recipe, config);
    Recipe out = recipe;
    out.edits.clear();
    out.policies.clear();
    for (const Edit &edit : recipe.edits)
        if (edit.enabled) {
            Edit spelled = resolved(recipe, edit, config);
            if (!spelled.experts.empty() || !spelled.vectors.empty())
                out.edits.push_back(std::move(spelled));
        }
    for (const PolicySetting &policy : recipe.policies)
        if (policy.enabled) {
            PolicySetting spelled = resolved(policy, config);
            if (!spelled.layers.empty())
                out.policies.push_back(std::move(spelled));
        }
    return out;
}

std::vector<Intervention> interventionRows(const Recipe &recipe, const ModelConfig &config)
{
    std::vector<Intervention> rows;
    for (const Edit &edit : resolved(recipe, config).edits) {
        const std::string op = nameInTrace(edit.op);
        const Params params{interventionKind(edit.op).params, edit.settings};
        const double strength = params.realOr("strength", 0);
        for (const LayerExperts &at : edit.experts)
            for (const int expert : at.experts)
                rows.push_back({at.layer, expert, op, strength});
        for (const auto &[layer, vector] : edit.vectors)
            for (std::size_t e = 0; e < vector.size(); ++e)
                rows.push_back({layer, static_cast<int>(e), op, static_cast<double>(vector[e])});
    }
    return rows;
}

} // namespace expertscope
