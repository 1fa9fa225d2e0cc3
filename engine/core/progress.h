// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How long work reports where it is and hears that it should stop.
// Passed down by reference; a default-constructed one reports nowhere and never stops.
#pragma once

#include "engine/core/error.h"

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>

namespace expertscope {

class Progress {
public:
    /// Called from the working thread; `done` of `total` units (`total` 0 = unknown), `what` names the unit ("tokens").
    using Report = std::function<void(std::int64_t done, std::int64_t total, std::string_view what)>;

    Progress() = default;
    explicit Progress(std::stop_token stop, Report report = {})
        : m_stop{std::move(stop)}
        , m_report{std::move(report)}
    {
    }

    void report(std::int64_t done, std::int64_t total, std::string_view what) const
    {
        if (m_report)
            m_report(done, total, what);
    }
    /// For a part of the work that starts after `offset` of `total` units: what the part reports is moved there.
    Progress part(std::int64_t offset, std::int64_t total) const
    {
        return Progress{m_stop, [report = m_report, offset, total](std::int64_t done, std::int64_t, std::string_view what) {
                            if (report)
                                report(offset + done, total, what);
                        }};
    }
    const std::stop_token &stopToken() const { return m_stop; }
    bool stopped() const { return m_stop.stop_requested(); }
    /// Throws Cancelled when the person stopped the work. Cheap: call it between layers and between blocks.
    void check() const
    {
        if (stopped())
            throw Cancelled{};
    }

private:
    std::stop_token m_stop;
    Report m_report;
};

} // namespace expertscope
