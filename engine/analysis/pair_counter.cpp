// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/pair_counter.h"

#include <algorithm>

namespace expertscope {

PairCounter::PairCounter(int experts)
    : m_experts{experts}
    , m_width{(static_cast<std::size_t>(experts) + runLength - 1) / runLength * runLength}
{
    const auto e = static_cast<std::size_t>(experts);
    m_firstNow.resize(e);
    m_first.resize(e);
    m_firstSquares.resize(e);
    m_sequences.resize(e);
    m_pairNow.resize(e * m_width);
    m_touched.resize(e * m_width / runLength);
    m_pairs.resize(e * m_width);
    m_pairSquares.resize(e * m_width);
    m_products.resize(e * m_width);
}

void PairCounter::endSequence()
{
    for (auto run = m_touched.begin(); (run = std::find(run, m_touched.end(), 1)) != m_touched.end(); ++run) {
        *run = 0;
        const std::size_t begin = static_cast<std::size_t>(run - m_touched.begin()) * runLength;
        const auto first = static_cast<double>(m_firstNow[begin / m_width]);
        for (std::size_t cell = begin; cell < begin + runLength; ++cell) {
            const auto n = static_cast<double>(m_pairNow[cell]);
            m_pairs[cell] += m_pairNow[cell];
            m_pairSquares[cell] += n * n;
            m_products[cell] += n * first;
            m_pairNow[cell] = 0;
        }
    }
    for (std::size_t e = 0; e < m_first.size(); ++e) {
        const auto n = static_cast<double>(m_firstNow[e]);
        m_first[e] += m_firstNow[e];
        m_firstSquares[e] += n * n;
        m_sequences[e] += m_firstNow[e] > 0;
    }
    std::fill(m_firstNow.begin(), m_firstNow.end(), 0);
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
