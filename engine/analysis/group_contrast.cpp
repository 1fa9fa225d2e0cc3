// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/group_contrast.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

using Floats = float __attribute__((vector_size(16))); // left to itself, the compiler takes the tile below apart
constexpr std::size_t lanes = 4;

/// The shares of a few experts.
struct Tile {
    Floats of[2] = {};
    static constexpr std::size_t width = 2 * lanes;
};

/// sum_u weights[r, u] shares[u, e] of each replicate: [E, R], so that the replicates of an expert lie together. Summed in the order of u.
std::vector<std::vector<double>> products(
    std::span<const float> weights, std::size_t replicates, std::span<const float> shares, std::size_t experts)
{
    constexpr std::size_t rows = 4; // whose sums stay in registers
    const std::size_t units = shares.size() / experts;
    std::vector<std::vector<double>> out(experts, std::vector<double>(replicates));
    std::vector<Tile> tiles(units); // of the experts [begin, begin + width), filled up with zeros
    const std::vector<float> none(units);
    for (std::size_t begin = 0; begin < experts; begin += Tile::width) {
        const std::size_t filled = std::min(Tile::width, experts - begin);
        tiles.assign(units, {});
        for (std::size_t u = 0; u < units; ++u)
            for (std::size_t e = 0; e < filled; ++e)
                tiles[u].of[e / lanes][e % lanes] = shares[u * experts + begin + e];
        for (std::size_t first = 0; first < replicates; first += rows) {
            const float *row[rows];
            for (std::size_t r = 0; r < rows; ++r)
                row[r] = first + r < replicates ? weights.data() + (first + r) * units : none.data();
            Tile sums[rows];
            for (std::size_t u = 0; u < units; ++u)
                for (std::size_t r = 0; r < rows; ++r)
                    for (std::size_t half = 0; half < 2; ++half)
                        sums[r].of[half] += row[r][u] * tiles[u].of[half];
            for (std::size_t r = 0; r < rows && first + r < replicates; ++r)
                for (std::size_t e = 0; e < filled; ++e)
                    out[begin + e][first + r] = static_cast<double>(sums[r].of[e / lanes][e % lanes]);
        }
    }
    return out;
}

} // namespace

ContrastDraws drawContrast(std::vector<std::uint8_t> target, std::size_t replicates, std::size_t permutations, std::uint64_t seed)
{
    ContrastDraws draws;
    draws.targets = static_cast<std::size_t>(std::count(target.begin(), target.end(), 1));
    draws.baselines = target.size() - draws.targets;
    draws.target = std::move(target);
    if (draws.targets < 2 || draws.baselines < 2)
        return draws;
    draws.replicates = replicates;
    draws.permutations = permutations;
    const std::size_t units = draws.target.size();
    const float ofTarget = 1.0f / static_cast<float>(draws.targets), ofBaseline = -1.0f / static_cast<float>(draws.baselines);
    draws.bootstrap.resize(replicates * units);
    std::vector<std::uint32_t> targetTimes(draws.targets), baselineTimes(draws.baselines);
    for (std::size_t r = 0; r < replicates; ++r) {
        Random random{seed, r};
        resample(targetTimes, random);
        resample(baselineTimes, random);
        std::size_t t = 0, b = 0;
        for (std::size_t u = 0; u < units; ++u)
            draws.bootstrap[r * units + u] =
                draws.target[u] ? ofTarget * static_cast<float>(targetTimes[t++]) : ofBaseline * static_cast<float>(baselineTimes[b++]);
    }
    draws.permuted.resize(permutations * units);
    std::vector<std::uint8_t> labels = draws.target;
    for (std::size_t r = 0; r < permutations; ++r) {
        Random random{seed + 1, r};
        random.shuffle(std::span{labels});
        for (std::size_t u = 0; u < units; ++u)
            draws.permuted[r * units + u] = labels[u] ? ofTarget : ofBaseline;
    }
    return draws;
}

LayerContrast layerContrast(std::span<const float> shares, std::size_t experts, const ContrastDraws &draws, double tau)
{
    LayerContrast layer;
    layer.targetShare.assign(experts, 0.0);
    layer.baselineShare.assign(experts, 0.0);
    for (std::size_t u = 0; u < draws.target.size(); ++u) {
        std::vector<double> &share = draws.target[u] ? layer.targetShare : layer.baselineShare;
        const auto size = static_cast<double>(draws.target[u] ? draws.targets : draws.baselines);
        for (std::size_t e = 0; e < experts; ++e)
            share[e] += static_cast<double>(shares[u * experts + e]) / size;
    }
    std::vector<std::vector<double>> drawn = products(draws.bootstrap, draws.replicates, shares, experts);
    const std::vector<std::vector<double>> null = products(draws.permuted, draws.permutations, shares, experts);
    layer.nullAbove.assign(draws.permutations, 0.0);
    for (std::size_t e = 0; e < experts; ++e) {
        layer.value.push_back(layer.targetShare[e] - layer.baselineShare[e]);
        layer.interval.push_back(interval95(std::move(drawn[e])));
        layer.p.push_back(twoSidedP(layer.value[e], null[e]));
        for (std::size_t r = 0; r < draws.permutations; ++r)
            layer.nullAbove[r] += null[e][r] > tau;
    }
    return layer;
}

} // namespace expertscope
