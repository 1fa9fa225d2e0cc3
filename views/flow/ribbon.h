// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Ribbon: the band of one flow in a Sankey, between two columns. As a path for vector devices; for pixels many at once, since painting
// hundreds of curved paths one by one takes longer than a picture may.
#pragma once

#include <QColor>
#include <QPainter>
#include <QPainterPath>
#include <QPointF>

#include <span>

namespace expertscope {

struct Ribbon {
    QPointF start, end; ///< its upper corners; start lies to the left
    double height = 0; ///< the same from end to end

    /// Bent as a cubic Bézier curve whose control points lie half-way, at the heights of the ends.
    QPainterPath path() const;
    bool contains(QPointF at) const;
};

struct ColouredRibbon {
    Ribbon ribbon;
    QColor colour;
};

/// Fills the ribbons in the order given, each over those before. All start at one x and end at one x.
void fillRibbons(QPainter &painter, std::span<const ColouredRibbon> ribbons);

} // namespace expertscope
