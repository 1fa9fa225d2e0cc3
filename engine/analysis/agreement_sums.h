// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the agreement of two traces is made of: sums per sequence of one layer, and which tokens' sets differ.
#pragma once

#include "engine/analysis/statistics.h"
#include "engine/analysis/trace_pair.h"

#include <array>

namespace expertscope {

/// Where bins of margins begin, in logits; the last one has no end. Negative: a bias or policy chose against the logits.
inline constexpr std::array<double, 10> marginEdges{-1e9, 0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2};

/// One layer; the lists [S] are sums over a sequence's tokens, and are empty where the traces lack the field.
struct AgreementSums {
    std::vector<double> shared; ///< |A and B| / max(|A|, |B|); 1 where both are empty
    std::vector<double> replaced; ///< experts of A that are not in B
    std::vector<double> sameSet; ///< 1 where A = B
    std::vector<double> sameFirst; ///< 1 where the first choices are the same
    std::vector<double> kl; ///< nats, softmax of the first from the second, all experts
    std::vector<double> klTop; ///< nats, over the likeliest experts of the first, both renormalised
    std::vector<double> weightDifference; ///< sum over shared experts of |difference of gate weights|
    std::vector<std::int64_t> firstLoad, secondLoad; ///< [E]
    std::vector<bool> differs; ///< [tokens compared] in the order of TracePair::sequences
    std::array<std::int64_t, marginEdges.size()> marginTokens{}, marginFlips{};
};

/// KL(softmax(a) || softmax(b)) in nats, both over `of` only: indices into rows of logits.
double softmaxKl(std::span<const float> a, std::span<const float> b, std::span<const std::size_t> of);

/// [M]; klExtra: the KL is over k + floor(klExtra (E - k)) experts (EAQuant, arXiv 2506.13329).
std::vector<AgreementSums> agreementSums(const TracePair &pair, double klExtra, const Progress &progress);

} // namespace expertscope
