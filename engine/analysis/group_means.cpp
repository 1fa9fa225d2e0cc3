// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/group_means.h"

#include "engine/analysis/result_parts.h"
#include "engine/analysis/statistics.h"
#include "engine/core/parallel.h"
#include "engine/core/summary.h"

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

/// The values [n] of each group that are numbers. A group draws with a seed of its own, so that leaving one out changes no other.
std::vector<std::vector<double>> byGroup(std::span<const double> values, const SequenceGroups &groups)
{
    std::vector<std::vector<double>> of(groups.names.size());
    for (std::size_t s = 0; s < values.size(); ++s)
        if (groups.of[s] >= 0 && !std::isnan(values[s]))
            of[static_cast<std::size_t>(groups.of[s])].push_back(values[s]);
    return of;
}

} // namespace

std::vector<GroupMean> groupMeans(std::span<const double> values, const SequenceGroups &groups, std::size_t replicates, std::uint64_t seed)
{
    std::vector<GroupMean> means;
    for (const std::vector<double> &of : byGroup(values, groups)) {
        const Interval interval = bootstrapMean(of, replicates, seed + means.size());
        means.push_back({mean(of), interval.low, interval.high, std::ssize(of)});
    }
    return means;
}

GroupMean meanOfGroups(std::span<const double> values, const SequenceGroups &groups, std::size_t replicates, std::uint64_t seed)
{
    const std::vector<std::vector<double>> of = byGroup(values, groups);
    std::vector<double> means;
    std::vector<double> drawn(replicates, 0.0);
    GroupMean all;
    double drawnGroups = 0;
    bool alone = false;
    for (std::size_t g = 0; g < of.size(); ++g) {
        if (of[g].empty())
            continue;
        means.push_back(mean(of[g]));
        all.n += std::ssize(of[g]);
        alone = alone || of[g].size() < 2;
        ++drawnGroups;
        std::vector<std::uint32_t> times(of[g].size());
        for (std::size_t r = 0; r < replicates; ++r) {
            Random random{seed + g, r};
            resample(times, random);
            drawn[r] += resampledMean(of[g], times);
        }
    }
    all.value = mean(means);
    if (alone || replicates == 0) // a group of one sequence does not vary, which would make the interval look narrower than it is
        return all;
    for (double &x : drawn)
        x /= drawnGroups;
    const Interval interval = interval95(std::move(drawn));
    all.low = interval.low;
    all.high = interval.high;
    return all;
}

std::vector<double> overLayers(const std::vector<std::vector<double>> &layers)
{
    std::vector<double> means;
    std::vector<double> ofSequence(layers.size());
    for (std::size_t s = 0; !layers.empty() && s < layers.front().size(); ++s) {
        for (std::size_t m = 0; m < layers.size(); ++m)
            ofSequence[m] = layers[m][s];
        means.push_back(mean(ofSequence));
    }
    return means;
}

std::vector<GroupMean> groupMeansByLayer(
    const std::vector<std::vector<double>> &layers, const SequenceGroups &groups, std::size_t replicates, std::uint64_t seed)
{
    std::vector<GroupMean> means(layers.size() * groups.names.size());
    parallelFor(std::ssize(layers), 1, [&](std::int64_t begin, std::int64_t end) {
        for (auto m = static_cast<std::size_t>(begin); m < static_cast<std::size_t>(end); ++m) {
            const std::vector<GroupMean> of = groupMeans(layers[m], groups, replicates, seed);
            std::copy(of.begin(), of.end(), means.begin() + static_cast<std::ptrdiff_t>(m * of.size()));
        }
    });
    return means;
}

Table languageTable(std::string id, std::string title, std::string unit, std::string valueHelp, std::span<const int> layers,
    const SequenceGroups &groups, const std::vector<GroupMean> &means)
{
    std::vector<std::int64_t> layer, n;
    std::vector<std::string> language;
    std::vector<double> value, low, high;
    for (std::size_t i = 0; i < means.size(); ++i) {
        layer.push_back(layers[i / groups.names.size()]);
        language.push_back(groups.names[i % groups.names.size()]);
        value.push_back(means[i].value);
        low.push_back(means[i].low);
        high.push_back(means[i].high);
        n.push_back(means[i].n);
    }
    return {.id = std::move(id),
        .title = std::move(title),
        .columns = {
            {"layer", "", "The model's own number of the layer", std::move(layer)},
            {"language", "", "Language of the sequences", std::move(language)},
            {"value", unit, std::move(valueHelp), std::move(value)},
            {"low", unit, "Lower end of the 95 % bootstrap interval over sequences", std::move(low)},
            {"high", unit, "Upper end of it", std::move(high)},
            {"n", "sequences", "Sequences with a value", std::move(n)},
        }};
}

Series languageSeries(std::string id, std::string title, std::string yTitle, std::string unit, std::span<const int> layers,
    const SequenceGroups &groups, const std::vector<GroupMean> &means)
{
    Series series = layerSeries(std::move(id), std::move(title), std::move(yTitle), std::move(unit), layers);
    const std::size_t languages = groups.names.size();
    for (std::size_t g = 0; g < languages; ++g) {
        Curve &curve = series.curves.emplace_back();
        curve.name = groups.names[g];
        for (std::size_t i = g; i < means.size(); i += languages) {
            curve.y.push_back(means[i].value);
            curve.low.push_back(means[i].low);
            curve.high.push_back(means[i].high);
        }
    }
    return series;
}

} // namespace expertscope
