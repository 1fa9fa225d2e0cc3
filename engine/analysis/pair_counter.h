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
        const auto cell = static_cast<std::uint32_t>(index(first, second));
        if (m_pairNow[cell]++ == 0)
            m_touched.push_back(cell);
    }
    void endSequence();
    /// Frees what only ratio() needs: counts remain.
    void dropErrors();

    int experts() const { return m_experts; }
    std::int64_t first(int expert) const { return m_first[static_cast<std::size_t>(expert)]; }
    std::int64_t count(int first, int second) const { return m_pairs[index(first, second)]; }
    Ratio ratio(int first, int second) const; ///< P(second | first); its x is first(first)

private:
    std::size_t index(int first, int second) const
    {
        return static_cast<std::size_t>(first) * static_cast<std::size_t>(m_experts) + static_cast<std::size_t>(second);
    }

    int m_experts;
    std::vector<std::uint32_t> m_firstNow, m_pairNow, m_touched; ///< of the sequence being counted
    std::vector<std::int64_t> m_first, m_pairs;
    std::vector<double> m_firstSquares, m_pairSquares, m_products;
    std::vector<std::int64_t> m_sequences; ///< that have the first expert
};

} // namespace expertscope
