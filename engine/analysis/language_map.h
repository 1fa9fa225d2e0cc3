// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A matrix of distances as a picture: points in the plane.
#pragma once

#include <cstddef>
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

} // namespace expertscope
