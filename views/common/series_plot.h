// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// SeriesPlot: a Series of a result as a chart: lines with their intervals, bars or dots, chance as dashes and band, axes with units.
// The same chart is on the screen, in pictures and in reports.
#pragma once

#include "engine/analysis/result.h"
#include "views/common/figure.h"
#include "views/common/series_legend.h"

#include <QChart>
#include <QString>

#include <limits>

class QAbstractSeries;
class QAreaSeries;
class QXYSeries;

namespace expertscope {

/// Colour of the i-th curve, for light or dark paper: the set of Okabe and Ito, told apart by the colour-blind; then again.
QColor curveColour(int index, bool dark);
/// Solid for the first round of colours, then dashes and dots.
Qt::PenStyle curveStyle(int index);

/// "Divergence [nats]"; a pure number has no unit.
QString withUnit(const std::string &title, const std::string &unit);

/// Points out a place on the x axis, one curve, one dot; NaN, empty and -1 = none.
struct PlotMarks {
    double x = std::numeric_limits<double>::quiet_NaN();
    QString curve;
    int dot = -1; ///< index of a dot that gets a ring
};

class SeriesPlot : public QChart {
public:
    /// Needs a QApplication, no window. titled: the series' own title stands above the chart.
    SeriesPlot(Series series, const FigureLook &look, bool titled);

    const Series &series() const { return m_series; }
    const FigureLook &look() const { return m_look; }
    void setMarks(const PlotMarks &marks);
    const PlotMarks &marks() const { return m_marks; }

    struct Place {
        int x = -1; ///< index into Series::x
        int curve = -1; ///< index into Series::curves
        bool operator==(const Place &) const = default;
    };
    /// The value closest to a point of the chart: first the x, then among the curves of data there; the closest dot, if it is close. None
    /// outside the plot.
    Place nearest(QPointF at) const;
    /// Where a value lies in the chart.
    QPointF position(Place place) const;
    /// The curve whose name in the legend is there; -1 = none.
    int namedAt(QPointF at) const;
    const SeriesLegend &names() const { return m_legend; }
    /// "layer 5", "de: 0.12, interval 0.10 to 0.14", chance: what a readout says of a place.
    QStringList describe(Place place) const;
    QColor colour(int curve) const; ///< of a curve

    /// Zooms the x axis around a point; factor > 1 = closer. fit() shows everything again.
    void zoomX(double factor, QPointF at);
    void fit();

protected:
    void resizeEvent(QGraphicsSceneResizeEvent *event) override;

private:
    static constexpr double barGroupWidth = 0.7; ///< of a category
    struct Drawn {
        QXYSeries *line = nullptr;
        QAreaSeries *band = nullptr;
        QAbstractSeries *any = nullptr; ///< what positions are computed by
    };
    class Overlay;
    void addCurves();
    void addBars();
    void addAxes();
    void addLegend();
    void placeLegend();
    double titleHeight() const;
    void styleCurves();
    double barCentre(int x, int curve) const;
    bool isThere(Place place) const; ///< there is a finite value
    int dataCurves() const;

    Series m_series;
    FigureLook m_look;
    PlotMarks m_marks;
    std::vector<Drawn> m_drawn; ///< [curves]
    Overlay *m_overlay = nullptr;
    SeriesLegend m_legend;
    bool m_legendBeside = true;
    double m_left = 0, m_right = 1; ///< the whole x axis
};

} // namespace expertscope
