// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A share counted over sequences, with an error that takes whole sequences, not tokens, as independent.
#pragma once

#include "engine/analysis/statistics.h"

#include <cstdint>

namespace expertscope {

/// sum y / sum x over sequences. The error is that of a ratio of cluster totals, linearised (Cochran 1977, Sampling Techniques, eq. 6.13):
/// what a bootstrap over sequences tends to, in one pass and without random numbers.
struct Ratio {
    double y = 0, x = 0; ///< sums
    double yy = 0, xy = 0, xx = 0; ///< sums of squares and products of the sequences' totals
    std::int64_t sequences = 0; ///< with x > 0

    void add(double sequenceY, double sequenceX);
    double value() const; ///< NaN where x is 0
    double error() const; ///< standard error; NaN for fewer than two sequences
    Interval interval(double most = 1) const; ///< 95 %: value +- 1.96 errors, within [0, most]
};

} // namespace expertscope
