// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Parts of the table "specialisation" as figures: one group over all experts, one expert over all groups.
#pragma once

#include "engine/analysis/result.h"

#include <string>
#include <vector>

namespace expertscope {

enum class GroupValue {
    Log2Lift, ///< share over the expert's load, half a count added to both
    Difference, ///< share minus the expert's load
};

struct GroupMap {
    Matrix matrix; ///< [layers, experts]
    std::vector<bool> significant; ///< [layers, experts]
};

/// Groups in the order of the table.
std::vector<std::string> groupsOf(const Table &specialisation);
GroupMap groupMap(const Table &specialisation, const std::string &group, GroupValue value);
/// Bars: the share of every group's tokens that chose the expert, with its interval, its load and the share of an even router.
Series expertBars(const Table &specialisation, std::int64_t layer, std::int64_t expert);

} // namespace expertscope
