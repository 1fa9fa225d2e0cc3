// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The terminal of a command: data on standard output, progress and remarks on standard error, Ctrl-C as a stop request.
#pragma once

#include "app/recent_rate.h"
#include "engine/core/progress.h"

#include <chrono>
#include <string>
#include <string_view>

namespace expertscope {

class Terminal {
public:
    /// Installs the Ctrl-C handler: the first one asks running work to stop, the second ends the program at once.
    Terminal();

    void setQuiet(bool quiet) { m_quiet = quiet; }
    /// A remark on standard error; not with --quiet.
    void note(std::string_view text);
    /// An error on standard error, always.
    void error(std::string_view text);

    /// Progress of one piece of work: done of total, rate and remaining time. Redrawn in place on a terminal, else a line every
    /// ten seconds. doneBefore: of work that goes on where it was left.
    Progress progress(std::int64_t doneBefore = 0);
    /// Ends the progress line, so that what follows starts on its own line.
    void endProgress();
    bool stopRequested() const;

private:
    void show(std::int64_t done, std::int64_t total, std::string_view what);

    using Clock = std::chrono::steady_clock;
    bool m_quiet = false;
    bool m_tty = false;
    bool m_lineOpen = false;
    Clock::time_point m_shown;
    RecentRate m_rate;
};

} // namespace expertscope
