// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/routing/pipeline.h"

#include "engine/core/error.h"
#include "engine/core/parallel.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace expertscope {

namespace {

std::string where(const RoutingPlace &place)
{
    return "layer " + std::to_string(place.layer) + ", sequence " + std::to_string(place.sequence) + ", position "
        + std::to_string(place.position);
}

/// Runs the stages for one row after another; holds the scratch they share.
class RowRouter {
public:
    RowRouter(const MoeFfn &rule, std::span<const float> bias, const StageOverrides *overrides, RoutedBatch &out)
        : m_rule{rule}
        , m_bias{bias}
        , m_overrides{overrides}
        , m_out{out}
        , m_experts{static_cast<std::size_t>(rule.experts)}
        , m_logits(m_experts)
        , m_score(m_experts)
        , m_choice(m_experts)
    {
    }

    void run(std::size_t row, std::span<const float> logits, const RoutingPlace &place)
    {
        const std::span<float> recorded = std::span{m_out.softmax}.subspan(row * m_experts, m_experts);
        checkFinite(logits, place);
        softmax(logits, recorded);
        score(logits, recorded, place);
        choose(place);
        if (!m_out.choice.empty())
            std::copy(m_choice.begin(), m_choice.end(), m_out.choice.begin() + static_cast<std::ptrdiff_t>(row * m_experts));
        weigh(place);
        store(row, place);
        if (m_overrides)
            m_out.changed[row] = changedSlots(logits, recorded);
    }

private:
    static void checkFinite(std::span<const float> logits, const RoutingPlace &place)
    {
        // the sum of finite logits is finite unless they are near the end of f32's range, which is as broken
        if (!std::isfinite(std::accumulate(logits.begin(), logits.end(), 0.0f)))
            throwFault({place.row, -1}, place);
    }

    /// S1 and S2.
    void score(std::span<const float> logits, std::span<const float> softmaxOfLogits, const RoutingPlace &place)
    {
        if (!m_overrides && m_rule.score == ScoreFunction::Softmax) {
            std::copy(softmaxOfLogits.begin(), softmaxOfLogits.end(), m_score.begin());
            return;
        }
        std::copy(logits.begin(), logits.end(), m_logits.begin());
        if (m_overrides) {
            m_overrides->editLogits(place, m_logits);
            if (m_overrides->score(place, m_logits, m_score))
                return;
        }
        if (m_rule.score == ScoreFunction::Softmax)
            softmax(m_logits, m_score);
        else
            sigmoid(m_logits, m_score);
    }

    /// S3 and S4.
    void choose(const RoutingPlace &place)
    {
        if (!m_overrides || !m_overrides->choiceScore(place, m_score, m_choice))
            ownChoice(m_score);
        if (m_overrides)
            m_overrides->editChoice(place, m_choice);
        m_chosen.clear();
        if (!m_overrides || !m_overrides->select(rowAt(place), m_chosen))
            topK(m_choice, m_rule.topK, m_chosen);
        else
            checkChosen(place);
        if (m_overrides)
            std::erase_if(m_chosen,
                [this](std::int32_t e) { return m_choice[static_cast<std::size_t>(e)] == -std::numeric_limits<float>::infinity(); });
    }

    /// S3 by the family's rule.
    void ownChoice(std::span<const float> scores)
    {
        std::copy(scores.begin(), scores.end(), m_choice.begin());
        for (std::size_t e = 0; e < m_bias.size(); ++e)
            m_choice[e] += m_bias[e];
        if (m_rule.groups > 1)
            keepBestGroups();
    }

    /// Group-limited selection (DeepSeek-V2 and V3, arXiv:2405.04434 and 2412.19437). Dropped groups are masked with 0 as in the
    /// reference, so that a negative biased score loses to them.
    void keepBestGroups()
    {
        const std::size_t size = m_experts / static_cast<std::size_t>(m_rule.groups);
        m_groupScore.clear();
        for (std::size_t g = 0; g < m_experts; g += size) {
            const std::span<const float> group = std::span{m_choice}.subspan(g, size);
            topK(group, m_bias.empty() ? 1 : 2, m_best);
            m_groupScore.push_back(0);
            for (std::int32_t e : m_best)
                m_groupScore.back() += group[static_cast<std::size_t>(e)];
        }
        topK(m_groupScore, m_rule.topkGroups, m_best);
        for (std::size_t e = 0; e < m_experts; ++e)
            if (std::find(m_best.begin(), m_best.end(), static_cast<std::int32_t>(e / size)) == m_best.end())
                m_choice[e] = 0;
    }

    /// S5, S6, S7 and the interventions after them.
    void weigh(const RoutingPlace &place)
    {
        m_weight.resize(m_chosen.size());
        if (!m_overrides || !m_overrides->rawWeights(rowAt(place), m_chosen, m_weight))
            for (std::size_t i = 0; i < m_chosen.size(); ++i)
                m_weight[i] = m_score[static_cast<std::size_t>(m_chosen[i])];
        if ((!m_overrides || !m_overrides->normalise(rowAt(place), m_weight)) && m_rule.normalise) {
            const float guard = m_rule.score == ScoreFunction::Sigmoid ? 1e-20f : 0.0f; // sigmoids may all underflow
            const float sum = std::accumulate(m_weight.begin(), m_weight.end(), 0.0f) + guard;
            for (float &w : m_weight)
                w /= sum;
        }
        for (float &w : m_weight)
            w *= static_cast<float>(m_rule.scale);
        if (m_overrides)
            m_overrides->editWeights(place, m_chosen, m_weight);
    }

