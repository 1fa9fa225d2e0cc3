// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/importers/import_checks.h"

#include "engine/core/error.h"

#include <cmath>
#include <cstdio>

namespace expertscope {

void ImportChecks::add(std::string name, double value, double limit, Fault fault)
{
    const bool passes = value <= limit; // not for NaN
    m_rows.push_back({std::move(name), passes ? "pass" : fault == Fault::Warns ? "warn" : "fail", value, limit});
}

void ImportChecks::skip(std::string name, std::string why)
{
    m_rows.push_back({std::move(name), "skip", std::nan(""), std::nan(""), std::move(why)});
}

void ImportChecks::refuseIfFailed(const std::string &where) const
{
    std::string failed;
    for (const TraceCheck &row : m_rows) {
        if (row.status != "fail")
            continue;
        char numbers[80];
        std::snprintf(numbers, sizeof numbers, ": %.10g (allowed: %.10g)", row.value, row.limit);
        failed += (failed.empty() ? "" : "; ") + row.name + numbers;
    }
    if (!failed.empty())
        throw Error{ErrorKind::Check, "this recording cannot be right: " + failed, where,
            "Record it again, or give what it lacks (--config, --physical-map, --experts)"};
}

} // namespace expertscope
