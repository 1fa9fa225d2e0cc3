// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A steering experiment from its plan to its Result: finds experts, tries them on the open half, judges on the held-out half. The same for
// command line and window.
#pragma once

#include "app/experiments/experiment.h"
#include "engine/experiments/sweep.h"

#include <filesystem>
#include <functional>

namespace expertscope {

/// Experts as the open half of the plan's texts shows them. The plan names its data by whole paths. Throws Error (Input, Usage, Check);
/// Cancelled.
SweepExperts findSweepExperts(const SweepPlan &plan, const Experiment &experiment);

struct SweepReport {
    Result result; ///< of sweepKind()
    Recipe recipe; ///< the chosen one, with `found` and `measured`
};
/// Goes on from the scores that are in the folder, and writes plan, result and recipe there. onFound (may be empty) is told the experts
/// before they are tried. Throws Cancelled, with what was scored in the folder; Error as findSweepExperts(), scored() and claimFolder() do.
SweepReport runSweep(const SweepPlan &plan, const std::filesystem::path &folder, const Experiment &experiment,
    const std::function<void(const SweepExperts &)> &onFound = {});

} // namespace expertscope
