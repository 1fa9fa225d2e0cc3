// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/steering/recipe_overrides.h"

#include "engine/steering/policies.h"
#include "engine/steering/validate.h"

#include <algorithm>

namespace expertscope {

RecipeOverrides::RecipeOverrides(
    const Recipe &recipe, const Model &model, Backend &backend, const Tokenizer *tokenizer, std::vector<std::string> labelColumns)
    : m_spans{tokenizer, std::move(labelColumns)}
    , m_layers(model.config().layers.size())
{
    validate(recipe, model.config());
    for (const Edit &edit : recipe.edits)
        if (edit.enabled)
            addEdit(recipe, edit, model.config());
    for (const PolicySetting &setting : recipe.policies)
        if (setting.enabled)
            addPolicy(setting, model, backend);
    for (int layer : model.config().moeLayers())
        listChanges(layer, *model.config().layers[static_cast<std::size_t>(layer)].moe());
}

void RecipeOverrides::addEdit(const Recipe &recipe, const Edit &edit, const ModelConfig &config)
{
    const InterventionKind &kind = interventionKind(edit.op);
    const Params params{kind.params, edit.settings};
    const int span = m_spans.add(edit.tokens, edit.phase);
    for (int layer : config.moeLayers()) {
        const MoeFfn &rule = *config.layers[static_cast<std::size_t>(layer)].moe();
        RoutingEdit made{
            kind.op, span, {}, {}, static_cast<float>(params.realOr("strength", 0)), static_cast<float>(params.realOr("epsilon", 0))};
        made.experts = kind.forces ? forcedIn(recipe, edit, layer, rule) : expertsIn(edit, layer, rule);
        if (const auto vector = edit.vectors.find(layer); vector != edit.vectors.end())
            made.vector = vector->second;
        if (made.experts.empty() && made.vector.empty())
            continue;
        Layer &at = m_layers[static_cast<std::size_t>(layer)];
        at.excluded += kind.editChoice ? made.experts.size() : 0;
        m_variesCount = m_variesCount || at.excluded + static_cast<std::size_t>(rule.topK) > static_cast<std::size_t>(rule.experts);
        at.edits.push_back({&kind, std::move(made)});
    }
}

void RecipeOverrides::addPolicy(const PolicySetting &setting, const Model &model, Backend &backend)
{
    const PolicyKind &kind = policyKind(setting.policy);
    if (kind.scope == PolicyScope::Generation)
        return;
    const std::vector<int> layers = layersOf(setting, model.config());
    m_policies.push_back(kind.make(Params{kind.params, setting.settings}, {model, backend, layers}));
    m_variesCount = m_variesCount || kind.selects || kind.scope == PolicyScope::Layers;
    const int span = m_spans.add(setting.tokens, setting.phase);
    for (int layer : layers)
        m_layers[static_cast<std::size_t>(layer)].policies.push_back({m_policies.back().get(), span, kind.selects});
}

void RecipeOverrides::listChanges(int layer, const MoeFfn &rule)
{
    Layer &at = m_layers[static_cast<std::size_t>(layer)];
    if (m_spans.count() > maxRoutingSpans || router(layer))
        return;
    RoutingChanges made;
    for (const LayerPolicy &policy : at.policies) {
        std::optional<RoutingPolicy> entry = policy.policy->asEntry(rule);
        if (!entry)
            return;
        entry->span = policy.span;
        made.policies.push_back(*entry);
    }
    for (const LayerEdit &edit : at.edits)
        made.edits.push_back(edit.what);
    made.slotCount = slotCount(layer, rule);
    at.changes = std::move(made);
}

const RoutingChanges *RecipeOverrides::changes(int layer) const
{
    const std::optional<RoutingChanges> &listed = at(layer).changes;
    return listed ? &*listed : nullptr;
}

std::uint64_t RecipeOverrides::spansOf(const RoutingPlace &place) const
{
    std::uint64_t bits = 0;
    for (int span = 0; span < std::min(m_spans.count(), maxRoutingSpans); ++span)
        bits |= std::uint64_t{m_spans.contains(span, place)} << span;
    return bits;
}

void RecipeOverrides::begin(std::span<const TokenSequence> sequences)
{
    m_spans.begin(sequences);
    for (const auto &policy : m_policies)
        policy->begin(sequences);
}

void RecipeOverrides::append(std::int32_t sequence, std::int32_t token)
{
    m_spans.append(sequence, token);
    for (const auto &policy : m_policies)
        policy->append(sequence, token);
}

int RecipeOverrides::runs(int layer) const
{
    const std::vector<LayerPolicy> &policies = at(layer).policies;
    const auto last = std::find_if(policies.rbegin(), policies.rend(), [&](const LayerPolicy &at) { return at.policy->runs(layer) != 1; });
    return last == policies.rend() ? 1 : last->policy->runs(layer);
}

const Weight *RecipeOverrides::router(int layer) const
{
    const std::vector<LayerPolicy> &policies = at(layer).policies;
    const auto last = std::find_if(policies.rbegin(), policies.rend(), [&](const LayerPolicy &at) { return at.policy->router(layer); });
    return last == policies.rend() ? nullptr : last->policy->router(layer);
}

int RecipeOverrides::slotCount(int layer, const MoeFfn &rule) const
{
    int most = 0;
    bool always = false; // whether some policy chooses for every row
    for (const LayerPolicy &at : at(layer).policies)
        if (at.selects) {
            most = std::max(most, at.policy->slotCount(layer, rule));
            always = always || m_spans.isEverything(at.span);
        }
    return always ? most : std::max(most, rule.topK);
}

int RecipeOverrides::firstLayer() const
{
    const auto first =
        std::find_if(m_layers.begin(), m_layers.end(), [](const Layer &layer) { return !layer.edits.empty() || !layer.policies.empty(); });
    return static_cast<int>(first - m_layers.begin());
}

template<typename Ask>
bool RecipeOverrides::answered(const RoutingPlace &place, const Ask &ask) const
{
    const std::vector<LayerPolicy> &policies = at(place.layer).policies;
    return std::any_of(
        policies.rbegin(), policies.rend(), [&](const LayerPolicy &at) { return m_spans.contains(at.span, place) && ask(at); });
}

void RecipeOverrides::editLogits(const RoutingPlace &place, std::span<float> logits) const
{
    const Layer &layer = at(place.layer);
    for (const LayerPolicy &at : layer.policies)
        if (m_spans.contains(at.span, place))
            at.policy->editLogits(place, logits);
    std::vector<float> own; // copied when the first edit comes
    for (const LayerEdit &edit : layer.edits) {
        if (!edit.kind->editLogits || !m_spans.contains(edit.what.span, place))
            continue;
        if (own.empty())
            own.assign(logits.begin(), logits.end());
        edit.kind->editLogits(edit.with(own), logits);
    }
}

bool RecipeOverrides::score(const RoutingPlace &place, std::span<const float> logits, std::span<float> scores) const
{
    return answered(place, [&](const LayerPolicy &at) { return at.policy->score(place, logits, scores); });
}

bool RecipeOverrides::choiceScore(const RoutingPlace &place, std::span<const float> scores, std::span<float> choice) const
{
    return answered(place, [&](const LayerPolicy &at) { return at.policy->choiceScore(place, scores, choice); });
}

void RecipeOverrides::editChoice(const RoutingPlace &place, std::span<float> choice) const
{
    for (const LayerEdit &edit : at(place.layer).edits)
        if (edit.kind->editChoice && m_spans.contains(edit.what.span, place))
            edit.kind->editChoice(edit.with({}), choice);
}

bool RecipeOverrides::select(const RoutingRow &row, std::vector<std::int32_t> &chosen) const
{
    return answered(row.place, [&](const LayerPolicy &at) { return at.policy->select(row, chosen); });
}

bool RecipeOverrides::rawWeights(const RoutingRow &row, std::span<const std::int32_t> chosen, std::span<float> weights) const
{
    return answered(row.place, [&](const LayerPolicy &at) { return at.policy->rawWeights(row, chosen, weights); });
}

bool RecipeOverrides::normalise(const RoutingRow &row, std::span<float> weights) const
{
    bool normalised = false;
    answered(row.place, [&](const LayerPolicy &at) { // the one that chose is asked, and nobody after it
        normalised = at.policy->normalise(row, weights);
        return normalised || at.selects;
    });
    return normalised;
}

void RecipeOverrides::editWeights(const RoutingPlace &place, std::span<const std::int32_t> chosen, std::span<float> weights) const
{
    for (const LayerEdit &edit : at(place.layer).edits)
        if (edit.kind->editWeights && m_spans.contains(edit.what.span, place))
            edit.kind->editWeights(edit.with({}), chosen, weights);
}

} // namespace expertscope
