// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The list of policies, and those that leave the choice of experts to the model.
#include "engine/steering/policies.h"

#include "engine/core/error.h"
#include "engine/steering/fixed_random_router.h"
#include "engine/steering/selection_policies.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

namespace expertscope {

namespace {

/// The chosen experts share the sum of their scores equally.
class UniformWeights final : public StageOverrides {
public:
    bool rawWeights(const RoutingRow &row, std::span<const std::int32_t> chosen, std::span<float> weights) const override
    {
        const float sum = std::accumulate(chosen.begin(), chosen.end(), 0.0f,
            [&](float total, std::int32_t e) { return total + row.scores[static_cast<std::size_t>(e)]; });
        std::fill(weights.begin(), weights.end(), sum / static_cast<float>(chosen.size()));
        return true;
    }
    std::optional<RoutingPolicy> asEntry(const MoeFfn &) const override { return RoutingPolicy{.equalWeights = true}; }
};

class Temperature final : public StageOverrides {
public:
    explicit Temperature(double t)
        : m_t{static_cast<float>(t)}
    {
    }
    void editLogits(const RoutingPlace &, std::span<float> logits) const override
    {
        for (float &z : logits)
            z /= m_t;
    }
    std::optional<RoutingPolicy> asEntry(const MoeFfn &) const override { return RoutingPolicy{.temperature = m_t}; }

private:
    float m_t;
};

class SkipLayer final : public StageOverrides {
public:
    int runs(int) const override { return 0; }
    std::optional<RoutingPolicy> asEntry(const MoeFfn &) const override { return RoutingPolicy{}; }
};

class RepeatLayer final : public StageOverrides {
public:
    explicit RepeatLayer(const Params &params)
        : m_times{static_cast<int>(params.integer("times"))}
    {
    }
    int runs(int) const override { return m_times; }
    std::optional<RoutingPolicy> asEntry(const MoeFfn &) const override { return RoutingPolicy{}; }

private:
    int m_times;
};

PolicyKind skipLayerPolicy()
{
    return {"skip-layer", "Skip a layer", "The layer is left out, attention included.", "Dr.LLM, arXiv:2510.12773, by hand", {}, false,
        [](const Params &, const PolicyContext &) -> std::shared_ptr<StageOverrides> { return std::make_shared<SkipLayer>(); },
        PolicyScope::Layers};
}

PolicyKind repeatLayerPolicy()
{
    static const std::array params{ParamKind{"times", "Times", "How often the layer is run", ParamKind::Type::Integer, "2", 2, 16}};
    return {"repeat-layer", "Repeat a layer",
        "The layer is run on its own output, attention included, each time with its own keys and values. Recorded is the first time.",
        "Dr.LLM, arXiv:2510.12773, by hand", params, false,
        [](const Params &given, const PolicyContext &) -> std::shared_ptr<StageOverrides> { return std::make_shared<RepeatLayer>(given); },
        PolicyScope::Layers};
}

PolicyKind selfContrastPolicy()
{
    static const std::array params{
        ParamKind{"beta", "Strength", "How far the logits move away from the weak pass", ParamKind::Type::Real, "0.5", 0, 100},
        ParamKind{"alpha", "Plausible share", "Tokens less likely than this share of the likeliest one's probability are never drawn",
            ParamKind::Type::Real, "0.1", 1e-9, 1},
        ParamKind{"weak", "Weak pass", "One rank of the router's order in every layer, or one random expert", ParamKind::Type::Choice,
            "rank-k", 0, 0, "rank-k|random-1"},
        ParamKind{"rank", "Rank", "Of the weak pass; 1 is the router's first choice", ParamKind::Type::Integer, "2", 1, 65535},
        ParamKind{"seed", "Seed", "Of a random weak pass", ParamKind::Type::Integer, "42", 0, 1e15}};
    return {"self-contrast", "Self-contrast",
        "Each token is drawn from (1 + beta) z - beta z_weak, where z are the next-token logits and z_weak those of a second pass that "
        "gives "
        "every token a single expert. Both passes keep their own cache.",
        "Shi et al., SCMoE, arXiv:2405.14507", params, false, nullptr, PolicyScope::Generation, "rank"};
}

PolicyKind uniformWeightsPolicy()
{
    return {"uniform-weights", "Equal weights", "The chosen experts get equal weights with the same sum: what is left of the choice alone.",
        "Control of SMoE-Dropout, arXiv:2303.01610", {}, false,
        [](const Params &, const PolicyContext &) -> std::shared_ptr<StageOverrides> { return std::make_shared<UniformWeights>(); }};
}

PolicyKind temperaturePolicy()
{
    static const std::array params{ParamKind{"t", "Temperature", "The router logits are divided by this: above 1 flatter, below 1 sharper",
        ParamKind::Type::Real, "2", 1e-3, 1e3}};
    return {"temperature", "Router temperature",
        "The router logits are divided by t before anything else: the weights change, the choice does not.", "Softmax temperature", params,
        false, [](const Params &given, const PolicyContext &) -> std::shared_ptr<StageOverrides> {
            return std::make_shared<Temperature>(given.real("t"));
        }};
}

} // namespace

std::span<const PolicyKind> policyKinds()
{
    static const std::array kinds{topKPolicy(), topPPolicy(), minPPolicy(), entropyHybridPolicy(), rankKPolicy(), randomPolicy(),
        fixedRandomRouterPolicy(), uniformWeightsPolicy(), allExpertsPolicy(), nullThresholdPolicy(), temperaturePolicy(),
        skipLayerPolicy(), repeatLayerPolicy(), selfContrastPolicy()};
    return kinds;
}

const PolicyKind &policyKind(std::string_view id)
{
    const auto all = policyKinds();
    const auto found = std::find_if(all.begin(), all.end(), [&](const PolicyKind &kind) { return kind.id == id; });
    if (found != all.end())
        return *found;
    std::string known;
    for (const PolicyKind &kind : all)
        known += (known.empty() ? "" : ", ") + std::string{kind.id};
    throw Error{ErrorKind::Usage, "there is no policy \"" + std::string{id} + '"', "policy", "There are " + known};
}

} // namespace expertscope
