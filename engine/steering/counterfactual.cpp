// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/steering/counterfactual.h"

#include "engine/core/error.h"
#include "engine/forward/forward.h"
#include "engine/steering/counter_random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

namespace expertscope {

namespace {

using Experts = std::vector<std::int32_t>;

/// Takes given experts for the rows of one layer.
class GivenExperts final : public StageOverrides {
public:
    GivenExperts(int layer, const Experts &experts)
        : m_layer{layer}
        , m_experts{experts}
    {
    }
    bool select(const RoutingRow &row, std::vector<std::int32_t> &chosen) const override
    {
        if (row.place.layer != m_layer)
            return false;
        chosen = m_experts;
        return true;
    }

private:
    int m_layer;
    const Experts &m_experts;
};

/// What one layer's router did with the only row of a batch.
struct RowWatch final : ForwardObserver {
    explicit RowWatch(int watched)
        : layer{watched}
    {
    }
    void onRouting(const Batch &, const RoutingTap &tap) override
    {
        if (tap.layer != layer)
            return;
        softmax = tap.routed.softmax;
        const Assignments &to = tap.routed.assignments;
        experts.assign(to.expert.begin(), to.expert.begin() + to.count.front());
    }
    int layer;
    std::vector<float> softmax; ///< [E]
    Experts experts;
};

/// All that stands before one token, and that token with any route.
class OneToken {
public:
    OneToken(const Model &model, Backend &backend, std::span<const std::int32_t> tokens, std::int32_t target, const Progress &progress)
        : m_model{model}
        , m_backend{backend}
        , m_past{static_cast<std::int64_t>(tokens.size()) - 1}
        , m_target{target}
        , m_cache{backend.makeKvCache(model.config(), 1, m_past + 1)}
    {
        m_row.append(0, tokens.last(1), m_past, 0);
        if (m_past == 0)
            return;
        Batch before;
        before.append(0, tokens.first(tokens.size() - 1), 0, 0);
        Forward{model, backend, nullptr, nullptr}.run(before, m_cache.get(), Progress{progress.stopToken()});
    }

