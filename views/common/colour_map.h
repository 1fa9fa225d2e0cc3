// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Colours for numbers: sequential and diverging maps that survive colour blindness and grey print, and a stable colour per expert.
// ColourScale: one map over one range, with what lies outside it.
#pragma once

#include <QRgb>
#include <QString>

#include <span>
#include <utility>

namespace expertscope {

enum class ColourMap {
    Viridis,
    Cividis,
    Diverging, ///< blue - white - orange; the middle is the middle of the range
    Categorical, ///< the value is an expert id
};
QString title(ColourMap map);

/// 256 colours from low to high; not for Categorical.
std::span<const QRgb> colourTable(ColourMap map);

/// The colour of an expert id: the same in every view, every run. Ids that follow each other differ in hue, ids further apart in lightness
/// too.
QRgb expertColour(int expert);

/// Black or white, whichever reads better on the background.
QRgb inkOn(QRgb background);

/// How the range of a scale follows the data.
enum class RangeMode {
    Full, ///< smallest to largest value
    Robust, ///< 1st to 99th percentile; the rest is clipped and the legend says so
    Locked, ///< stays as it is whatever is shown
};

struct ColourScale {
    ColourMap map = ColourMap::Viridis;
    double low = 0;
    double high = 1;

    bool categorical() const { return map == ColourMap::Categorical; }
    /// Index into colourTable, clamped; the value must not be NaN.
    int index(float value) const;
    QRgb colour(float value) const;
};

/// Smallest and largest finite value of a set, and whether any is missing (NaN).
struct ValueExtent {
    double low = 0;
    double high = 0;
    bool any = false;
    bool missing = false;
};
ValueExtent extentOf(std::span<const float> values);

/// Range of a scale for values whose extent is known: full or robust, symmetric about `centre` for a diverging map; {0, 1} if nothing is
/// finite.
std::pair<double, double> autoRange(
    std::span<const float> values, const ValueExtent &extent, RangeMode mode, ColourMap map, double centre = 0);

} // namespace expertscope
