// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/cli/check_lines.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace expertscope {

std::vector<std::string> checkLines(std::span<const TraceCheck> checks)
{
    std::vector<TraceCheck> ordered(checks.begin(), checks.end());
    const auto urgency = [](const TraceCheck &check) {
        static constexpr std::array states{"fail", "warn", "pass"};
        return std::find(states.begin(), states.end(), check.status) - states.begin();
    };
    std::stable_sort(ordered.begin(), ordered.end(), [&](const TraceCheck &a, const TraceCheck &b) { return urgency(a) < urgency(b); });
    std::size_t longest = 0;
    for (const TraceCheck &check : ordered)
        longest = std::max(longest, check.name.size());
    std::vector<std::string> lines;
    for (const TraceCheck &check : ordered) {
        char numbers[96];
        std::snprintf(numbers, sizeof numbers, "  %.6g (allowed: %.6g)", check.value, check.limit);
        const std::string found = check.status == "skip" ? "  not checked: " + check.note : numbers;
        lines.push_back(check.status + "  " + check.name + std::string(longest - check.name.size(), ' ') + found);
    }
    return lines;
}

} // namespace expertscope
