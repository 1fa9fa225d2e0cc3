// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Segment routing best performance (SRP): how well "always on" or "always off" over a window of tokens would serve an expert.
// Liang et al. 2025, arXiv 2505.16056, section 3.1, and its released code.
#pragma once

#include "engine/analysis/result.h"
#include "engine/core/trace.h"

#include <cstdint>
#include <span>
#include <vector>

namespace expertscope {

/// Counts of windows by how many of their tokens chose an expert, 0 to m.
class SegmentWindows {
public:
    SegmentWindows(int window, int experts);

    /// Every window of m consecutive tokens of a sequence, stride 1. ids: [n, K] of the whole sequence.
    void addSequence(std::span<const ExpertId> ids, std::size_t slotCount);
    /// Adds the sequences since the last call to the experts' histograms and, summed over experts, to `pooled` [m + 1].
    void endUnit(std::span<std::int64_t> pooled);

    int window() const { return m_window; }
    /// Of the units that have ended.
    std::span<const std::int64_t> ofExpert(int expert) const
    {
        return std::span{m_counts}.subspan(static_cast<std::size_t>(expert) * m_bins, m_bins);
    }

private:
    int m_window;
    std::size_t m_bins;
    std::vector<std::int64_t> m_counts; ///< [E, m + 1]
    std::vector<std::int32_t> m_unitCounts; ///< [E, m + 1] of the unit under way: small enough to stay in the cache
    bool m_unitBegun = false;
    struct Present {
        std::int32_t chosen; ///< tokens of the present window that chose the expert
        std::int32_t since; ///< the first window with that count
    };
    std::vector<Present> m_present; ///< [E]
};

struct Srp {
    double value = noNumber; ///< largest F1 over thresholds; NaN without windows or choices
    double lowerBound = noNumber; ///< 2 r / (1 + r): F1 of "always on"
    double rho = noNumber; ///< choices predicted over choices made, at the best threshold
    double rate = noNumber; ///< r: share of a window's tokens that chose the expert
    std::int64_t alpha = 0; ///< best threshold: a window counts as "on" with as many choices; the lowest of equals
};

/// windows: [m + 1] numbers of windows by count of choices; may be fractional.
Srp srpOf(std::span<const double> windows);
Srp srpOf(std::span<const std::int64_t> windows);

/// [m + 1] windows expected of an expert with this histogram if its tokens came in random order: binomial(m, r).
std::vector<double> shuffledWindows(std::span<const std::int64_t> windows);

} // namespace expertscope
