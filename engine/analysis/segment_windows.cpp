// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/segment_windows.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace expertscope {

SegmentWindows::SegmentWindows(int window, int experts)
    : m_window{window}
    , m_bins{static_cast<std::size_t>(window) + 1}
    , m_counts(static_cast<std::size_t>(experts) * m_bins)
    , m_unitCounts(m_counts.size())
    , m_present(static_cast<std::size_t>(experts))
{
}

void SegmentWindows::addSequence(std::span<const ExpertId> ids, std::size_t slotCount)
{
    const auto tokens = static_cast<std::int32_t>(ids.size() / slotCount);
    if (tokens < m_window)
        return;
    m_unitBegun = true;
    std::fill(m_present.begin(), m_present.end(), Present{0, 0});
    // a count holds from the window it was reached in to the window it changes in: only experts that come or go cost time
    const auto record = [&](std::size_t expert, std::int32_t window) {
        Present &present = m_present[expert];
        const auto bin = static_cast<std::size_t>(std::min(present.chosen, m_window)); // a token that names an expert twice
        m_unitCounts[expert * m_bins + bin] += window - present.since;
        present.since = window;
    };
    const auto change = [&](std::int32_t token, int by, std::int32_t window) {
        for (const ExpertId id : ids.subspan(static_cast<std::size_t>(token) * slotCount, slotCount)) {
            if (id == noExpert)
                continue;
            record(id, window);
            m_present[id].chosen += by;
        }
    };
    for (std::int32_t t = 0; t < m_window; ++t)
        change(t, 1, 0);
    for (std::int32_t t = m_window; t < tokens; ++t) {
        const std::int32_t window = t - m_window + 1; // the one that ends here
        change(window - 1, -1, window);
        change(t, 1, window);
    }
    for (std::size_t expert = 0; expert < m_present.size(); ++expert)
        record(expert, tokens - m_window + 1);
}

void SegmentWindows::endUnit(std::span<std::int64_t> pooled)
{
    if (!std::exchange(m_unitBegun, false))
        return;
    for (std::size_t row = 0; row < m_counts.size(); row += m_bins)
        for (std::size_t f = 0; f < m_bins; ++f) {
            pooled[f] += m_unitCounts[row + f];
            m_counts[row + f] += m_unitCounts[row + f];
            m_unitCounts[row + f] = 0;
        }
}

Srp srpOf(std::span<const double> windows)
{
    const auto m = static_cast<double>(windows.size() - 1);
    double all = 0, choices = 0;
    for (std::size_t f = 0; f < windows.size(); ++f) {
        all += windows[f];
        choices += static_cast<double>(f) * windows[f];
    }
    if (!(choices > 0))
        return {noNumber, noNumber, noNumber, all > 0 ? 0.0 : noNumber, 0};
    Srp best{-1, 0, 0, choices / (m * all), 0};
    best.lowerBound = 2 * best.rate / (1 + best.rate);
    double match = 0, predicted = 0;
    for (std::size_t f = windows.size(); f-- > 0;) {
        match += static_cast<double>(f) * windows[f];
        predicted += m * windows[f];
        if (const double f1 = 2 * match / (predicted + choices); f1 >= best.value) {
            best.value = f1;
            best.rho = predicted / choices;
            best.alpha = static_cast<std::int64_t>(f);
        }
    }
    return best;
}

Srp srpOf(std::span<const std::int64_t> windows)
{
    return srpOf(std::vector<double>(windows.begin(), windows.end()));
}

std::vector<double> shuffledWindows(std::span<const std::int64_t> windows)
{
    const std::size_t m = windows.size() - 1;
    double all = 0, choices = 0;
    for (std::size_t f = 0; f <= m; ++f) {
        all += static_cast<double>(windows[f]);
        choices += static_cast<double>(f) * static_cast<double>(windows[f]);
    }
    std::vector<double> expected(windows.size(), 0.0);
    const double r = all > 0 ? choices / (static_cast<double>(m) * all) : 0;
    if (r <= 0 || r >= 1) {
        expected[r > 0 ? m : 0] = all;
        return expected;
    }
    double logChoose = 0; // ln C(m, f)
    for (std::size_t f = 0; f <= m; ++f) {
        const auto n = static_cast<double>(f);
        expected[f] = all * std::exp(logChoose + n * std::log(r) + static_cast<double>(m - f) * std::log1p(-r));
        logChoose += std::log(static_cast<double>(m - f)) - std::log(n + 1);
    }
    return expected;
}

} // namespace expertscope
