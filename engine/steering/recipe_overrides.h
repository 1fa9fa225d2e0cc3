// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RecipeOverrides: a recipe made ready for one model: the overrides of the routing pipeline that do what it says.
#pragma once

#include "engine/core/recipe.h"
#include "engine/forward/model.h"
#include "engine/routing/stages.h"
#include "engine/steering/interventions.h"
#include "engine/steering/token_spans.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace expertscope {

/// What is switched off in the recipe is left out. At S1 the policies act first (temperature), then the edits in their order; where
/// two policies answer for the same stage of a row, the later one counts, and weights are normalised as the policy says that chose.
class RecipeOverrides final : public StageOverrides {
public:
    /// Model, backend and tokenizer must outlive this. The tokenizer may be null where no tokens are chosen by a pattern. labelColumns:
    /// names of the texts' further labels. Throws Error (Check) as validate() does.
    RecipeOverrides(
        const Recipe &recipe, const Model &model, Backend &backend, const Tokenizer *tokenizer, std::vector<std::string> labelColumns = {});

    void begin(std::span<const TokenSequence> sequences) override;
    void append(std::int32_t sequence, std::int32_t token) override;
    int runs(int layer) const override;
    const Weight *router(int layer) const override;
    int slotCount(int layer, const MoeFfn &rule) const override;
    bool variesCount() const override { return m_variesCount; }
    int firstLayer() const override;
    const RoutingChanges *changes(int layer) const override;
    std::uint64_t spansOf(const RoutingPlace &place) const override;
    void editLogits(const RoutingPlace &place, std::span<float> logits) const override;
    bool score(const RoutingPlace &place, std::span<const float> logits, std::span<float> scores) const override;
    bool choiceScore(const RoutingPlace &place, std::span<const float> scores, std::span<float> choice) const override;
    void editChoice(const RoutingPlace &place, std::span<float> choice) const override;
    bool select(const RoutingRow &row, std::vector<std::int32_t> &chosen) const override;
    bool rawWeights(const RoutingRow &row, std::span<const std::int32_t> chosen, std::span<float> weights) const override;
    bool normalise(const RoutingRow &row, std::span<float> weights) const override;
    void editWeights(const RoutingPlace &place, std::span<const std::int32_t> chosen, std::span<float> weights) const override;

private:
    struct LayerEdit {
        const InterventionKind *kind;
        RoutingEdit what;
        EditArguments with(std::span<const float> own) const { return {own, what.experts, what.vector, what.strength, what.epsilon}; }
    };
    struct LayerPolicy {
        const StageOverrides *policy;
        int span;
        bool selects;
    };
    struct Layer {
        std::vector<LayerEdit> edits;
        std::vector<LayerPolicy> policies;
        std::size_t excluded = 0; ///< experts that may be missing, at most
        std::optional<RoutingChanges> changes;
    };
    void addEdit(const Recipe &recipe, const Edit &edit, const ModelConfig &config);
    void addPolicy(const PolicySetting &setting, const Model &model, Backend &backend);
    /// Spells out Layer::changes where all of the layer can be.
    void listChanges(int layer, const MoeFfn &rule);
    const Layer &at(int layer) const { return m_layers[static_cast<std::size_t>(layer)]; }
    /// Asks the policies of a row from the last to the first until one answers.
    template<typename Ask>
    bool answered(const RoutingPlace &place, const Ask &ask) const;

    TokenSpans m_spans;
    std::vector<Layer> m_layers; ///< by the model's own number
    std::vector<std::shared_ptr<StageOverrides>> m_policies;
    bool m_variesCount = false;
};

} // namespace expertscope
