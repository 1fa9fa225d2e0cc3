// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/steering/selection_policies.h"

#include "engine/routing/pipeline.h"
#include "engine/steering/counter_random.h"
#include "engine/steering/weight_sum.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace expertscope {

namespace {

using Chosen = std::vector<std::int32_t>;

constexpr int unlimited = std::numeric_limits<int>::max();

constexpr ParamKind integerParam(
    std::string_view id, std::string_view title, std::string_view help, std::string_view standard, double least)
{
    return {id, title, help, ParamKind::Type::Integer, standard, least, 65535};
}
constexpr ParamKind shareParam(std::string_view id, std::string_view title, std::string_view help, std::string_view standard)
{
    return {id, title, help, ParamKind::Type::Real, standard, 0, 1};
}
constexpr ParamKind mostParam = integerParam("k_max", "Most experts", "Experts a token may get; 0 = all", "0", 0);
constexpr ParamKind leastParam = integerParam("k_min", "Fewest experts", "Experts a token gets at least", "1", 1);

/// What the selecting policies share: a fixed treatment of the sum, and at most `most` experts.
class Selection : public StageOverrides {
public:
    explicit Selection(WeightSum sum, std::int64_t most = unlimited)
        : m_sum{sum}
        , m_most{most <= 0 ? unlimited : static_cast<int>(most)}
    {
    }
    int slotCount(int, const MoeFfn &rule) const override { return std::min(m_most, rule.experts); }
    bool normalise(const RoutingRow &row, std::span<float> weights) const override { return normaliseWeights(m_sum, row, weights); }

protected:
    int most(const RoutingRow &row) const { return slotCount(row.place.layer, row.rule); }
    RoutingPolicy bestOf(int count) const { return {.take = count, .sum = m_sum}; }

private:
    WeightSum m_sum;
    int m_most;
};

float scoreOf(const RoutingRow &row, std::int32_t expert)
{
    return row.scores[static_cast<std::size_t>(expert)];
}

/// 1 for a softmax, up to rounding that must not move a threshold.
double totalScore(const RoutingRow &row)
{
    return row.rule.score == ScoreFunction::Softmax ? 1.0 : std::accumulate(row.scores.begin(), row.scores.end(), 0.0);
}

class TopK final : public Selection {
public:
    explicit TopK(const Params &params)
        : Selection{weightSum(params.text("sum")), params.integer("k")}
    {
    }
    bool select(const RoutingRow &row, Chosen &chosen) const override
    {
        topK(row.choice, most(row), chosen);
        return true;
    }
    std::optional<RoutingPolicy> asEntry(const MoeFfn &rule) const override { return bestOf(slotCount(0, rule)); }
};

class TopP final : public Selection {
public:
    explicit TopP(const Params &params)
        : Selection{params.text("variant") == "include-raw" ? WeightSum::Raw : WeightSum::Renormalise, params.integer("k_max")}
        , m_mass{params.real("theta")}
        , m_least{static_cast<std::size_t>(params.integer("k_min"))}
        , m_capAtK{params.text("variant") == "cap-renormalise"}
    {
    }
    int slotCount(int layer, const MoeFfn &rule) const override
    {
        const int most = Selection::slotCount(layer, rule);
        return m_capAtK ? std::min(most, rule.topK) : most;
    }
    bool select(const RoutingRow &row, Chosen &chosen) const override
    {
        topK(row.choice, most(row), chosen);
        const double wanted = m_mass * totalScore(row);
        double mass = 0;
        std::size_t n = 0;
        while (n < chosen.size() && (n < m_least || mass <= wanted))
            mass += static_cast<double>(scoreOf(row, chosen[n++]));
        chosen.resize(n);
        return true;
    }

private:
    double m_mass;
    std::size_t m_least;
    bool m_capAtK;
};

class MinP final : public Selection {
public:
    explicit MinP(const Params &params)
        : Selection{weightSum(params.text("sum")), params.integer("k_max")}
        , m_ratio{static_cast<float>(params.real("ratio"))}
        , m_least{static_cast<std::size_t>(params.integer("k_min"))}
    {
    }
    bool select(const RoutingRow &row, Chosen &chosen) const override
    {
        topK(row.choice, most(row), chosen);
        const float bar = m_ratio * *std::max_element(row.scores.begin(), row.scores.end());
        std::size_t rank = 0;
        std::erase_if(chosen, [&](std::int32_t e) { return rank++ >= m_least && scoreOf(row, e) < bar; });
        return true;
    }

private:
    float m_ratio;
    std::size_t m_least;
};

class EntropyHybrid final : public Selection {
public:
    explicit EntropyHybrid(const Params &params)
        : Selection{WeightSum::Raw}
        , m_order{params.real("q")}
        , m_threshold{params.real("threshold")}
        , m_mass{params.real("top_p")}
        , m_keep{static_cast<std::size_t>(params.integer("keep_top_k"))}
    {
    }
    bool select(const RoutingRow &row, Chosen &chosen) const override
    {
        topK(row.choice, most(row), chosen);
        if (relativeEntropy(row) > m_threshold)
            return true;
        const double wanted = m_mass * totalScore(row);
        double mass = 0;
        std::size_t rank = 0;
        std::erase_if(chosen, [&](std::int32_t e) {
            mass += static_cast<double>(scoreOf(row, e));
            return rank++ >= m_keep && mass > wanted;
        });
        return true;
    }

private:
    /// Tsallis entropy of order q over its largest value; Shannon's where q is 1.
    double relativeEntropy(const RoutingRow &row) const
    {
        const double total = totalScore(row);
        const auto experts = static_cast<double>(row.scores.size());
        const bool shannon = std::abs(m_order - 1) < 1e-9;
        double sum = 0;
        for (float s : row.scores) {
            const double p = static_cast<double>(s) / total;
            if (p > 0)
                sum += shannon ? -p * std::log(p) : std::pow(p, m_order);
        }
        if (experts < 2)
            return 0;
        return shannon ? sum / std::log(experts) : (1 - sum) / (1 - std::pow(experts, 1 - m_order));
    }

