// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What HeatmapView paints over the matrix: marks, brush, crosshair and readout; and its figure for pictures.
#include "views/common/axis.h"
#include "views/common/heatmap_view.h"

#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

/// A frame that is seen on any colour: accent inside a thin rim of paper.
void paintFrame(QPainter &painter, const QRectF &rect, const FigureLook &look, double width)
{
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(look.paper, width + 2));
    painter.drawRect(rect);
    painter.setPen(QPen(look.accent, width));
    painter.drawRect(rect);
}

void paintTag(QPainter &painter, const QRectF &rect, const QString &text, const FigureLook &look)
{
    painter.fillRect(rect, look.ink);
    painter.setPen(look.paper);
    painter.drawText(rect, Qt::AlignCenter, text);
}

} // namespace

void HeatmapView::paintMarks(QPainter &painter) const
{
    const FigureLook look = FigureLook::of(*this);
    const HeatmapPainter &at = layout();
    const QRectF plot = at.plot();
    const auto rows = static_cast<double>(m_content.data->rows());
    const auto columns = static_cast<double>(m_content.data->columns());
    painter.save();
    painter.setClipRect(plot.adjusted(-3, -3, 3, 3));
    if (m_bandEnd > m_bandBegin) {
        const QRectF band = at.cell(0, static_cast<double>(m_bandBegin)) | at.cell(rows - 1, static_cast<double>(m_bandEnd - 1));
        paintFrame(painter, band.intersected(plot), look, 1.5);
    }
    painter.setRenderHint(QPainter::Antialiasing);
    for (const HeatmapMark &mark : m_marks) {
        const QRectF rect =
            at.cell(static_cast<double>(std::max<std::int64_t>(0, mark.row)), static_cast<double>(std::max<std::int64_t>(0, mark.column)))
            | at.cell(
                mark.row < 0 ? rows - 1 : static_cast<double>(mark.row), mark.column < 0 ? columns - 1 : static_cast<double>(mark.column));
        if (!rect.intersects(plot))
            continue;
        if (mark.style == HeatmapMark::Style::Dot) {
            const double radius = std::clamp(std::min(rect.width(), rect.height()) * 0.25, 1.5, 5.0);
            // In a cell with room for a number the dot keeps to the corner, beside it.
            const bool corner = rect.width() >= 24 && rect.height() >= 18;
            painter.setPen(QPen(look.paper, 1.5));
            painter.setBrush(look.accent);
            painter.drawEllipse(corner ? rect.topRight() + QPointF{-radius - 2, radius + 2} : rect.center(), radius, radius);
        } else if (mark.row >= 0 && mark.column < 0) {
            // A whole row is pointed at from its ends, so that its cells stay readable.
            painter.setPen(QPen(look.accent, 1.5));
            painter.drawLine(QPointF(plot.left(), rect.top()), QPointF(plot.right(), rect.top()));
            painter.drawLine(QPointF(plot.left(), rect.bottom()), QPointF(plot.right(), rect.bottom()));
        } else {
            paintFrame(painter, rect.intersected(plot), look, 2);
        }
    }
    painter.restore();
}

void HeatmapView::paintCrosshair(QPainter &painter, Cell cell) const
{
    const FigureLook look = FigureLook::of(*this);
    const HeatmapPainter &at = layout();
    const QRectF plot = at.plot();
    const QRectF rect = at.cell(cell.row, static_cast<double>(cell.column));
    const QPointF centre = rect.center();
    painter.save();
    painter.setClipRect(plot);
    // Around the row and the column where cells are large enough to hold numbers, through them where they are small.
    const bool large = rect.width() >= 18 && rect.height() >= 14;
    painter.setBrush(Qt::NoBrush);
    if (large) {
        for (const auto &[colour, width] : {std::pair{look.paper, 3.0}, std::pair{look.ink, 1.0}}) {
            painter.setPen(QPen(colour, width));
            painter.drawRect(QRectF(plot.left(), rect.top() - 0.5, plot.width(), rect.height()));
            painter.drawRect(QRectF(rect.left() - 0.5, plot.top(), rect.width(), plot.height()));
        }
        painter.setPen(QPen(look.ink, 2));
        painter.drawRect(rect);
    }
    for (const auto &[colour, width] : {std::pair{look.paper, 3.0}, std::pair{look.ink, 1.0}}) {
        if (large)
            break;
        painter.setPen(QPen(colour, width));
        painter.drawLine(QPointF(centre.x(), plot.top()), QPointF(centre.x(), rect.top()));
        painter.drawLine(QPointF(centre.x(), rect.bottom()), QPointF(centre.x(), plot.bottom()));
        painter.drawLine(QPointF(plot.left(), centre.y()), QPointF(rect.left(), centre.y()));
        painter.drawLine(QPointF(rect.right(), centre.y()), QPointF(plot.right(), centre.y()));
        if (rect.width() >= 3 && rect.height() >= 3)
            painter.drawRect(rect);
    }
    painter.restore();
    const QFontMetricsF metrics(look.smallFont());
    painter.setFont(look.smallFont());
    if (plot.left() <= centre.x() && centre.x() <= plot.right()) {
        const QString text = m_content.columnLabel(cell.column);
        const double width = metrics.horizontalAdvance(text) + 8;
        const double left = std::clamp(centre.x() - width / 2, plot.left() - 10, plot.right() + 10 - width);
        paintTag(painter, QRectF(left, plot.bottom() + 4, width, metrics.height() + 1), text, look);
    }
    if (plot.top() <= centre.y() && centre.y() <= plot.bottom()) {
        const QString text = m_content.rowLabel(cell.row);
        const double width = metrics.horizontalAdvance(text) + 8;
        paintTag(painter, QRectF(plot.left() - 3 - width, centre.y() - metrics.height() / 2, width, metrics.height() + 1), text, look);
    }
}

