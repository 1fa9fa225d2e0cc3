// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/steering/resolved.h"

#include "engine/steering/interventions.h"
#include "engine/steering/policies.h"
#include "engine/steering/validate.h"

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

} // namespace expertscope
