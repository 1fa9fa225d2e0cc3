// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Average linkage of a matrix of distances: the tree, and the order of its leaves that puts like beside like.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace expertscope {

/// One step of average linkage (UPGMA; Sokal and Michener 1958). Clusters 0..n-1 are the points; merge i makes cluster n + i.
struct Merge {
    std::int64_t a = 0, b = 0; ///< a < b
    double height = 0; ///< mean distance between the members of the two
    std::int64_t size = 0; ///< points in the new cluster
};
/// n - 1 merges, heights ascending; of equally near clusters the lowest numbers merge first.
std::vector<Merge> averageLinkage(std::span<const double> distances, std::size_t n);
/// The leaves of that tree; where two branches meet they are turned so that the nearest ends touch. distances: [n, n], symmetric.
std::vector<int> leafOrder(std::span<const double> distances, std::size_t n);

} // namespace expertscope
