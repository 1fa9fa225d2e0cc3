// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a table of counts of keys (token ids, positions) against experts says about how the two depend on each other.
#pragma once

#include "engine/analysis/mutual_information.h"
#include "engine/analysis/statistics.h"

#include <cstdint>
#include <span>

namespace expertscope {

/// Of the keys (rows) and experts (columns) of counts [V, E].
MutualInformation keyInformation(std::span<const std::uint32_t> counts, std::size_t experts);
/// 1 - H / ln E of one key's counts [E]: 1 = always one expert, 0 = even. NaN for zeros or a single expert.
double concentration(std::span<const std::uint32_t> counts);
/// Population standard deviation over experts of the shares of one key's counts [E]; they sum to 1. NaN for zeros.
double spreadOverExperts(std::span<const std::uint32_t> counts);
/// 95 % interval of the mean of one value in [0, 1] per key, keys as the sample: mean +- 1.96 standard errors. NaN for fewer than two.
Interval meanInterval(std::span<const double> values);

} // namespace expertscope
