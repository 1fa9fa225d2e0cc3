// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/expert_sets.h"

#include "engine/analysis/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

struct Scored {
    std::size_t layer = 0; ///< index
    int expert = 0;
    double score = 0;
};

/// Highest first.
std::vector<Scored> ranked(const ExpertScores &scores, const LayerWindow &window)
{
    std::vector<Scored> all;
    for (std::size_t m = 0; m < scores.layers.size(); ++m)
        for (int e = 0; e < scores.experts && window.holds(scores.layers[m]); ++e)
            if (!std::isnan(scores.at(m, e)))
                all.push_back({m, e, scores.at(m, e)});
    std::stable_sort(all.begin(), all.end(), [](const Scored &a, const Scored &b) { return a.score > b.score; });
    return all;
}

ExpertSet setOf(const ExpertScores &scores, const std::vector<Scored> &chosen)
{
    ExpertSet set;
    for (std::size_t m = 0; m < scores.layers.size(); ++m) {
        LayerExperts layer;
        layer.layer = scores.layers[m];
        for (const Scored &one : chosen)
            if (one.layer == m)
                layer.experts.push_back(one.expert);
        if (!layer.experts.empty())
            set.push_back(std::move(layer));
    }
    return set;
}

bool contains(const std::vector<int> &list, int expert)
{
    return std::find(list.begin(), list.end(), expert) != list.end();
}

/// Experts that are not in the list; where it holds more than half, any: there are not as many others.
std::vector<int> others(const std::vector<int> &list, int experts)
{
    std::vector<int> free;
    for (int e = 0; e < experts; ++e)
        if (!contains(list, e) || 2 * std::ssize(list) > experts)
            free.push_back(e);
    return free;
}

std::size_t indexOf(const ExpertScores &scores, int layer)
{
    return static_cast<std::size_t>(std::find(scores.layers.begin(), scores.layers.end(), layer) - scores.layers.begin());
}

/// The first of `free` by an order, as many as the layer has.
template<typename Before>
LayerExperts firstOf(const LayerExperts &layer, std::vector<int> free, const Before &before)
{
    std::stable_sort(free.begin(), free.end(), before);
    free.resize(std::min(free.size(), layer.experts.size()));
    return {.layer = layer.layer, .experts = std::move(free)};
}

} // namespace

SuggestedWindow suggestWindow(const std::vector<int> &layers, const std::vector<double> &curve, const CurveShape &shape)
{
    const auto count = layers.size();
    const bool isU = shape.depth > 0 && !(shape.depthInterval.low <= 0) && !(shape.depth <= shape.nullDepthHigh);
    if (!isU) {
        const LayerWindow middle{layers[count / 4], layers[count - 1 - count / 4]};
        return {middle,
            "The divergence has no trough beyond chance, so the window is the middle half of the layers, " + std::to_string(middle.first)
                + " to " + std::to_string(middle.last) + ".",
            {}};
    }
    const double most = shape.lowest + shape.depth / 2;
    std::size_t first = shape.trough, last = shape.trough;
    while (first > 0 && curve[first - 1] <= most)
        --first;
    while (last + 1 < count && curve[last + 1] <= most)
        ++last;
    return {{layers[first], layers[last]},
        "The divergence is lowest at layer " + std::to_string(layers[shape.trough]) + " and at most halfway up to its lower end from layer "
            + std::to_string(layers[first]) + " to " + std::to_string(layers[last]) + ".",
        {}};
}

std::size_t sizeOf(const ExpertSet &set)
{
    return std::accumulate(
        set.begin(), set.end(), std::size_t{0}, [](std::size_t sum, const LayerExperts &layer) { return sum + layer.experts.size(); });
}

std::string wordsOf(const ExpertSet &set)
{
    std::string text;
    for (const LayerExperts &layer : set) {
        text += (text.empty() ? "" : "; ") + std::to_string(layer.layer) + ':';
        for (const int e : layer.experts)
            text += ' ' + std::to_string(e);
    }
    return text;
}

ExpertSet above(const ExpertScores &scores, double tau, const LayerWindow &window)
{
    std::vector<Scored> all = ranked(scores, window);
    std::erase_if(all, [&](const Scored &one) { return !(one.score > tau); });
    return setOf(scores, all);
}

ExpertSet highest(const ExpertScores &scores, std::size_t count, const LayerWindow &window)
{
    std::vector<Scored> all = ranked(scores, window);
    all.resize(std::min(all.size(), count));
    return setOf(scores, all);
}

ExpertSet lowest(const ExpertScores &scores, std::size_t count, const LayerWindow &window)
{
    ExpertScores negative = scores;
    for (double &value : negative.values)
        value = -value;
    return highest(negative, count, window);
}

ExpertSet cut(ExpertSet set, std::size_t most)
{
    for (LayerExperts &layer : set)
        layer.experts.resize(std::min(layer.experts.size(), most));
    return set;
}

ExpertSet randomLike(const ExpertSet &set, int experts, std::uint64_t seed)
{
    ExpertSet result;
    for (const LayerExperts &layer : set) {
        std::vector<int> free = others(layer.experts, experts);
        Random random{seed, static_cast<std::uint64_t>(layer.layer)};
        random.shuffle(std::span{free});
        free.resize(std::min(free.size(), layer.experts.size()));
        result.push_back({.layer = layer.layer, .experts = std::move(free)});
    }
    return result;
}

ExpertSet sameLoadLike(const ExpertSet &set, const ExpertScores &load)
{
    ExpertSet result;
    for (const LayerExperts &layer : set) {
        const std::size_t m = indexOf(load, layer.layer);
        std::vector<int> free = others(layer.experts, load.experts);
        LayerExperts chosen;
        chosen.layer = layer.layer;
        for (const int e : layer.experts) {
            const auto nearest = std::min_element(free.begin(), free.end(),
                [&](int a, int b) { return std::abs(load.at(m, a) - load.at(m, e)) < std::abs(load.at(m, b) - load.at(m, e)); });
            if (nearest == free.end())
                break;
            chosen.experts.push_back(*nearest);
            free.erase(nearest);
        }
        result.push_back(std::move(chosen));
    }
    return result;
}

ExpertSet highestLike(const ExpertSet &set, const ExpertScores &scores)
{
    ExpertSet result;
    for (const LayerExperts &layer : set) {
        const std::size_t m = indexOf(scores, layer.layer);
        result.push_back(
            firstOf(layer, others(layer.experts, scores.experts), [&](int a, int b) { return scores.at(m, a) > scores.at(m, b); }));
    }
    return result;
}

} // namespace expertscope