void HeatmapView::paintOverlay(QPainter &painter) const
{
    const FigureLook look = FigureLook::of(*this);
    paintMarks(painter);
    const Cell cell = m_cell.valid() ? m_cell : m_crosshair;
    if (cell.valid())
        paintCrosshair(painter, cell);
    if (m_drag == Drag::Brush || m_drag == Drag::Box) {
        const Cell first = cellAt(m_dragStart, true);
        const Cell last = cellAt(m_dragNow, true);
        QRectF rect =
            (cellRect(first.row, first.column) | cellRect(m_drag == Drag::Brush && !m_brushColumns ? first.row : last.row, last.column))
                .intersected(layout().plot());
        if (m_drag == Drag::Brush && m_brushColumns) {
            rect.setTop(layout().plot().top());
            rect.setBottom(layout().plot().bottom());
        }
        QColor fill = look.accent;
        fill.setAlpha(50);
        painter.fillRect(rect, fill);
        painter.setPen(QPen(look.accent, 1, m_drag == Drag::Box ? Qt::DashLine : Qt::SolidLine));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(rect);
    }
    if (m_cell.valid() && m_drag != Drag::Pan)
        paintReadout(painter, cellRect(m_cell.row, m_cell.column).intersected(layout().plot()), rect(), describe(m_cell), look);
}

void HeatmapView::paintBase() const
{
    const FigureLook look = FigureLook::of(*this);
    const double ratio = devicePixelRatioF();
    const QSize pixels = (QSizeF(size()) * ratio).toSize();
    if (m_base.size() != pixels)
        m_base = QImage(pixels, QImage::Format_RGB32);
    m_base.setDevicePixelRatio(ratio);
    m_base.fill(look.paper);
    const QRectF plot(layout().plot().topLeft() * ratio, layout().plot().size() * ratio);
    fillHeatmap(m_base, plot.toRect(), *m_content.data, m_window, scale(), look);
    QPainter painter(&m_base);
    layout().paintAround(painter);
    const QFontMetricsF bold(look.titleFont());
    const QFontMetricsF small(look.smallFont());
    const double width = this->width() - 16.0;
    painter.setFont(look.titleFont());
    painter.setPen(look.ink);
    painter.drawText(
        QRectF(8, 4, width, bold.height()), Qt::AlignLeft | Qt::AlignVCenter, bold.elidedText(m_content.title, Qt::ElideRight, width));
    painter.setFont(look.smallFont());
    painter.setPen(look.faint);
    painter.drawText(QRectF(8, height() - small.height() - 4, width, small.height()), Qt::AlignLeft | Qt::AlignVCenter,
        small.elidedText(m_content.caption, Qt::ElideRight, width));
    m_baseValid = true;
}

void HeatmapView::paintEvent(QPaintEvent *)
{
    QPainter painter(this);
    const FigureLook look = FigureLook::of(*this);
    if (!hasData()) {
        paintEmptyState(painter, rect(), look, m_emptyHeadline, m_emptyAdvice);
    } else {
        if (!m_baseValid || m_base.devicePixelRatio() != devicePixelRatioF())
            paintBase();
        painter.drawImage(0, 0, m_base);
        paintOverlay(painter);
    }
    if (hasFocus()) {
        painter.setPen(QPen(palette().color(QPalette::Highlight), 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(rect().adjusted(0, 0, -1, -1));
    }
}

void HeatmapView::paintFigure(QPainter &painter, const QRectF &target) const
{
    const FigureLook look = FigureLook::print(font());
    if (!hasData()) {
        paintEmptyState(painter, target, look, m_emptyHeadline, m_emptyAdvice);
        return;
    }
    const QRectF inner = paintFigureFrame(painter, target, look, m_content.title, m_content.caption);
    constexpr double sharpness = 3; // device pixels per unit: vector formats hold the matrix as an image
    painterFor(inner, look, sharpness).paint(painter, sharpness);
}

} // namespace expertscope
