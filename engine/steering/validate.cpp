// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/steering/validate.h"

#include "engine/core/error.h"
#include "engine/steering/interventions.h"
#include "engine/steering/policies.h"
#include "engine/text/regex.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace expertscope {

namespace {

[[noreturn]] void wrong(const std::string &what, const std::string &where, const std::string &remedy)
{
    throw Error{ErrorKind::Check, what, where, remedy};
}

/// The same failure, said of a place in the recipe.
[[noreturn]] void wrongIn(const Error &error, const std::string &place)
{
    throw Error{ErrorKind::Check, error.message, error.where.empty() ? place : place + ", " + error.where, error.remedy};
}

/// "0-15", or "1, 3, 5" where they are not one run.
std::string listed(const std::vector<int> &layers)
{
    if (layers.empty())
        return "none";
    if (layers.back() - layers.front() + 1 == std::ssize(layers))
        return std::to_string(layers.front()) + '-' + std::to_string(layers.back());
    std::string text;
    for (int layer : layers)
        text += (text.empty() ? "" : ", ") + std::to_string(layer);
    return text;
}

void checkSpan(const TokenSpan &span, const std::string &place)
{
    if (span.kind == TokenSpan::Kind::Label && span.label.empty())
        wrong("the label has no name", place + ", tokens", "Name the label, for example \"language\"");
    if (span.kind == TokenSpan::Kind::Position && span.position < 0)
        wrong("the position is below 0", place + ", tokens", "Positions begin at 0");
    if (span.kind != TokenSpan::Kind::Pattern)
        return;
    if (span.pattern.empty())
        wrong("the pattern is empty", place + ", tokens", "Give a regular expression");
    try {
        const Regex regex{span.pattern, Regex::ofRecipe};
    } catch (const Error &error) {
        wrongIn(error, place);
    }
}

void checkEdit(const Edit &edit, const std::string &place)
{
    try {
        const InterventionKind &kind = interventionKind(edit.op);
        const Params params{kind.params, edit.settings};
        if (kind.takesVectors != edit.experts.empty() || kind.takesVectors == edit.vectors.empty())
            wrong(kind.takesVectors ? "it takes vectors, not experts" : "it takes experts, not vectors", {},
                kind.takesVectors ? "Give \"vectors\": a layer and its numbers, one for each expert"
                                  : "Give \"experts\": a layer and its experts");
    } catch (const Error &error) {
        wrongIn(error, place);
    }
    for (const auto &[layer, vector] : edit.vectors)
        if (!std::all_of(vector.begin(), vector.end(), [](float v) { return std::isfinite(v); }))
            wrong("a number of the vector is not finite", place + ", layer " + std::to_string(layer), "Give finite numbers");
    checkSpan(edit.tokens, place);
}

void checkPolicy(const PolicySetting &policy, const std::string &place)
{
    try {
        const PolicyKind &kind = policyKind(policy.policy);
        const Params params{kind.params, policy.settings};
    } catch (const Error &error) {
        wrongIn(error, place);
    }
    if (policy.layers.empty())
        wrong("it names no layers", place, "Give \"*\" or a list of layers");
    checkSpan(policy.tokens, place);
    const PolicyScope scope = policyKind(policy.policy).scope;
    if (scope != PolicyScope::Rows && (policy.tokens != TokenSpan{} || policy.phase != RunPhase::Both))
        wrong("it acts on all tokens", place, "Leave out \"tokens\" and \"phase\"");
    if (scope == PolicyScope::Generation && policy.layers != std::vector<int>{everyLayer})
        wrong("it acts on the whole model", place, "Leave out \"layers\"");
}

void checkModel(const RecipeModel &made, const ModelConfig &config)
{
    const auto differs = [](const char *what, const std::string &madeFor, const std::string &open) {
        wrong("it was made for a model with " + std::string{what} + ' ' + madeFor + ", and this one has " + open, "recipe, model",
            "Open the model it was made for, or take \"model\" out of the recipe if its layers and experts mean the same here");
    };
    if (!made.family.empty() && made.family != config.family)
        differs("family", made.family, config.family);
    const auto compare = [&](const char *what, int madeFor, int open) {
        if (madeFor != 0 && madeFor != open)
            differs(what, std::to_string(madeFor), std::to_string(open));
    };
    compare("layers", made.layers, static_cast<int>(config.layers.size()));
    compare("experts", made.experts, config.maxExperts());
    compare("top_k", made.topK, config.maxTopK());
}

void anyLayer(const ModelConfig &config, int layer, const std::string &place)
{
    if (layer < 0 || layer >= static_cast<int>(config.layers.size()))
        wrong("layer " + std::to_string(layer) + " does not exist", place,
            "The model's layers are 0-" + std::to_string(config.layers.size() - 1));
}

const MoeFfn &moeLayer(const ModelConfig &config, int layer, const std::string &place)
{
    anyLayer(config, layer, place);
    const MoeFfn *moe = config.layers[static_cast<std::size_t>(layer)].moe();
    if (!moe)
        wrong("layer " + std::to_string(layer) + " has no experts", place, "The model's MoE layers are " + listed(config.moeLayers()));
    return *moe;
}

void checkExperts(const Edit &edit, const ModelConfig &config, const std::string &place)
{
    for (const LayerExperts &at : edit.experts) {
        const std::vector<int> layers = at.layer == everyLayer ? config.moeLayers() : std::vector<int>{at.layer};
        for (int layer : layers) {
            const MoeFfn &rule = moeLayer(config, layer, place);
            for (int expert : at.experts)
                if (expert < 0 || expert >= rule.experts)
                    wrong("expert " + std::to_string(expert) + " of layer " + std::to_string(layer) + " does not exist", place,
                        "The layer's experts are 0-" + std::to_string(rule.experts - 1));
        }
    }
    for (const auto &[layer, vector] : edit.vectors)
        if (const MoeFfn &rule = moeLayer(config, layer, place); std::ssize(vector) != rule.experts)
            wrong("the vector of layer " + std::to_string(layer) + " has " + std::to_string(vector.size()) + " numbers", place,
                "Give one for each of the layer's " + std::to_string(rule.experts) + " experts");
}

void checkExpertCount(const PolicySetting &policy, const ModelConfig &config, const std::string &place)
{
    const PolicyKind &kind = policyKind(policy.policy);
    if (kind.expertCount.empty())
        return;
    const std::int64_t count = Params{kind.params, policy.settings}.integer(kind.expertCount);
    for (int layer : layersOf(policy, config))
        if (const MoeFfn &rule = moeLayer(config, layer, place); count > rule.experts)
            wrong(std::string{kind.expertCount} + " is " + std::to_string(count), place + ", layer " + std::to_string(layer),
                "The layer has " + std::to_string(rule.experts) + " experts");
}

/// Does `outer` act on every token that `inner` acts on?
bool contains(const Edit &outer, const Edit &inner)
{
    return (outer.tokens.kind == TokenSpan::Kind::All || outer.tokens == inner.tokens)
        && (outer.phase == RunPhase::Both || outer.phase == inner.phase);
}

} // namespace

