// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A matrix of distances as a picture: points in the plane, and a tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace expertscope {

/// Classical (metric) multidimensional scaling (Torgerson 1952): double-centred squared distances, two leading eigenvectors.
/// Each axis is turned so that its largest coordinate is positive: the same distances give the same picture.
struct PlaneMap {
    std::vector<double> x, y; ///< [n]
    double explained = 0; ///< share of the positive eigenvalues that the two axes hold, in [0, 1]
    double stress = 0; ///< Kruskal's stress-1 of the distances in the plane; 0 = exact
};
/// distances: [n, n], symmetric, without NaN.
PlaneMap planeMap(std::span<const double> distances, std::size_t n);

/// One step of average linkage (UPGMA; Sokal and Michener 1958). Clusters 0..n-1 are the points; merge i makes cluster n + i.
struct Merge {
    std::int64_t a = 0, b = 0; ///< a < b
    double height = 0; ///< mean distance between the members of the two
    std::int64_t size = 0; ///< points in the new cluster
};
/// n - 1 merges, heights ascending; of equally near clusters the lowest numbers merge first.
std::vector<Merge> averageLinkage(std::span<const double> distances, std::size_t n);

} // namespace expertscope
