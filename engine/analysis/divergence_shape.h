// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What shape a curve over layers has (a U, a fall, a rise), told from its replicates and its null, and said in words.
#pragma once

#include "engine/analysis/statistics.h"

#include <cstddef>
#include <string>
#include <vector>

namespace expertscope {

struct CurveShape {
    std::size_t trough = 0; ///< index of the lowest layer
    Interval troughAt; ///< index of the lowest layer in the replicates
    double lowest = noNumber; ///< value there
    Interval lowestInterval;
    double depth = noNumber; ///< the lower of first and last layer, minus the lowest: above 0 only where both ends are higher
    Interval depthInterval; ///< at the trough of the whole data
    double nullDepth = noNumber, nullDepthHigh = noNumber; ///< mean and 97.5 % quantile of the depth of null curves, each at its own trough
    std::string words; ///< "U-shaped: ..."; says so where the data cannot tell
};
/// curve: [M]; replicates, null: [M] of [R], replicate r being one curve; empty = none. layers: [M] names of the points.
CurveShape curveShape(const std::vector<double> &curve, const std::vector<std::vector<double>> &replicates,
    const std::vector<std::vector<double>> &null, const std::vector<int> &layers);

} // namespace expertscope
