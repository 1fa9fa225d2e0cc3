// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Entropy of a distribution over experts, and how far two of them are apart.
#pragma once

#include <span>

namespace expertscope {

/// -sum q ln q in nats, in [0, ln E]; 0 ln 0 = 0. q [E] sums to 1. NaN if a value is NaN.
double entropy(std::span<const float> q);

/// Jensen-Shannon divergence of a and b [E], and the same over what its entropies leave possible (Bandarkar et al. 2025,
/// arXiv 2510.04694, eq. 2 and 8): normalised = JSD / (ln E - (H(a) + H(b)) / 2), in [0, 1]; NaN where both are uniform.
struct Divergence {
    double jsd = 0; ///< nats
    double normalised = 0;
};
/// entropyA and entropyB: entropy(a) and entropy(b), which a caller of many pairs has at hand.
Divergence divergence(std::span<const float> a, std::span<const float> b, double entropyA, double entropyB);

} // namespace expertscope
