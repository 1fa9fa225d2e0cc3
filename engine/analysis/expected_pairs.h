// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The null of co-activation: how often two experts would meet if partners were picked without regard to each other.
#pragma once

#include "engine/analysis/pair_counter.h"

#include <vector>

namespace expertscope {

/// [E, E] expected counts e_ij = a_i a_j (i != j), with the a that give every expert as many partners as were counted: quasi-independence
/// (Goodman 1968). An expert never meets itself, so for a uniform router that picks k of E this is P(j|i) = (k-1)/(E-1); for k = 2 it is
/// the exact null of random pairs with these loads. `pairs` counts each pair both ways.
std::vector<double> expectedPairs(const PairCounter &pairs);

} // namespace expertscope