std::string nameOf(const Recipe &recipe, const Edit &edit)
{
    return "edit " + std::to_string(&edit - recipe.edits.data() + 1) + " (" + edit.op + ')';
}

std::string nameOf(const Recipe &recipe, const PolicySetting &policy)
{
    return "policy " + std::to_string(&policy - recipe.policies.data() + 1) + " (" + policy.policy + ')';
}

std::vector<std::int32_t> expertsIn(const Edit &edit, int layer, const MoeFfn &rule)
{
    std::vector<std::int32_t> experts;
    const auto append = [&](std::int32_t expert) {
        if (std::find(experts.begin(), experts.end(), expert) == experts.end())
            experts.push_back(expert);
    };
    for (const LayerExperts &at : edit.experts) {
        if (at.layer != layer && at.layer != everyLayer)
            continue;
        if (at.all)
            for (std::int32_t e = 0; e < rule.experts; ++e)
                append(e);
        else
            std::for_each(at.experts.begin(), at.experts.end(), append);
    }
    return experts;
}

std::vector<int> layersOf(const PolicySetting &policy, const ModelConfig &config)
{
    std::set<int> layers;
    for (int layer : policy.layers) {
        if (layer == everyLayer) {
            const std::vector<int> moe = config.moeLayers();
            layers.insert(moe.begin(), moe.end());
        } else {
            layers.insert(layer);
        }
    }
    return {layers.begin(), layers.end()};
}

std::vector<std::int32_t> forcedIn(const Recipe &recipe, const Edit &edit, int layer, const MoeFfn &rule)
{
    std::set<std::int32_t> forced;
    for (const Edit &before : recipe.edits) {
        if (&before == &edit)
            break;
        if (before.enabled && interventionKind(before.op).forces && contains(before, edit)) {
            const auto more = expertsIn(before, layer, rule);
            forced.insert(more.begin(), more.end());
        }
    }
    std::vector<std::int32_t> experts = expertsIn(edit, layer, rule);
    const auto room = static_cast<std::size_t>(rule.topK);
    const auto beyond = [&](std::int32_t expert) {
        if (forced.contains(expert))
            return false;
        if (forced.size() >= room)
            return true;
        forced.insert(expert);
        return false;
    };
    const std::size_t wanted = experts.size();
    const std::size_t before = forced.size();
    std::erase_if(experts, beyond);
    if (experts.size() < wanted && Params{interventionKind(edit.op).params, edit.settings}.text("extra") == "error")
        wrong("it forces " + std::to_string(wanted) + " experts in layer " + std::to_string(layer)
                + (before ? " where " + std::to_string(before) + " are forced already" : ""),
            nameOf(recipe, edit), "The layer takes " + std::to_string(rule.topK) + " a token: name fewer, or set \"extra\" to \"skip\"");
    return experts;
}

void validate(const Recipe &recipe)
{
    for (const Edit &edit : recipe.edits)
        checkEdit(edit, nameOf(recipe, edit));
    for (const PolicySetting &policy : recipe.policies)
        checkPolicy(policy, nameOf(recipe, policy));
}

void validate(const Recipe &recipe, const ModelConfig &config)
{
    validate(recipe);
    checkModel(recipe.model, config);
    for (const Edit &edit : recipe.edits) {
        checkExperts(edit, config, nameOf(recipe, edit));
        if (edit.enabled && interventionKind(edit.op).forces)
            for (int layer : config.moeLayers())
                forcedIn(recipe, edit, layer, moeLayer(config, layer, nameOf(recipe, edit)));
    }
    for (const PolicySetting &policy : recipe.policies) {
        for (int layer : policy.layers)
            if (layer != everyLayer && policyKind(policy.policy).scope == PolicyScope::Layers)
                anyLayer(config, layer, nameOf(recipe, policy));
            else if (layer != everyLayer)
                moeLayer(config, layer, nameOf(recipe, policy));
        checkExpertCount(policy, config, nameOf(recipe, policy));
    }
}

} // namespace expertscope
