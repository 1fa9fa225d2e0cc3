// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Sampler: draws the next token from logits. Greedy, or temperature, then top-k, then top-p, in the order of the reference
// implementation; the same seed gives the same tokens on every machine that computes the same logits.
#pragma once

#include "engine/core/run_spec.h"

#include <cstdint>
#include <span>
#include <vector>

namespace expertscope {

/// log softmax(logits)[id] in nats.
double logProbability(std::span<const float> logits, std::int32_t id);

class Sampler {
public:
    /// Throws Error (Usage) on a temperature, topK or topP outside its range.
    explicit Sampler(const Sampling &sampling);

    /// logits: [V]. Greedy takes the lower id of equal logits. Otherwise draws by inverse distribution (in order of id, or of falling
    /// probability where a filter is on) with one number of a splitmix64 sequence (Steele et al. 2014, doi:10.1145/2660193.2660195)
    /// per call. Throws Error (Check) if a logit is not finite.
    std::int32_t draw(std::span<const float> logits);

private:
    std::vector<std::int32_t> candidates(std::span<const double> mass) const; ///< mass: [V], not normalised
    double uniform(); ///< [0, 1), 53 bits

    Sampling m_sampling;
    std::uint64_t m_state;
};

} // namespace expertscope
