// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Runs an analysis by its name, for tests, and compares its numbers with published ones.
#pragma once

#include "engine/analysis/analyses.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace expertscope::test {

using Settings = std::vector<std::pair<std::string, std::string>>;
using TextOfToken = std::function<std::string(std::int32_t)>;

inline Result analyse(
    const char *id, const std::vector<TracePtr> &traces, const Settings &settings = {}, const TextOfToken &textOfToken = {})
{
    const AnalysisKind &kind = analysisKind(id);
    return runAnalysis(kind, {traces, textOfToken}, Params{kind.params, settings}, Progress{});
}

inline Result analyse(const char *id, const TracePtr &trace, const Settings &settings = {}, const TextOfToken &textOfToken = {})
{
    return analyse(id, std::vector{trace}, settings, textOfToken);
}

/// "t7" for token 7.
inline std::string numbered(std::int32_t token)
{
    return "t" + std::to_string(token);
}

/// Values that are worked out here agree to rounding; `published` ones to half a unit of the last digit that is given.
constexpr double published = 5e-7;

inline bool near(double a, double b, double within = 1e-9)
{
    if (std::abs(a - b) <= within)
        return true;
    qWarning("%.9f instead of %.9f", a, b);
    return false;
}

inline bool mentions(const Result &result, const std::string &words)
{
    return std::any_of(
        result.notes.begin(), result.notes.end(), [&](const std::string &note) { return note.find(words) != std::string::npos; });
}

} // namespace expertscope::test
