// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/legend.h"

#include "views/common/axis.h"

#include <QFontMetricsF>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

struct Tick {
    double at = 0; ///< 0 = low end of the bar, 1 = high end
    QString text;
    bool reference = false;
};

std::vector<Tick> ticksOf(const LegendSpec &spec, int most)
{
    std::vector<Tick> ticks;
    if (spec.scale.categorical()) {
        for (const std::int64_t id : integerTicks(0, spec.categories - 1, most))
            ticks.push_back({(static_cast<double>(id) + 0.5) / spec.categories, QString::number(id)});
        return ticks;
    }
    const double span = spec.scale.high - spec.scale.low;
    if (!(span > 0))
        return ticks;
    if (!std::isnan(spec.reference) && spec.reference >= spec.scale.low && spec.reference <= spec.scale.high)
        ticks.push_back({(spec.reference - spec.scale.low) / span, numberText(spec.reference) + u' ' + spec.referenceName, true});
    for (const double value : roundTicks(spec.scale.low, spec.scale.high, most))
        ticks.push_back({(value - spec.scale.low) / span, numberText(value)});
    return ticks;
}

/// The bar itself; `rect` lies along the orientation, low at the left or at the bottom.
void paintBar(QPainter &painter, const QRectF &rect, const LegendSpec &spec, bool vertical)
{
    const int steps = spec.scale.categorical() ? std::max(1, spec.categories) : 128;
    const double length = vertical ? rect.height() : rect.width();
    for (int i = 0; i < steps; ++i) {
        const QRgb colour =
            spec.scale.categorical() ? expertColour(i) : colourTable(spec.scale.map)[static_cast<std::size_t>(i * 255 / (steps - 1))];
        // The overlap hides seams between the bands in viewers that smooth edges.
        const double from = length * i / steps;
        const double to = std::min(length, length * (i + 1) / steps + (i + 1 < steps ? 0.6 : 0.0));
        painter.fillRect(vertical ? QRectF(rect.left(), rect.bottom() - to, rect.width(), to - from)
                                  : QRectF(rect.left() + from, rect.top(), to - from, rect.height()),
            QColor(colour));
    }
}

/// A triangle at an end of the bar: values beyond it exist.
void paintClip(QPainter &painter, const QRectF &rect, const LegendSpec &spec, bool vertical, bool high)
{
    const auto table = colourTable(spec.scale.map);
    QPainterPath path;
    const double size = std::min(rect.width(), rect.height()) * 0.6;
    if (vertical) {
        const double y = high ? rect.top() : rect.bottom();
        path.moveTo(rect.left(), y);
        path.lineTo(rect.right(), y);
        path.lineTo(rect.center().x(), high ? y - size : y + size);
    } else {
        const double x = high ? rect.right() : rect.left();
        path.moveTo(x, rect.top());
        path.lineTo(x, rect.bottom());
        path.lineTo(high ? x + size : x - size, rect.center().y());
    }
    path.closeSubpath();
    painter.fillPath(path, QColor(high ? table.back() : table.front()));
}

QString titleOf(const LegendSpec &spec)
{
    return spec.locked ? spec.title + QStringLiteral(" (range locked)") : spec.title;
}

} // namespace

void paintHatch(QPainter &painter, const QRectF &rect, const FigureLook &look)
{
    painter.save();
    painter.setClipRect(rect, Qt::IntersectClip);
    painter.setPen(QPen(look.missing, 1));
    for (double x = rect.left() - rect.height(); x < rect.right(); x += 5)
        painter.drawLine(QPointF(x, rect.bottom()), QPointF(x + rect.height(), rect.top()));
    painter.restore();
    painter.setPen(QPen(look.missing, 0));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(rect);
}

double legendExtent(const LegendSpec &spec, Qt::Orientation orientation, const FigureLook &look)
{
    const QFontMetricsF metrics(look.smallFont());
    if (orientation == Qt::Horizontal)
        return metrics.height() * 2 + 16;
    double widest = spec.missing ? metrics.horizontalAdvance(spec.missingName) - 4 : 0;
    for (const Tick &tick : ticksOf(spec, 8))
        widest = std::max(widest, metrics.horizontalAdvance(tick.text));
    return 12 + 8 + widest + 6 + metrics.height();
}

