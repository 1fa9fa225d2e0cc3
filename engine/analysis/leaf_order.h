// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// An order of the rows of a matrix that puts like beside like: the leaves of an average-linkage tree.
#pragma once

#include <span>
#include <vector>

namespace expertscope {

/// distances: [n, n], symmetric. Average linkage (Sokal and Michener 1958); where two branches meet they are turned so that the nearest
/// ends touch. Ties go to the lower index, so the order is always the same. O(n^3).
std::vector<int> leafOrder(std::span<const double> distances, int n);

} // namespace expertscope
