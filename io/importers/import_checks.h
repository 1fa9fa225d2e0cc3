// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The checks an import runs, each against a fault that was seen in files of other tools: a list of rows for /checks.
// A fault either spoils the recording (the import is refused) or is worth a warning.
#pragma once

#include "engine/core/trace.h"

#include <string>
#include <vector>

namespace expertscope {

class ImportChecks {
public:
    enum class Fault { Refuses, Warns };

    explicit ImportChecks(std::vector<TraceCheck> &rows)
        : m_rows{rows}
    {
    }
    /// Passes while value <= limit.
    void add(std::string name, double value, double limit, Fault fault);
    /// A check that cannot be made, and why.
    void skip(std::string name, std::string why);
    /// Throws Error (Check) that names every check that refuses; nothing if there is none.
    void refuseIfFailed(const std::string &where) const;

private:
    std::vector<TraceCheck> &m_rows;
};

} // namespace expertscope
