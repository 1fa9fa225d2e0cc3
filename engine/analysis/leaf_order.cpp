// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/leaf_order.h"

#include <algorithm>
#include <limits>

namespace expertscope {

std::vector<int> leafOrder(std::span<const double> distances, int n)
{
    const auto size = static_cast<std::size_t>(n);
    std::vector<double> between(distances.begin(), distances.end());
    std::vector<std::vector<int>> branches(size);
    for (std::size_t i = 0; i < size; ++i)
        branches[i] = {static_cast<int>(i)};
    const auto leaves = [&](int a, int b) { return distances[static_cast<std::size_t>(a) * size + static_cast<std::size_t>(b)]; };

    for (int left = n; left > 1; --left) {
        double nearest = std::numeric_limits<double>::infinity();
        std::size_t a = 0, b = 0;
        for (std::size_t i = 0; i < size; ++i) {
            if (branches[i].empty())
                continue;
            for (std::size_t j = i + 1; j < size; ++j)
                if (!branches[j].empty() && between[i * size + j] < nearest) {
                    nearest = between[i * size + j];
                    a = i;
                    b = j;
                }
        }
        if (a == b) { // nothing comparable is left: the rest in order
            std::vector<int> rest;
            for (const std::vector<int> &branch : branches)
                rest.insert(rest.end(), branch.begin(), branch.end());
            return rest;
        }
        std::vector<int> &first = branches[a], &second = branches[b];
        const double ends[] = {leaves(first.back(), second.front()), leaves(first.back(), second.back()),
            leaves(first.front(), second.front()), leaves(first.front(), second.back())};
        const auto turn = std::min_element(std::begin(ends), std::end(ends)) - std::begin(ends);
        if (turn >= 2)
            std::reverse(first.begin(), first.end());
        if (turn % 2 == 1)
            std::reverse(second.begin(), second.end());
        const auto weightA = static_cast<double>(first.size()), weightB = static_cast<double>(second.size());
        for (std::size_t i = 0; i < size; ++i) {
            const double joined = (weightA * between[i * size + a] + weightB * between[i * size + b]) / (weightA + weightB);
            between[i * size + a] = between[a * size + i] = joined;
        }
        first.insert(first.end(), second.begin(), second.end());
        second.clear();
    }
    for (const std::vector<int> &branch : branches)
        if (!branch.empty())
            return branch;
    return {};
}

} // namespace expertscope
