// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Steered runs of the golden checkpoints: short ways to write recipes and texts, and what a run gave.
#pragma once

#include "engine/core/memory_trace.h"
#include "engine/steering/compiled_recipe.h"
#include "engine/text/tokenizer.h"
#include "golden.h"

#include <QObject>

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace expertscope {

/// "a" for token 0, "b" for token 1, ... and "é" cut in two for tokens 30 and 31.
struct Letters : Tokenizer {
    std::vector<std::int32_t> encode(std::string_view, bool) const override { return {}; }
    std::string decode(std::span<const std::int32_t>, bool) const override { return {}; }
    std::string tokenBytes(std::int32_t id) const override
    {
        return id == 30 ? "\xC3" : id == 31 ? "\xA9" : std::string(1, static_cast<char>('a' + id % 26));
    }
    bool isSpecial(std::int32_t) const override { return false; }
    std::optional<std::int32_t> idOf(std::string_view) const override { return {}; }
    std::int32_t vocabSize() const override { return 126; }
};

inline TokenSequence sequence(const std::string &id, std::int64_t length, std::int64_t nPrompt = -1)
{
    TokenSequence out;
    out.info.id = id;
    for (std::int64_t i = 0; i < length; ++i)
        out.tokens.push_back(static_cast<std::int32_t>((i * 37 + 11 + static_cast<std::int64_t>(id.size()) * 5) % 126));
    out.nPrompt = nPrompt < 0 ? length : nPrompt;
    return out;
}

inline Edit edit(const std::string &op, std::vector<LayerExperts> experts, ParamValues settings = {}, TokenSpan tokens = {},
    RunPhase phase = RunPhase::Both)
{
    Edit made;
    made.op = op;
    made.experts = std::move(experts);
    made.settings = std::move(settings);
    made.tokens = std::move(tokens);
    made.phase = phase;
    return made;
}

inline PolicySetting policy(const std::string &id, ParamValues settings = {}, std::vector<int> layers = {everyLayer})
{
    PolicySetting made;
    made.policy = id;
    made.settings = std::move(settings);
    made.layers = std::move(layers);
    return made;
}

inline Recipe recipe(std::vector<Edit> edits, std::vector<PolicySetting> policies = {})
{
    Recipe made;
    made.edits = std::move(edits);
    made.policies = std::move(policies);
    return made;
}

inline const LayerExperts everyExpert{everyLayer, true, {}};

inline bool sameBits(const std::vector<float> &a, const std::vector<float> &b)
{
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

inline RunSpec withLogits()
{
    RunSpec spec;
    spec.capture.routerLogits = true;
    return spec;
}

/// Loads each model once and runs texts through it.
class SteeredRuns : public QObject {
protected:
    std::unique_ptr<Backend> m_backend = makeBackend("cpu");
    std::map<std::string, std::shared_ptr<const Model>> m_models;
    const Letters m_letters;
    SteeringLog m_log;
    KeptLayers *m_kept = nullptr;

    const Model &model(const std::string &name = "olmoe")
    {
        auto &loaded = m_models[name];
        if (!loaded)
            loaded = Model::load(Golden{name}.files(), *m_backend, {});
        return *loaded;
    }

    std::shared_ptr<MemoryTrace> trace(const Model &model, const std::vector<TokenSequence> &sequences, const Recipe *recipe,
        RunSpec spec = {}, std::vector<std::string> labelColumns = {})
    {
        std::optional<CompiledRecipe> compiled;
        m_log = {};
        if (recipe)
            compiled.emplace(*recipe, model, *m_backend, &m_letters, labelColumns);
        Steering steering = compiled ? compiled->steering(&m_log) : Steering{.log = &m_log};
        steering.kept = m_kept;
        auto memory = std::make_shared<MemoryTrace>();
        TraceMeta meta = traceMeta(model, *m_backend, spec, steering);
        meta.labelColumns = labelColumns;
        memory->begin(meta);
        traceSequences(model, *m_backend, sequences, spec, nullptr, *memory, {}, steering);
        memory->finish({});
        return memory;
    }

    /// The residual stream after every layer and the output, of a batch of one sequence.
    std::map<std::string, std::vector<float>> states(const Model &model, const TokenSequence &sequence, const Recipe *recipe)
    {
        std::optional<RecipeOverrides> overrides;
        if (recipe) {
            overrides.emplace(*recipe, model, *m_backend, &m_letters);
            overrides->begin({&sequence, 1});
        }
        Capturer captured{*m_backend};
        Forward forward{model, *m_backend, overrides ? &*overrides : nullptr, &captured};
        Batch batch;
        batch.append(0, sequence.tokens, 0, -1);
        forward.run(batch, nullptr, {});
        return captured.floats;
    }

    static std::vector<ExpertId> ids(const RoutingTrace &trace, int layer)
    {
        std::vector<ExpertId> out(static_cast<std::size_t>(trace.meta().tokens * trace.meta().slotCount));
        trace.expertIds({0, trace.meta().tokens}, layer, out);
        return out;
    }
    static std::vector<float> weights(const RoutingTrace &trace, int layer)
    {
        std::vector<float> out(static_cast<std::size_t>(trace.meta().tokens * trace.meta().slotCount));
        trace.gateWeights({0, trace.meta().tokens}, layer, out);
        return out;
    }
};

} // namespace expertscope
