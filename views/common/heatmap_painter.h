// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Paints a heatmap: matrix, axes, legend. The same code draws the screen, PNG, SVG and PDF.
// Only what is visible is computed: one sample per device pixel column and row.
#pragma once

#include "views/common/heatmap_data.h"
#include "views/common/legend.h"

#include <QImage>
#include <QRectF>
#include <QString>

#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace expertscope {

/// What is drawn. Names default to the plain number.
struct HeatmapContent {
    HeatmapDataPtr data;
    QString title;
    QString caption; ///< selection, n, definition
    QString columnTitle; ///< axis titles
    QString rowTitle;
    QString valueTitle; ///< "Router entropy"
    QString unit; ///< "bits"; empty or "1" = a pure number
    std::function<QString(std::int64_t)> columnName;
    std::function<QString(std::int64_t)> rowName;
    bool columnsNamed = false; ///< names without an order, of which none can be guessed from its neighbours: show every one that fits
    bool rowsNamed = false;
    std::function<QString(std::int64_t)> columnText; ///< shown under wide columns: a token's text
    ColourMap map = ColourMap::Viridis; ///< Viridis stands for any sequential map
    double reference = std::numeric_limits<double>::quiet_NaN(); ///< chance level, in units of the value
    QString referenceName;
    std::optional<double> floor; ///< automatic ranges begin here (0 for shares)
    double centre = 0; ///< of a diverging map: the value that means "no difference"
    double reach = std::numeric_limits<double>::quiet_NaN(); ///< automatic ranges go at most that far from the centre; NaN = any far
    QString emptyMeans; ///< what a missing value is; empty = it is missing
    std::function<bool(std::int64_t row, std::int64_t column)> dotted; ///< cells with a dot, on the screen and in pictures

    QString columnLabel(std::int64_t column) const { return columnName ? columnName(column) : QString::number(column); }
    QString rowLabel(std::int64_t row) const { return rowName ? rowName(row) : QString::number(row); }
    QString valueLabel() const;
    QString missingLabel() const { return emptyMeans.isEmpty() ? QStringLiteral("missing") : emptyMeans; }
};

/// The visible part, in columns and rows; fractions of a cell are allowed.
struct HeatmapWindow {
    double left = 0, right = 1, top = 0, bottom = 1;
    double columns() const { return right - left; }
    double rows() const { return bottom - top; }
    bool operator==(const HeatmapWindow &) const = default;
    static HeatmapWindow whole(const HeatmapData &data)
    {
        return {0, static_cast<double>(data.columns()), 0, static_cast<double>(data.rows())};
    }
};

class HeatmapPainter {
public:
    HeatmapPainter(
        const HeatmapContent &content, const HeatmapWindow &window, const LegendSpec &legend, const FigureLook &look, const QRectF &target);

    /// Everything. pixelRatio: device pixels per unit for the matrix image.
    void paint(QPainter &painter, double pixelRatio) const;
    /// Everything but the matrix, which is already there.
    void paintAround(QPainter &painter) const;

    const QRectF &plot() const { return m_plot; } ///< where the cells are
    const QRectF &legend() const { return m_legendRect; }
    QRectF cell(double row, double column) const; ///< in units of the target; may lie outside the plot
    double columnAt(double x) const { return m_window.left + (x - m_plot.left()) / m_plot.width() * m_window.columns(); }
    double rowAt(double y) const { return m_window.top + (y - m_plot.top()) / m_plot.height() * m_window.rows(); }

private:
    void paintColumnAxis(QPainter &painter) const;
    void paintColumnNames(QPainter &painter, std::int64_t first, std::int64_t last) const;
    void paintRowAxis(QPainter &painter) const;
    bool hasCellTexts() const; ///< cells are large enough for their numbers
    void paintCellTexts(QPainter &painter) const;
    void paintDots(QPainter &painter) const;

    const HeatmapContent &m_content;
    HeatmapWindow m_window;
    LegendSpec m_legend;
    FigureLook m_look;
    QFont m_columnFont, m_rowFont;
    double m_columnLabels = 0; ///< height of the line or of the turned names below the plot
    bool m_turned = false; ///< column names stand upright, read from below
    QRectF m_plot;
    QRectF m_legendRect;
    QRectF m_target;
};

/// Fills a rectangle (pixels) of a 32-bit image with the visible part; missing cells hatched, gaps between cells that are large.
void fillHeatmap(QImage &image, const QRect &rect, const HeatmapData &data, const HeatmapWindow &window, const ColourScale &scale,
    const FigureLook &look);

/// The range of a content's values in a map.
std::pair<double, double> heatmapRange(const HeatmapContent &content, RangeMode mode, ColourMap map);

/// The legend that belongs to a content: range of the data, clipping, missing, and how many columns one pixel stands for.
LegendSpec heatmapLegend(const HeatmapContent &content, const ColourScale &scale, bool locked, double columnsPerPixel);

} // namespace expertscope
