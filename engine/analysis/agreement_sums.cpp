// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/agreement_sums.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace expertscope {

namespace {

std::size_t sizeOf(std::span<const ExpertId> row)
{
    return static_cast<std::size_t>(std::count_if(row.begin(), row.end(), [](ExpertId id) { return id != noExpert; }));
}

bool contains(std::span<const ExpertId> set, ExpertId id)
{
    return std::find(set.begin(), set.end(), id) != set.end();
}

double margin(std::span<const float> logits, std::span<const ExpertId> set)
{
    double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
    for (std::size_t e = 0; e < logits.size(); ++e)
        if (const auto logit = static_cast<double>(logits[e]); contains(set, static_cast<ExpertId>(e)))
            lowest = std::min(lowest, logit);
        else
            highest = std::max(highest, logit);
    return lowest - highest;
}

} // namespace

double softmaxKl(std::span<const float> a, std::span<const float> b, std::span<const std::size_t> of)
{
    double mostA = -std::numeric_limits<double>::infinity(), mostB = mostA;
    for (const std::size_t e : of) {
        mostA = std::max(mostA, static_cast<double>(a[e]));
        mostB = std::max(mostB, static_cast<double>(b[e]));
    }
    double sumA = 0, sumB = 0, weighted = 0;
    for (const std::size_t e : of) {
        const double fromMostA = static_cast<double>(a[e]) - mostA, fromMostB = static_cast<double>(b[e]) - mostB;
        const double weight = std::exp(fromMostA);
        sumA += weight;
        sumB += std::exp(fromMostB);
        if (weight > 0)
            weighted += weight * (fromMostA - fromMostB);
    }
    return std::max(0.0, weighted / sumA - std::log(sumA) + std::log(sumB));
}

std::vector<AgreementSums> agreementSums(const TracePair &pair, double klExtra, const Progress &progress)
{
    const TraceFields &a = pair.first->meta().fields, &b = pair.second->meta().fields;
    const bool logits = a.routerLogit && b.routerLogit, weights = a.gateWeight && b.gateWeight;
    const auto experts = static_cast<std::size_t>(pair.first->meta().experts);
    const auto widthA = static_cast<std::size_t>(pair.first->meta().slotCount),
               widthB = static_cast<std::size_t>(pair.second->meta().slotCount);
    const std::size_t likeliest =
        std::min(experts, widthA + static_cast<std::size_t>(klExtra * static_cast<double>(experts - std::min(widthA, experts))));
    std::vector<std::int64_t> firstToken{0};
    for (const int s : pair.sequences)
        firstToken.push_back(firstToken.back() + pair.first->meta().sequences[static_cast<std::size_t>(s)].range().count());

    std::vector<AgreementSums> layers(pair.layers.size());
    const std::size_t sequences = pair.sequences.size();
    for (AgreementSums &sums : layers) {
        for (auto *list : {&sums.shared, &sums.replaced, &sums.sameSet, &sums.sameFirst})
            list->assign(sequences, 0);
        for (auto *list : {&sums.kl, &sums.klTop})
            list->assign(logits ? sequences : 0, 0);
        sums.weightDifference.assign(weights ? sequences : 0, 0);
        sums.firstLoad.assign(experts, 0);
        sums.secondLoad.assign(experts, 0);
        sums.differs.assign(static_cast<std::size_t>(firstToken.back()), false);
    }
    std::vector<std::size_t> every(experts);
    std::iota(every.begin(), every.end(), std::size_t{0});
    forEachPairBlock(pair, weights, logits, progress, [&](const PairBlock &block) {
        AgreementSums &sums = layers[block.layer];
        const std::int64_t sequenceBegin =
            pair.first->meta().sequences[static_cast<std::size_t>(pair.sequences[block.sequence])].firstToken;
        std::vector<std::size_t> order = every;
        for (std::size_t t = 0; t < block.tokens; ++t) {
            const auto setA = block.firstIds.subspan(t * widthA, widthA), setB = block.secondIds.subspan(t * widthB, widthB);
            const std::size_t sizeA = sizeOf(setA);
            const std::size_t larger = std::max(sizeA, sizeOf(setB));
            std::size_t both = 0;
            for (std::size_t i = 0; i < setA.size(); ++i) {
                if (setA[i] == noExpert)
                    continue;
                ++sums.firstLoad[setA[i]];
                const auto at = std::find(setB.begin(), setB.end(), setA[i]);
                if (at == setB.end())
                    continue;
                ++both;
                if (weights)
                    sums.weightDifference[block.sequence] += std::abs(static_cast<double>(block.firstWeights[t * widthA + i])
                        - static_cast<double>(block.secondWeights[t * widthB + static_cast<std::size_t>(at - setB.begin())]));
            }
            for (const ExpertId id : setB)
                if (id != noExpert)
                    ++sums.secondLoad[id];
            const bool differs = both != larger;
            sums.shared[block.sequence] += larger == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(larger);
            sums.replaced[block.sequence] += static_cast<double>(sizeA - both);
            sums.sameSet[block.sequence] += differs ? 0.0 : 1.0;
            sums.sameFirst[block.sequence] += setA.front() == setB.front() ? 1.0 : 0.0;
            sums.differs[static_cast<std::size_t>(firstToken[block.sequence] + block.row - sequenceBegin + static_cast<std::int64_t>(t))] =
                differs;
            if (!logits)
                continue;
            const auto logitsA = block.firstLogits.subspan(t * experts, experts),
                       logitsB = block.secondLogits.subspan(t * experts, experts);
            sums.kl[block.sequence] += softmaxKl(logitsA, logitsB, every);
            std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(likeliest), order.end(),
                [&](std::size_t x, std::size_t y) { return logitsA[x] != logitsA[y] ? logitsA[x] > logitsA[y] : x < y; });
            sums.klTop[block.sequence] += softmaxKl(logitsA, logitsB, std::span{order}.first(likeliest));
            if (sizeA > 0 && sizeA < experts) {
                const double of = margin(logitsA, setA);
                const auto bin =
                    static_cast<std::size_t>(std::upper_bound(marginEdges.begin() + 1, marginEdges.end(), of) - marginEdges.begin() - 1);
                ++sums.marginTokens[bin];
                sums.marginFlips[bin] += differs;
            }
        }
    });
    return layers;
}

} // namespace expertscope
