// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/pair_counter.h"

#include <algorithm>

namespace expertscope {

PairCounter::PairCounter(int experts)
    : m_experts{experts}
{
    const auto e = static_cast<std::size_t>(experts);
    m_firstNow.resize(e);
    m_first.resize(e);
    m_firstSquares.resize(e);
    m_sequences.resize(e);
    m_pairNow.resize(e * e);
    m_pairs.resize(e * e);
    m_pairSquares.resize(e * e);
    m_products.resize(e * e);
}

void PairCounter::endSequence()
{
    const auto experts = static_cast<std::size_t>(m_experts);
    for (const std::uint32_t cell : m_touched) {
        const auto n = static_cast<double>(m_pairNow[cell]);
        m_pairs[cell] += m_pairNow[cell];
        m_pairSquares[cell] += n * n;
        m_products[cell] += n * static_cast<double>(m_firstNow[cell / experts]);
        m_pairNow[cell] = 0;
    }
    m_touched.clear();
    for (std::size_t e = 0; e < experts; ++e) {
        const auto n = static_cast<double>(m_firstNow[e]);
        m_first[e] += m_firstNow[e];
        m_firstSquares[e] += n * n;
        m_sequences[e] += m_firstNow[e] > 0;
    }
    std::fill(m_firstNow.begin(), m_firstNow.end(), 0u);
}

void PairCounter::dropErrors()
{
    m_pairNow = {};
    m_touched = {};
    m_pairSquares = {};
    m_products = {};
}

Ratio PairCounter::ratio(int first, int second) const
{
    const std::size_t cell = index(first, second);
    const auto row = static_cast<std::size_t>(first);
    return {.y = static_cast<double>(m_pairs[cell]),
        .x = static_cast<double>(m_first[row]),
        .yy = m_pairSquares[cell],
        .xy = m_products[cell],
        .xx = m_firstSquares[row],
        .sequences = m_sequences[row]};
}

} // namespace expertscope
