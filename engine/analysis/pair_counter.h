// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Counts ordered pairs of experts (chosen together, or one after the other) sequence by sequence, so that P(second | first) has an
// interval that takes sequences as independent.
#pragma once

#include "engine/analysis/ratio.h"
#include "engine/core/trace.h"

#include <cstdint>
#include <vector>

namespace expertscope {

class PairCounter {
public:
    explicit PairCounter(int experts); ///< square tables: 28 bytes per pair of experts

    void addFirst(ExpertId first) { ++m_firstNow[first]; }
    void addPair(ExpertId first, ExpertId second)
    {
        const std::size_t cell = index(first, second);
        ++m_pairNow[cell];
        m_touched[cell / runLength] = 1; // a test whether it is the first would be guessed wrong half of the time
    }
    void endSequence();
    /// Frees what only ratio() needs: counts remain.
    void dropErrors();

    int experts() const { return m_experts; }
    std::int64_t first(int expert) const { return m_first[static_cast<std::size_t>(expert)]; }
    std::int64_t count(int first, int second) const { return m_pairs[index(first, second)]; }
    Ratio ratio(int first, int second) const; ///< P(second | first); its x is first(first)

private:
    std::size_t index(int first, int second) const { return static_cast<std::size_t>(first) * m_width + static_cast<std::size_t>(second); }

    static constexpr std::size_t runLength = 16; ///< cells that are added up together: a cache line of m_pairNow

    int m_experts;
    std::size_t m_width; ///< of a row: the experts, filled up to whole runs
    std::vector<std::int32_t> m_firstNow, m_pairNow; ///< of the sequence being counted
    std::vector<std::uint16_t> m_touched; ///< 1 for a run with pairs of that sequence
    std::vector<std::int64_t> m_first, m_pairs;
    std::vector<double> m_firstSquares, m_pairSquares, m_products;
    std::vector<std::int64_t> m_sequences; ///< that have the first expert
};

} // namespace expertscope
