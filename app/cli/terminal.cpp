// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/cli/terminal.h"

#include "engine/core/memory_plan.h"

#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace expertscope {

namespace {

// A signal handler may touch little more than lock-free atomics; request_stop() of a stop_source without callbacks is one.
std::stop_source interrupt;
volatile std::sig_atomic_t interrupts = 0;

void onInterrupt(int)
{
    interrupts = interrupts + 1;
    if (interrupts > 1)
        std::_Exit(130);
    interrupt.request_stop();
}

double secondsAt(std::chrono::steady_clock::time_point time)
{
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// "0.4", "12": units a second.
std::string rateText(double rate)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", rate < 10 ? 1 : 0, rate);
    return text;
}

std::string duration(double seconds)
{
    const auto s = static_cast<long>(seconds + 0.5);
    char text[32];
    if (s >= 3600)
        std::snprintf(text, sizeof text, "%ld h %02ld min", s / 3600, s / 60 % 60);
    else if (s >= 60)
        std::snprintf(text, sizeof text, "%ld min %02ld s", s / 60, s % 60);
    else
        std::snprintf(text, sizeof text, "%ld s", s);
    return text;
}

} // namespace

Terminal::Terminal()
    : m_tty{isatty(STDERR_FILENO) != 0}
{
    std::signal(SIGINT, onInterrupt);
    std::signal(SIGTERM, onInterrupt);
}

void Terminal::note(std::string_view text)
{
    if (m_quiet)
        return;
    endProgress();
    std::fflush(stdout); // where both go to one file, in the order they were said
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

void Terminal::error(std::string_view text)
{
    endProgress();
    std::fprintf(stderr, "expertscope: %.*s\n", static_cast<int>(text.size()), text.data());
}

Progress Terminal::progress(std::int64_t doneBefore)
{
    m_shown = Clock::now();
    m_rate.clear();
    m_rate.add(doneBefore, secondsAt(m_shown));
    return Progress{
        interrupt.get_token(), [this](std::int64_t done, std::int64_t total, std::string_view what) { show(done, total, what); }};
}

void Terminal::show(std::int64_t done, std::int64_t total, std::string_view what)
{
    const auto now = Clock::now();
    m_rate.add(done, secondsAt(now));
    const auto between = m_tty ? std::chrono::milliseconds{200} : std::chrono::milliseconds{10000};
    if (m_quiet || now - m_shown < between)
        return;
    m_shown = now;
    const double rate = m_rate.perSecond();
    const bool bytes = what == "bytes";
    const auto number = [bytes](std::int64_t value) { return bytes ? sizeText(value) : std::to_string(value); };
    std::string line = number(done);
    if (total > 0)
        line += " of " + number(total);
    if (!bytes)
        line += ' ' + std::string{what};
    if (rate > 0)
        line += ", " + (bytes ? sizeText(std::llround(rate)) : rateText(rate)) + "/s";
    if (total > 0 && rate > 0)
        line += ", " + duration(static_cast<double>(total - done) / rate) + " left";
    std::fprintf(stderr, m_tty ? "\r\x1b[K%s" : "%s\n", line.c_str());
    std::fflush(stderr);
    m_lineOpen = m_tty;
}

void Terminal::endProgress()
{
    if (m_lineOpen)
        std::fputc('\n', stderr);
    m_lineOpen = false;
}

bool Terminal::stopRequested() const
{
    return interrupt.stop_requested();
}

} // namespace expertscope
