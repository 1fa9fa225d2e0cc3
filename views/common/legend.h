// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The legend of a coloured view: a colour bar with ticks, unit, chance level, clipping and what missing looks like.
// LegendBar is the horizontal one as a widget.
#pragma once

#include "views/common/colour_map.h"
#include "views/common/figure.h"

#include <QWidget>

#include <limits>

namespace expertscope {

struct LegendSpec {
    ColourScale scale;
    QString title; ///< with the unit: "Router entropy [bits]"
    int categories = 0; ///< of a categorical scale
    double reference = std::numeric_limits<double>::quiet_NaN(); ///< marked on the bar; NaN = none
    QString referenceName; ///< "chance"
    bool clippedLow = false; ///< some values lie below the range
    bool clippedHigh = false;
    bool missing = false; ///< some values are missing (hatched)
    QString missingName = QStringLiteral("missing");
    bool locked = false; ///< the range does not follow the data
};

/// Paints the bar into the target. Horizontal: title above the bar, ticks below. Vertical: ticks right of the bar, title rotated.
void paintLegend(QPainter &painter, const QRectF &target, const LegendSpec &spec, Qt::Orientation orientation, const FigureLook &look);

/// Width a vertical, height a horizontal legend needs.
double legendExtent(const LegendSpec &spec, Qt::Orientation orientation, const FigureLook &look);

/// Diagonal lines for what is missing.
void paintHatch(QPainter &painter, const QRectF &rect, const FigureLook &look);

/// A horizontal legend; a click asks to lock or free the range, a context menu is the owner's.
class LegendBar : public QWidget {
    Q_OBJECT
public:
    explicit LegendBar(QWidget *parent = nullptr);
    void setSpec(const LegendSpec &spec);
    const LegendSpec &spec() const { return m_spec; }
    QSize sizeHint() const override;

signals:
    void clicked();

protected:
    void paintEvent(QPaintEvent *) override;
    void mouseReleaseEvent(QMouseEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;

private:
    LegendSpec m_spec;
};

} // namespace expertscope