    double logprob(const StageOverrides *overrides, ForwardObserver *observer, const Progress &progress)
    {
        m_cache->truncate(0, m_past);
        Forward forward{m_model, m_backend, overrides, observer};
        const Tensor out = forward.run(m_row, m_cache.get(), Progress{progress.stopToken()});
        float logprob = 0;
        std::int32_t best = 0;
        m_backend.logProbs(out, *m_model.head(), {&m_target, 1}, {&logprob, 1}, {&best, 1});
        return static_cast<double>(logprob);
    }

private:
    const Model &m_model;
    Backend &m_backend;
    std::int64_t m_past;
    std::int32_t m_target;
    std::unique_ptr<KvCache> m_cache;
    Batch m_row;
};

/// How many sets of k of n there are, or `limit` + 1 if more than that.
std::int64_t setCount(std::int64_t n, std::int64_t k, std::int64_t limit)
{
    double count = 1;
    for (std::int64_t i = 0; i < k; ++i)
        count *= static_cast<double>(n - i) / static_cast<double>(i + 1);
    return count > static_cast<double>(limit) ? limit + 1 : std::llround(count);
}

std::set<Experts> everySet(std::int32_t experts, std::size_t size)
{
    std::set<Experts> all;
    Experts set(size);
    std::iota(set.begin(), set.end(), 0);
    while (true) {
        all.insert(set);
        std::size_t i = size;
        while (i > 0 && set[i - 1] == experts - static_cast<std::int32_t>(size - i) - 1)
            --i;
        if (i == 0)
            return all;
        for (++set[i - 1]; i < size; ++i)
            set[i] = set[i - 1] + 1;
    }
}

/// The largest of log p + Gumbel noise: sets in proportion to their chance under draws without replacement.
Experts drawnSet(std::span<const float> p, std::size_t size, std::uint64_t seed, std::uint64_t draw)
{
    CounterRandom random{seed, draw};
    std::vector<std::pair<double, std::int32_t>> keys;
    for (std::size_t e = 0; e < p.size(); ++e) {
        const double u = (static_cast<double>(random.next() >> 11) + 0.5) * 0x1p-53;
        keys.emplace_back(std::log(static_cast<double>(p[e])) - std::log(-std::log(u)), static_cast<std::int32_t>(e));
    }
    std::sort(keys.rbegin(), keys.rend());
    Experts set;
    for (std::size_t i = 0; i < size; ++i)
        set.push_back(keys[i].second);
    std::sort(set.begin(), set.end());
    return set;
}

std::set<Experts> otherSets(const Experts &own, std::span<const float> p, const CounterfactualSettings &settings, bool &every)
{
    const std::int64_t all = setCount(std::ssize(p), std::ssize(own), std::int64_t{settings.routes} + 1);
    every = all <= std::int64_t{settings.routes} + 1;
    std::set<Experts> sets;
    if (every)
        sets = everySet(static_cast<std::int32_t>(p.size()), own.size());
    else // a peaked router repeats itself: stop asking for new sets at some point
        for (std::uint64_t draw = 0; std::ssize(sets) < settings.routes && draw < 50 * static_cast<std::uint64_t>(settings.routes); ++draw)
            if (Experts set = drawnSet(p, own.size(), settings.seed, draw); set != own)
                sets.insert(std::move(set));
    sets.erase(own);
    return sets;
}

double kendall(const std::vector<Route> &routes)
{
    double agree = 0;
    double pairsX = 0;
    double pairsY = 0;
    for (std::size_t i = 0; i < routes.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
            const double x = routes[i].mass - routes[j].mass;
            const double y = routes[i].logprob - routes[j].logprob;
            agree += (x > 0) == (y > 0) && x != 0 && y != 0 ? 1 : x != 0 && y != 0 ? -1 : 0;
            pairsX += x != 0;
            pairsY += y != 0;
        }
    return pairsX > 0 && pairsY > 0 ? agree / std::sqrt(pairsX * pairsY) : std::numeric_limits<double>::quiet_NaN();
}

} // namespace

CounterfactualRoutes counterfactualRoutes(const Model &model, Backend &backend, const TokenSequence &sequence, int layer,
    std::int64_t position, const CounterfactualSettings &settings, const Progress &progress)
{
    const std::vector<int> layers = model.config().moeLayers();
    if (!std::binary_search(layers.begin(), layers.end(), layer))
        throw Error{ErrorKind::Usage, "layer " + std::to_string(layer) + " has no experts", "counterfactual routes", "Choose a MoE layer"};
    if (position < 0 || position + 1 >= std::ssize(sequence.tokens) || settings.routes < 1)
        throw Error{ErrorKind::Usage, "there is no token after position " + std::to_string(position), "counterfactual routes",
            "Choose a token with one after it, and 1 route or more"};
    checkRun(model.config(), {&sequence, 1}, {});

    const std::span<const std::int32_t> tokens{sequence.tokens};
    const auto next = static_cast<std::size_t>(position) + 1;
    OneToken token{model, backend, tokens.first(next), tokens[next], progress};
    CounterfactualRoutes result;
    RowWatch watch{layer};
    result.own.logprob = token.logprob(nullptr, &watch, progress);
    result.own.experts = watch.experts;
    std::sort(result.own.experts.begin(), result.own.experts.end());
    const auto mass = [&](const Experts &experts) {
        return std::accumulate(experts.begin(), experts.end(), 0.0,
            [&](double sum, std::int32_t e) { return sum + static_cast<double>(watch.softmax[static_cast<std::size_t>(e)]); });
    };
    result.own.mass = mass(result.own.experts);

    const std::set<Experts> sets = otherSets(result.own.experts, watch.softmax, settings, result.everySet);
    for (const Experts &experts : sets) {
        progress.check();
        const GivenExperts given{layer, experts};
        Route route{experts, mass(experts), token.logprob(&given, nullptr, progress), 0};
        route.utility = route.logprob - result.own.logprob;
        result.better += route.utility > 0;
        result.regret = std::max(result.regret, route.utility);
        result.others.push_back(std::move(route));
        progress.report(std::ssize(result.others), std::ssize(sets), "routes");
    }
    if (!sets.empty())
        result.better /= static_cast<double>(sets.size());
    std::vector<Route> all = result.others;
    all.push_back(result.own);
    result.rankAgreement = kendall(all);
    std::stable_sort(result.others.begin(), result.others.end(), [](const Route &a, const Route &b) { return a.utility > b.utility; });
    return result;
}

} // namespace expertscope
