// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Plans of steering experiments as files. In memory a plan names its data by whole paths, in a file relative to the file.
#pragma once

#include "engine/experiments/sweep_plan.h"

#include <filesystem>

namespace expertscope {

/// Throws Error (Input) as readWholeFile() and parsePlan() do.
SweepPlan readPlan(const std::filesystem::path &file);
/// Replaces a file that is there. Throws Error (Input).
void writePlan(const SweepPlan &plan, const std::filesystem::path &file);

} // namespace expertscope