void paintLegend(QPainter &painter, const QRectF &target, const LegendSpec &spec, Qt::Orientation orientation, const FigureLook &look)
{
    painter.save();
    const QFont font = look.smallFont();
    const QFontMetricsF metrics(font);
    painter.setFont(font);
    painter.setRenderHint(QPainter::Antialiasing, false);
    const bool vertical = orientation == Qt::Vertical;
    const double swatch = 12;
    const double tip = 8;

    QRectF bar;
    if (vertical) {
        const double below = spec.missing ? metrics.height() + 6 : 0;
        bar = QRectF(target.left(), target.top() + tip, swatch, std::max(10.0, target.height() - 2 * tip - below));
    } else {
        const double right = spec.missing ? metrics.horizontalAdvance(spec.missingName) + swatch + 14 : 0;
        bar = QRectF(target.left() + tip, target.top() + metrics.height() + 2, std::max(10.0, target.width() - 2 * tip - right), 8);
    }

    paintBar(painter, bar, spec, vertical);
    if (!spec.scale.categorical()) {
        painter.setRenderHint(QPainter::Antialiasing);
        if (spec.clippedLow)
            paintClip(painter, bar, spec, vertical, false);
        if (spec.clippedHigh)
            paintClip(painter, bar, spec, vertical, true);
        painter.setRenderHint(QPainter::Antialiasing, false);
    }
    painter.setPen(QPen(look.faint, 0));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(bar);

    const int most = static_cast<int>(vertical ? bar.height() / (metrics.height() * 1.6) : bar.width() / (metrics.averageCharWidth() * 9));
    std::vector<QRectF> taken;
    for (const Tick &tick : ticksOf(spec, std::clamp(most, 2, 8))) {
        const double width = metrics.horizontalAdvance(tick.text);
        QRectF text;
        QLineF mark;
        if (vertical) {
            const double y = bar.bottom() - tick.at * bar.height();
            mark = QLineF(tick.reference ? bar.left() - 2 : bar.right() - 3, y, bar.right() + 4, y);
            text = QRectF(bar.right() + 6, y - metrics.height() / 2, width + 2, metrics.height());
        } else {
            const double x = bar.left() + tick.at * bar.width();
            mark = QLineF(x, tick.reference ? bar.top() - 2 : bar.bottom() - 3, x, bar.bottom() + 3);
            const double left = std::clamp(x - width / 2, target.left(), std::max(target.left(), target.right() - width));
            text = QRectF(left, bar.bottom() + 3, width + 2, metrics.height());
        }
        const QRectF room = vertical ? text : text.adjusted(-4, 0, 4, 0);
        if (std::any_of(taken.begin(), taken.end(), [&](const QRectF &other) { return other.intersects(room); }))
            continue;
        taken.push_back(text);
        painter.setPen(QPen(tick.reference ? look.accent : look.ink, tick.reference ? 2 : 1));
        painter.drawLine(mark);
        painter.setPen(tick.reference ? look.accent : look.ink);
        painter.drawText(text, Qt::AlignLeft | Qt::AlignVCenter, tick.text);
    }

    painter.setPen(look.ink);
    if (vertical) {
        painter.save();
        painter.translate(target.right() - metrics.height(), bar.center().y());
        painter.rotate(90);
        const QRectF line(-target.height() / 2, -metrics.height(), target.height(), metrics.height());
        painter.drawText(line, Qt::AlignCenter, metrics.elidedText(titleOf(spec), Qt::ElideRight, line.width()));
        painter.restore();
    } else {
        painter.drawText(QRectF(target.left(), target.top(), target.width(), metrics.height()), Qt::AlignLeft | Qt::AlignVCenter,
            metrics.elidedText(titleOf(spec), Qt::ElideRight, target.width()));
    }

    if (spec.missing) {
        const QRectF box = vertical ? QRectF(bar.left(), target.bottom() - metrics.height() / 2 - swatch / 2, swatch, swatch)
                                    : QRectF(bar.right() + 12, bar.center().y() - swatch / 2, swatch, swatch);
        paintHatch(painter, box, look);
        painter.setPen(look.ink);
        painter.drawText(QRectF(box.right() + 5, box.center().y() - metrics.height() / 2, metrics.horizontalAdvance(spec.missingName) + 2,
                             metrics.height()),
            Qt::AlignLeft | Qt::AlignVCenter, spec.missingName);
    }
    painter.restore();
}

LegendBar::LegendBar(QWidget *parent)
    : QWidget{parent}
{
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    setFocusPolicy(Qt::TabFocus);
    setMinimumWidth(160);
    setToolTip(QStringLiteral("Click to lock the colour range or to set it free; right-click for colours and range"));
}

void LegendBar::setSpec(const LegendSpec &spec)
{
    m_spec = spec;
    setAccessibleName(QStringLiteral("Legend: %1, %2 to %3").arg(spec.title, numberText(spec.scale.low), numberText(spec.scale.high)));
    updateGeometry();
    update();
}

QSize LegendBar::sizeHint() const
{
    return {340, static_cast<int>(std::ceil(legendExtent(m_spec, Qt::Horizontal, FigureLook::of(*this))))};
}

void LegendBar::paintEvent(QPaintEvent *)
{
    QPainter painter(this);
    FigureLook look = FigureLook::of(*this);
    look.ink = palette().color(QPalette::WindowText);
    paintLegend(painter, QRectF(rect()).adjusted(2, 1, -2, -1), m_spec, Qt::Horizontal, look);
    if (hasFocus()) {
        painter.setPen(QPen(palette().color(QPalette::Highlight), 1));
        painter.drawRect(rect().adjusted(0, 0, -1, -1));
    }
}

void LegendBar::mouseReleaseEvent(QMouseEvent *event)
{
    if (event->button() == Qt::LeftButton && rect().contains(event->position().toPoint()))
        emit clicked();
}

void LegendBar::keyPressEvent(QKeyEvent *event)
{
    if (event->key() == Qt::Key_Space || event->key() == Qt::Key_Return)
        emit clicked();
    else
        QWidget::keyPressEvent(event);
}

} // namespace expertscope
