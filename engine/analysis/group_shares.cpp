// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/group_shares.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace expertscope {

namespace {

constexpr std::uint64_t permutationStreams = std::uint64_t{1} << 32; // away from those of the bootstrap

double xlog2x(double x)
{
    return x > 0 ? x * std::log2(x) : 0.0;
}

/// to[E] += row[E]. Whole numbers of 32 bits: exact, in any order, and four at a time on any x86.
void addRow(std::span<std::uint32_t> to, std::span<const std::uint32_t> row)
{
    for (std::size_t e = 0; e < to.size(); ++e)
        to[e] += row[e];
}

double jensenShannonBits(std::span<const std::uint32_t> counts, std::size_t experts)
{
    return expertscope::jensenShannonBits(std::vector<double>(counts.begin(), counts.end()), experts);
}

} // namespace

double jensenShannonBits(std::span<const double> counts, std::size_t experts)
{
    std::vector<double> mixture(experts);
    double negativeEntropies = 0, groups = 0;
    for (std::size_t at = 0; at < counts.size(); at += experts) {
        const auto row = counts.subspan(at, experts);
        const double sum = std::accumulate(row.begin(), row.end(), 0.0);
        if (!(sum > 0))
            continue;
        ++groups;
        for (std::size_t e = 0; e < experts; ++e) {
            mixture[e] += row[e] / sum;
            negativeEntropies += xlog2x(row[e] / sum);
        }
    }
    if (groups == 0)
        return noNumber;
    double divergence = negativeEntropies / groups;
    for (const double x : mixture)
        divergence -= xlog2x(x / groups);
    return std::max(0.0, divergence);
}

GroupDraws drawGroups(
    const TraceMeta &meta, const SequenceGroups &groups, std::size_t replicates, std::size_t permutations, std::uint64_t seed)
{
    const std::size_t sequences = groups.of.size(), groupCount = groups.names.size();
    std::vector<std::vector<std::size_t>> members(groupCount);
    std::vector<std::size_t> all;
    for (std::size_t s = 0; s < sequences; ++s)
        if (groups.of[s] >= 0) {
            members[static_cast<std::size_t>(groups.of[s])].push_back(s);
            all.push_back(s);
        }
    const auto length = [&](std::size_t s) { return static_cast<double>(meta.sequences[s].range().count()); };

    GroupDraws draws{
        .replicates = replicates, .permutations = permutations, .times = {}, .labels = {}, .drawnTokens = {}, .relabelledTokens = {}};
    draws.times.assign(replicates * sequences, 0);
    draws.drawnTokens.assign(replicates * groupCount, 0);
    std::vector<std::uint32_t> times;
    for (std::size_t r = 0; r < replicates; ++r) {
        Random random{seed, r};
        for (std::size_t g = 0; g < groupCount; ++g) {
            times.resize(members[g].size());
            resample(times, random);
            for (std::size_t i = 0; i < times.size(); ++i) {
                draws.times[r * sequences + members[g][i]] = times[i];
                draws.drawnTokens[r * groupCount + g] += times[i] * length(members[g][i]);
            }
        }
    }
    draws.labels.assign(permutations * sequences, GroupDraws::leftOut);
    draws.relabelledTokens.assign(permutations * groupCount, 0);
    for (std::size_t r = 0; r < permutations; ++r) {
        Random random{seed, permutationStreams + r};
        std::vector<std::size_t> shuffled = all;
        random.shuffle(std::span{shuffled});
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto group = static_cast<std::uint16_t>(groups.of[shuffled[i]]);
            draws.labels[r * sequences + all[i]] = group;
            draws.relabelledTokens[r * groupCount + group] += length(all[i]);
        }
    }
    return draws;
}

LayerGroupShares layerGroupShares(
    const SequenceGroups &groups, const GroupDraws &draws, std::span<const std::uint32_t> counts, std::size_t experts)
{
    const std::size_t sequences = groups.of.size(), groupCount = groups.names.size(), cells = groupCount * experts;
    const auto row = [&](std::size_t s) { return counts.subspan(s * experts, experts); };
    const auto rowOf = [&](std::vector<std::uint32_t> &sums, std::size_t group) {
        return std::span{sums}.subspan(group * experts, experts);
    };

    std::vector<std::uint32_t> observed(cells);
    for (std::size_t s = 0; s < sequences; ++s)
        if (groups.of[s] >= 0)
            addRow(rowOf(observed, static_cast<std::size_t>(groups.of[s])), row(s));
    LayerGroupShares shares;
    shares.counts.assign(observed.begin(), observed.end());
    shares.divergence = jensenShannonBits(observed, experts);
    shares.interval.resize(cells);
    shares.p.assign(cells, noNumber);

    std::vector<std::uint32_t> sums(cells);
    std::vector<double> drawn(cells * draws.replicates);
    for (std::size_t r = 0; r < draws.replicates; ++r) {
        std::fill(sums.begin(), sums.end(), 0u);
        for (std::size_t s = 0; s < sequences; ++s)
            for (std::uint32_t time = 0; time < draws.times[r * sequences + s]; ++time)
                addRow(rowOf(sums, static_cast<std::size_t>(groups.of[s])), row(s));
        for (std::size_t i = 0; i < cells; ++i)
            drawn[i * draws.replicates + r] = sums[i] / draws.drawnTokens[r * groupCount + i / experts];
        shares.drawnDivergence.push_back(jensenShannonBits(sums, experts));
    }
    for (std::size_t i = 0; i < cells && draws.replicates > 0; ++i)
        if (groups.sequences[i / experts] > 1)
            shares.interval[i] = interval95({drawn.begin() + static_cast<std::ptrdiff_t>(i * draws.replicates),
                drawn.begin() + static_cast<std::ptrdiff_t>((i + 1) * draws.replicates)});

    std::vector<std::int64_t> above(cells), below(cells);
    for (std::size_t r = 0; r < draws.permutations; ++r) {
        std::fill(sums.begin(), sums.end(), 0u);
        for (std::size_t s = 0; s < sequences; ++s)
            if (const std::uint16_t group = draws.labels[r * sequences + s]; group != GroupDraws::leftOut)
                addRow(rowOf(sums, group), row(s));
        for (std::size_t i = 0; i < cells; ++i) {
            const double share = observed[i] / static_cast<double>(groups.tokens[i / experts]);
            const double relabelled = sums[i] / draws.relabelledTokens[r * groupCount + i / experts];
            above[i] += relabelled >= share;
            below[i] += relabelled <= share;
        }
        shares.nullDivergence.push_back(jensenShannonBits(sums, experts));
    }
    const auto permutations = static_cast<double>(draws.permutations);
    for (std::size_t i = 0; i < cells && draws.permutations > 0; ++i)
        shares.p[i] = std::min(1.0, 2 * static_cast<double>(1 + std::min(above[i], below[i])) / (1 + permutations));
    return shares;
}

} // namespace expertscope
