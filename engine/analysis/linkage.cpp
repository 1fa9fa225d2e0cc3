// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/linkage.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace expertscope {

std::vector<Merge> averageLinkage(std::span<const double> distances, std::size_t n)
{
    struct Cluster {
        std::int64_t id;
        double size;
    };
    std::vector<Cluster> clusters;
    for (std::size_t i = 0; i < n; ++i)
        clusters.push_back({static_cast<std::int64_t>(i), 1});
    std::vector<double> d(distances.begin(), distances.end()); // [n, n], rows of `clusters` by their place in it
    std::vector<std::size_t> place(n);
    std::iota(place.begin(), place.end(), std::size_t{0});
    std::vector<Merge> merges;
    while (clusters.size() > 1) {
        std::size_t a = 0, b = 1;
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < clusters.size(); ++i)
            for (std::size_t j = i + 1; j < clusters.size(); ++j)
                if (d[place[i] * n + place[j]] < least) {
                    least = d[place[i] * n + place[j]];
                    a = i;
                    b = j;
                }
        const double size = clusters[a].size + clusters[b].size;
        for (std::size_t k = 0; k < clusters.size(); ++k) {
            const double joined = (clusters[a].size * d[place[a] * n + place[k]] + clusters[b].size * d[place[b] * n + place[k]]) / size;
            d[place[a] * n + place[k]] = d[place[k] * n + place[a]] = joined;
        }
        merges.push_back({clusters[a].id, clusters[b].id, least, static_cast<std::int64_t>(size)});
        // the new cluster has the highest number: it goes to the end, so that ids stay ascending
        const std::size_t kept = place[a];
        for (const std::size_t gone : {b, a}) {
            clusters.erase(clusters.begin() + static_cast<std::ptrdiff_t>(gone));
            place.erase(place.begin() + static_cast<std::ptrdiff_t>(gone));
        }
        clusters.push_back({static_cast<std::int64_t>(n + merges.size() - 1), size});
        place.push_back(kept);
    }
    return merges;
}

std::vector<int> leafOrder(std::span<const double> distances, std::size_t n)
{
    const auto between = [&](int a, int b) { return distances[static_cast<std::size_t>(a) * n + static_cast<std::size_t>(b)]; };
    std::vector<std::vector<int>> branches; // of the points, then of the merges
    for (std::size_t i = 0; i < n; ++i)
        branches.push_back({static_cast<int>(i)});
    for (const Merge &merge : averageLinkage(distances, n)) {
        std::vector<int> joined = std::move(branches[static_cast<std::size_t>(merge.a)]);
        std::vector<int> &second = branches[static_cast<std::size_t>(merge.b)];
        const double ends[] = {between(joined.back(), second.front()), between(joined.back(), second.back()),
            between(joined.front(), second.front()), between(joined.front(), second.back())};
        const auto turn = std::min_element(std::begin(ends), std::end(ends)) - std::begin(ends);
        if (turn >= 2)
            std::reverse(joined.begin(), joined.end());
        if (turn % 2 == 1)
            std::reverse(second.begin(), second.end());
        joined.insert(joined.end(), second.begin(), second.end());
        branches.push_back(std::move(joined));
    }
    return n == 0 ? std::vector<int>{} : branches.back();
}

} // namespace expertscope
