// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ScaleSettings: what a person chose for the colours of a view. The menu that changes it, shared by all coloured views.
#pragma once

#include "views/common/colour_map.h"

#include <QVariantMap>

#include <functional>

class QMenu;

namespace expertscope {

struct ScaleSettings {
    ColourMap sequential = ColourMap::Viridis; ///< used where the data is neither diverging nor categorical
    RangeMode mode = RangeMode::Full;
    double low = 0; ///< of a locked range
    double high = 1;
    bool operator==(const ScaleSettings &) const = default;

    /// The scale to draw with. natural: the kind of map the data needs; range: of the data under `mode`.
    ColourScale scale(ColourMap natural, std::pair<double, double> range) const;

    QVariantMap save() const;
    static ScaleSettings restore(const QVariantMap &state);
};

/// Adds colour map and range entries. `shown` is the scale on the screen (what "lock" keeps); apply gets every new choice.
void addScaleActions(
    QMenu &menu, const ScaleSettings &settings, const ColourScale &shown, const std::function<void(const ScaleSettings &)> &apply);

/// What a click on the legend does: lock the range shown, or set it free.
ScaleSettings toggledLock(const ScaleSettings &settings, const ColourScale &shown);

} // namespace expertscope
