// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a table of counts of keys (token ids, positions) against experts says about how the two depend on each other.
#pragma once

#include <cstdint>
#include <span>

namespace expertscope {

/// I(key; expert) in bits of counts [V, E], as counted: biased up where counts are few. NaN for a table of zeros.
double mutualInformationBits(std::span<const std::uint32_t> counts, std::size_t experts);
/// Entropy of the experts in bits, over all keys of counts [V, E].
double entropyOfExpertsBits(std::span<const std::uint32_t> counts, std::size_t experts);
/// 1 - H / ln E of one key's counts [E]: 1 = always one expert, 0 = even. NaN for zeros or a single expert.
double concentration(std::span<const std::uint32_t> counts);
/// Population standard deviation over experts of the shares of one key's counts [E]; they sum to 1. NaN for zeros.
double spreadOverExperts(std::span<const std::uint32_t> counts);

} // namespace expertscope