    double m_order, m_threshold, m_mass;
    std::size_t m_keep;
};

class RankK final : public Selection {
public:
    explicit RankK(const Params &params)
        : Selection{weightSum(params.text("sum")), 1}
        , m_rank{static_cast<int>(params.integer("rank"))}
    {
    }
    bool select(const RoutingRow &row, Chosen &chosen) const override
    {
        topK(row.choice, std::min(m_rank, row.rule.experts), chosen);
        chosen = {chosen.back()};
        return true;
    }

private:
    int m_rank;
};

class Random final : public Selection {
public:
    explicit Random(const Params &params)
        : Selection{weightSum(params.text("sum")), params.integer("n")}
        , m_perToken{params.text("per") == "token"}
        , m_seed{static_cast<std::uint64_t>(params.integer("seed"))}
    {
    }
    void begin(std::span<const TokenSequence> sequences) override
    {
        m_keys.clear();
        for (const TokenSequence &sequence : sequences)
            m_keys.push_back(sequence.info.id.empty() ? m_keys.size() : hashOf(sequence.info.id));
    }
    bool select(const RoutingRow &row, Chosen &chosen) const override
    {
        const RoutingPlace &place = row.place;
        const auto sequence = static_cast<std::size_t>(place.sequence);
        CounterRandom random{m_seed, sequence < m_keys.size() ? m_keys[sequence] : sequence,
            m_perToken ? static_cast<std::uint64_t>(place.position) + 1 : 0, static_cast<std::uint64_t>(place.layer)};
        chosen.resize(row.choice.size());
        std::iota(chosen.begin(), chosen.end(), 0);
        const auto wanted = static_cast<std::size_t>(most(row));
        for (std::size_t i = 0; i < wanted; ++i)
            std::swap(chosen[i], chosen[i + random.below(chosen.size() - i)]);
        chosen.resize(wanted);
        return true;
    }

private:
    bool m_perToken;
    std::uint64_t m_seed;
    std::vector<std::uint64_t> m_keys; ///< of each sequence: its name, so that it does not matter with which others it is run
};

class AllExperts final : public Selection {
public:
    explicit AllExperts(const Params &params)
        : Selection{weightSum(params.text("sum"))}
    {
    }
    bool select(const RoutingRow &row, Chosen &chosen) const override
    {
        topK(row.choice, row.rule.experts, chosen);
        return true;
    }
    std::optional<RoutingPolicy> asEntry(const MoeFfn &rule) const override { return bestOf(rule.experts); }
};

class NullThreshold final : public Selection {
public:
    explicit NullThreshold(const Params &params)
        : Selection{weightSum(params.text("sum"))}
        , m_bar{static_cast<float>(params.real("tau"))}
    {
    }
    int slotCount(int, const MoeFfn &rule) const override { return rule.topK; }
    bool select(const RoutingRow &row, Chosen &chosen) const override
    {
        topK(row.choice, row.rule.topK, chosen);
        std::erase_if(chosen, [&](std::int32_t e) { return row.logits[static_cast<std::size_t>(e)] < m_bar; });
        return true;
    }

private:
    float m_bar;
};

template<typename Policy>
std::shared_ptr<StageOverrides> made(const Params &params, const PolicyContext &)
{
    return std::make_shared<Policy>(params);
}

} // namespace