    void store(std::size_t row, const RoutingPlace &place)
    {
        m_order.resize(m_chosen.size());
        std::iota(m_order.begin(), m_order.end(), std::size_t{0});
        if (!std::is_sorted(m_weight.begin(), m_weight.end(), std::greater{})) // as it is unless a bias or an override changed the order
            std::stable_sort(m_order.begin(), m_order.end(), [this](std::size_t a, std::size_t b) { return m_weight[a] > m_weight[b]; });
        Assignments &to = m_out.assignments;
        to.count[row] = static_cast<std::int32_t>(m_chosen.size());
        std::size_t at = row * static_cast<std::size_t>(to.slotCount);
        for (std::size_t i : m_order) {
            if (!std::isfinite(m_weight[i]))
                throwFault({place.row, m_chosen[i]}, place);
            to.expert[at] = m_chosen[i];
            to.weight[at++] = m_weight[i];
        }
    }

    /// How many experts the family's rule takes from the unedited logits [E] that were not taken. Overwrites the row's scratch.
    std::int32_t changedSlots(std::span<const float> logits, std::span<const float> softmaxOfLogits)
    {
        if (m_rule.score == ScoreFunction::Softmax) {
            ownChoice(softmaxOfLogits);
        } else {
            sigmoid(logits, m_score);
            ownChoice(m_score);
        }
        topK(m_choice, m_rule.topK, m_best);
        return static_cast<std::int32_t>(std::count_if(m_best.begin(), m_best.end(),
            [this](std::int32_t e) { return std::find(m_chosen.begin(), m_chosen.end(), e) == m_chosen.end(); }));
    }

    static void sigmoid(std::span<const float> x, std::span<float> y)
    {
        std::transform(x.begin(), x.end(), y.begin(), [](float z) { return 1 / (1 + std::exp(-z)); });
    }

    RoutingRow rowAt(const RoutingPlace &place) const { return {place, m_rule, m_logits, m_score, m_choice}; }

    void checkChosen(const RoutingPlace &place)
    {
        std::vector<std::int32_t> sorted = m_chosen;
        std::sort(sorted.begin(), sorted.end());
        const bool repeated = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
        const bool outside = !sorted.empty() && (sorted.front() < 0 || sorted.back() >= m_rule.experts);
        if (repeated || outside || sorted.size() > static_cast<std::size_t>(m_out.assignments.slotCount))
            throw Error{ErrorKind::Check, "a policy chose an expert twice, one that does not exist, or more experts than it said",
                where(place), "Change the policy of this layer"};
    }

    const MoeFfn &m_rule;
    std::span<const float> m_bias;
    const StageOverrides *m_overrides;
    RoutedBatch &m_out;
    std::size_t m_experts;
    std::vector<float> m_logits, m_score, m_choice; ///< [E]
    std::vector<float> m_groupScore; ///< [G]
    std::vector<std::int32_t> m_chosen, m_best;
    std::vector<float> m_weight; ///< of m_chosen
    std::vector<std::size_t> m_order;
};

} // namespace

void throwFault(const RoutingFault &fault, const RoutingPlace &place)
{
    if (fault.expert < 0)
        throw Error{ErrorKind::Check, "a router logit is not a finite number", where(place),
            "The weights are damaged, or overflowed when they were converted: take the checkpoint in its original type"};
    throw Error{ErrorKind::Check, "the weight of expert " + std::to_string(fault.expert) + " is not a finite number", where(place),
        "Change the policy or intervention that leaves no expert to choose from"};
}

void softmax(std::span<const float> x, std::span<float> p)
{
    const float top = *std::max_element(x.begin(), x.end());
    float sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
        sum += p[i] = std::exp(x[i] - top);
    for (float &value : p)
        value /= sum;
}

void topK(std::span<const float> values, int k, std::vector<std::int32_t> &chosen)
{
    chosen.clear();
    const auto wanted = static_cast<std::size_t>(k);
    const auto value = [&](std::int32_t e) { return values[static_cast<std::size_t>(e)]; };
    for (std::int32_t e = 0; e < static_cast<std::int32_t>(values.size()); ++e) {
        if (chosen.size() == wanted && !(value(e) > value(chosen.back())))
            continue;
        if (chosen.size() == wanted)
            chosen.pop_back();
        std::size_t at = chosen.size();
        while (at > 0 && value(e) > value(chosen[at - 1]))
            --at;
        chosen.insert(chosen.begin() + static_cast<std::ptrdiff_t>(at), e);
    }
}

RoutedBatch route(const MoeFfn &rule, std::span<const float> selectionBias, std::span<const float> logits,
    std::span<const RoutingPlace> places, const StageOverrides *overrides)
{
    const auto experts = static_cast<std::size_t>(rule.experts);
    RoutedBatch out;
    Assignments &to = out.assignments;
    to.tokens = static_cast<std::int64_t>(places.size());
    to.slotCount = overrides && !places.empty() ? overrides->slotCount(places.front().layer, rule) : rule.topK;
    to.expert.assign(places.size() * static_cast<std::size_t>(to.slotCount), -1);
    to.weight.assign(to.expert.size(), 0.0f);
    to.count.assign(places.size(), 0);
    out.softmax.resize(places.size() * experts);
    if (!selectionBias.empty() || rule.groups > 1 || overrides)
        out.choice.resize(out.softmax.size());
    if (overrides)
        out.changed.resize(places.size());

    parallelFor(to.tokens, 64, [&](std::int64_t begin, std::int64_t end) {
        RowRouter router{rule, selectionBias, overrides, out};
        for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row)
            router.run(row, logits.subspan(row * experts, experts), places[row]);
    });
    return out;
}

} // namespace expertscope
