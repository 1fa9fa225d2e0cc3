// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How much one thing counted says about another: mutual information of a table of counts, with what a finite sample adds to it.
#pragma once

#include <cstdint>
#include <span>

namespace expertscope {

struct MutualInformation {
    double bits; ///< sum p_ij log2(p_ij / (p_i p_j)) of the shares counted; NaN without counts
    double corrected; ///< less (cells - rows - columns + 1) / (2 n ln 2), those with counts (Miller 1955, Roulston 1999); may fall below 0
    double rowEntropy, columnEntropy; ///< bits
};

/// counts: [rows, columns].
MutualInformation mutualInformation(std::span<const std::int64_t> counts, std::size_t columns);

} // namespace expertscope