PolicyKind topKPolicy()
{
    static const std::array params{
        integerParam("k", "Experts per token", "In the place of the model's own k", "2", 1), weightSumParam("as-model")};
    return {"top-k", "Other k",
        "Each token takes k experts. The sum of weights is as the model makes it, 1, or what it was with the model's own k.",
        "The rule of the families with another k", params, true, made<TopK>, PolicyScope::Rows, "k"};
}

PolicyKind topPPolicy()
{
    static const std::array params{shareParam("theta", "Probability", "Experts are taken until their scores sum to more than this", "0.4"),
        ParamKind{"variant", "Variant",
            "The crossing expert is taken and weights stay raw; the same, at most the model's own k, normalised; the same without that "
            "limit",
            ParamKind::Type::Choice, "include-raw", 0, 0, "include-raw|cap-renormalise|include-renormalise"},
        mostParam, leastParam};
    return {"top-p", "Top-p", "The smallest set of the best experts whose scores sum to more than theta: more experts for harder tokens.",
        "Huang et al., Harder Tasks Need More Experts, arXiv:2403.07652; capped: SCMoE's baseline, arXiv:2405.14507; "
        "normalised: BlockFFN's baseline, arXiv:2507.08771",
        params, true, made<TopP>};
}

PolicyKind minPPolicy()
{
    static const std::array params{
        shareParam("ratio", "Ratio", "An expert is taken if its score is at least this share of the best one's", "0.3"),
        weightSumParam("as-model"), mostParam, leastParam};
    return {"min-p", "Min-p", "All experts whose score is at least a share of the best expert's.",
        "Min-p sampling (Nguyen et al., arXiv:2407.01082) applied to experts", params, true, made<MinP>};
}

PolicyKind entropyHybridPolicy()
{
    static const std::array params{
        ParamKind{"q", "Order q", "Of the Tsallis entropy; 1 is Shannon's", ParamKind::Type::Real, "1.1", 0.01, 10},
        shareParam("threshold", "Threshold", "Above this share of the largest entropy, all experts are used", "0.9"),
        shareParam("top_p", "Probability", "Below it, experts are taken while their scores sum to at most this", "0.75"),
        integerParam("keep_top_k", "Always kept", "The best experts that are taken in any case", "2", 1)};
    return {"entropy-hybrid", "Entropy hybrid",
        "All experts where the router is undecided; else the best ones whose scores sum to at most top_p, and always the first few. "
        "Weights are the raw scores.",
        "DynMoLE, arXiv:2504.00661", params, true, made<EntropyHybrid>};
}

PolicyKind rankKPolicy()
{
    static const std::array params{integerParam("rank", "Rank", "1 is the router's first choice", "2", 1), weightSumParam("as-model")};
    return {"rank-k", "One rank only", "Only the expert at one rank of the router's order.",
        "Shi et al., SCMoE, arXiv:2405.14507: the weak pass", params, true, made<RankK>, PolicyScope::Rows, "rank"};
}

PolicyKind randomPolicy()
{
    static const std::array params{integerParam("n", "Experts", "Experts drawn", "1", 1),
        ParamKind{"per", "Drawn for", "Each token anew, or once for a sequence and layer", ParamKind::Type::Choice, "token", 0, 0,
            "token|sequence"},
        ParamKind{"seed", "Seed", "Of the draws", ParamKind::Type::Integer, "42", 0, 1e15}, weightSumParam("as-model")};
    return {"random", "Random experts", "Experts drawn at random without looking at the router, which only weighs them: a control.",
        "THOR, arXiv:2110.04260", params, true, made<Random>, PolicyScope::Rows, "n"};
}

PolicyKind allExpertsPolicy()
{
    static const std::array params{weightSumParam("as-model")};
    return {"all-experts", "All experts", "Every expert, weighted by its score.", "The dense limit of the rule", params, true,
        made<AllExperts>};
}

PolicyKind nullThresholdPolicy()
{
    static const std::array params{
        ParamKind{"tau", "Null logit", "The router logit of the experts that do nothing", ParamKind::Type::Real, "0", -1e6, 1e6},
        weightSumParam("renormalise")};
    return {"null-threshold", "Null experts",
        "As if k experts that do nothing competed with a fixed router logit: of the model's k, those below it are dropped.",
        "AdaMoE, arXiv:2406.13233, imitated without its training", params, true, made<NullThreshold>};
}

} // namespace expertscope
