// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a right-click on experts offers in every view: boost, suppress, ablate, or ask what would happen.
#pragma once

#include "views/common/view.h"

#include <optional>

class QMenu;

namespace expertscope {

class HeatmapView;
class ResultTable;

/// Experts of one layer, as a menu speaks of them.
struct ExpertSet {
    int layer = 0; ///< the model's own number
    std::vector<int> experts;
};

/// The expert under the mouse, or all that are selected with it (a brush).
ExpertSet expertsUnder(const Selection &selection, const TraceMeta &meta, int layerNumber, int expert);

/// What a token chose; layer: index into TraceMeta::layers.
ExpertSet expertsOfToken(const RoutingTrace &trace, std::int64_t token, int layer);

/// Puts the entries before all others of the menu; nothing where nothing can be steered or the set is empty.
void addSteeringActions(QMenu &menu, const ViewContext &context, const ExpertSet &set);

/// Adds them to the menu of a map whose cells may stand for an expert: expertOf(row, column), nullopt where it does not.
void offerSteering(
    HeatmapView &map, const ViewContext &context, std::function<std::optional<ExpertSet>(int row, std::int64_t column)> expertOf);
/// ... and of a table with the columns `layer` and `expert`.
void offerSteering(ResultTable &table, const ViewContext &context);

} // namespace expertscope
