// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Runs an analysis by its name, for tests, and compares its numbers with published ones.
#pragma once

#include "engine/analysis/analyses.h"

#include <QtTest>

#include <cmath>

namespace expertscope::test {

inline Result analyse(const char *id, const TracePtr &trace, const std::vector<std::pair<std::string, std::string>> &settings = {})
{
    const AnalysisKind &kind = analysisKind(id);
    return runAnalysis(kind, {{trace}, {}}, Params{kind.params, settings}, Progress{});
}

/// `within` is half a unit of the last published digit, unless the value is worked out exactly.
inline bool near(double a, double b, double within = 5e-7)
{
    if (std::abs(a - b) <= within)
        return true;
    qWarning("%.9f instead of %.9f", a, b);
    return false;
}

} // namespace expertscope::test
