// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/information_spread.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace expertscope {

namespace {

/// influence: [S] what each sequence adds to the estimate's error; zero for one without pairs.
Interval intervalAround(double value, std::span<const double> influence, double least, double most)
{
    double squares = 0, sequences = 0;
    for (const double x : influence) {
        squares += x * x;
        sequences += x != 0;
    }
    if (sequences < 2 || std::isnan(value))
        return {};
    const double reach = 1.96 * std::sqrt(squares * sequences / (sequences - 1));
    return {std::max(least, value - reach), std::min(most, value + reach)};
}

} // namespace

InformationIntervals informationIntervals(
    const std::vector<std::vector<InformationSums>> &sums, std::span<const double> corrected, std::span<const double> entropy)
{
    InformationIntervals intervals;
    constexpr double unbounded = std::numeric_limits<double>::infinity();
    std::vector<double> ofMean, ofExplained;
    double information = 0, explained = 0, layers = 0;
    for (std::size_t m = 0; m < sums.size(); ++m) {
        InformationSums all;
        for (const InformationSums &one : sums[m]) {
            all.bits += one.bits;
            all.surprise += one.surprise;
            all.pairs += one.pairs;
        }
        const double bits = all.bits / all.pairs, surprise = all.surprise / all.pairs;
        const double share = corrected[m] / entropy[m];
        std::vector<double> influence;
        ofMean.resize(sums[m].size());
        ofExplained.resize(sums[m].size());
        for (std::size_t s = 0; s < sums[m].size(); ++s) {
            const InformationSums &one = sums[m][s];
            const double moved = (one.bits - bits * one.pairs) / all.pairs;
            influence.push_back(moved);
            ofMean[s] += moved;
            ofExplained[s] += (moved - share * (one.surprise - surprise * one.pairs) / all.pairs) / entropy[m];
        }
        intervals.information.push_back(intervalAround(bits, influence, 0, entropy[m]));
        information += bits;
        explained += share;
        ++layers;
    }
    for (std::vector<double> *of : {&ofMean, &ofExplained})
        for (double &x : *of)
            x /= layers;
    intervals.meanInformation = intervalAround(information / layers, ofMean, 0, unbounded);
    intervals.meanExplained = intervalAround(explained / layers, ofExplained, -unbounded, 1);
    return intervals;
}

} // namespace expertscope
