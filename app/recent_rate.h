// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RecentRate: units of work a second over the last half minute, so that what was found done already, or a slow beginning, does not
// speak for what is left.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

namespace expertscope {

class RecentRate {
public:
    /// `done` units were done at this time, in seconds from anywhere. Fewer than before begin anew.
    void add(std::int64_t done, double seconds)
    {
        if (!m_samples.empty() && done < m_samples.back().first)
            m_samples.clear();
        if (m_samples.size() > 1 && seconds - m_samples[m_samples.size() - 2].second < between)
            m_samples.pop_back();
        m_samples.emplace_back(done, seconds);
        while (m_samples.size() > 2 && seconds - m_samples[1].second > window)
            m_samples.pop_front();
    }
    void clear() { m_samples.clear(); }
    /// 0 = not known yet.
    double perSecond() const
    {
        if (m_samples.empty())
            return 0;
        const auto &[done, since] = m_samples.front();
        const double seconds = m_samples.back().second - since;
        return seconds > 0 ? static_cast<double>(m_samples.back().first - done) / seconds : 0;
    }
    /// That the samples span.
    double seconds() const { return m_samples.empty() ? 0 : m_samples.back().second - m_samples.front().second; }

private:
    static constexpr double window = 30, between = 0.25;
    std::deque<std::pair<std::int64_t, double>> m_samples; ///< done, time; the first is at most a window old
};

} // namespace expertscope
