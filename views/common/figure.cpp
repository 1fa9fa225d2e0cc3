// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/figure.h"

#include <QFontMetricsF>
#include <QPainter>
#include <QWidget>

#include <algorithm>
#include <cmath>

namespace expertscope {

FigureLook FigureLook::of(const QWidget &widget)
{
    return of(widget.palette(), widget.font());
}

FigureLook FigureLook::of(const QPalette &palette, const QFont &font)
{
    const QColor paper = palette.color(QPalette::Base);
    const QColor ink = palette.color(QPalette::Text);
    const auto blend = [&](double share) {
        return QColor::fromRgbF(static_cast<float>(paper.redF() + share * (ink.redF() - paper.redF())),
            static_cast<float>(paper.greenF() + share * (ink.greenF() - paper.greenF())),
            static_cast<float>(paper.blueF() + share * (ink.blueF() - paper.blueF())));
    };
    const bool dark = paper.lightness() < 128;
    return {paper, ink, blend(0.62), dark ? QColor(0xff, 0x8a, 0x65) : QColor(0xd0, 0x3a, 0x1c), blend(0.3), font};
}

FigureLook FigureLook::print(const QFont &font)
{
    QPalette palette;
    palette.setColor(QPalette::Base, Qt::white);
    palette.setColor(QPalette::Text, QColor(20, 20, 20));
    return of(palette, font);
}

QFont FigureLook::titleFont() const
{
    QFont bold = font;
    bold.setBold(true);
    return bold;
}

QFont FigureLook::smallFont() const
{
    QFont small = font;
    if (font.pointSizeF() > 0)
        small.setPointSizeF(font.pointSizeF() * 0.9);
    else
        small.setPixelSize(qMax(7, font.pixelSize() * 9 / 10));
    return small;
}

QRectF paintFigureFrame(QPainter &painter, const QRectF &target, const FigureLook &look, const QString &title, const QString &caption)
{
    painter.fillRect(target, look.paper);
    const double pad = QFontMetricsF(look.font).height() * 0.6;
    QRectF inner = target.adjusted(pad, pad, -pad, -pad);
    const auto wrapped = [&](const QFont &font, const QString &text) {
        return QFontMetricsF(font).boundingRect(inner, Qt::TextWordWrap | Qt::AlignLeft | Qt::AlignTop, text).height();
    };
    painter.save();
    painter.setPen(look.ink);
    painter.setFont(look.titleFont());
    const double titleHeight = wrapped(look.titleFont(), title);
    painter.drawText(QRectF(inner.left(), inner.top(), inner.width(), titleHeight), Qt::TextWordWrap | Qt::AlignLeft | Qt::AlignTop, title);
    inner.setTop(inner.top() + titleHeight + pad * 0.5);
    if (!caption.isEmpty()) {
        painter.setFont(look.smallFont());
        painter.setPen(look.faint);
        const double captionHeight = wrapped(look.smallFont(), caption);
        painter.drawText(QRectF(inner.left(), inner.bottom() - captionHeight, inner.width(), captionHeight),
            Qt::TextWordWrap | Qt::AlignLeft | Qt::AlignTop, caption);
        inner.setBottom(inner.bottom() - captionHeight - pad * 0.5);
    }
    painter.restore();
    return inner;
}

void paintEmptyState(QPainter &painter, const QRectF &target, const FigureLook &look, const QString &headline, const QString &advice)
{
    painter.save();
    painter.fillRect(target, look.paper);
    const double line = QFontMetricsF(look.titleFont()).height();
    const QRectF middle(target.left() + line, target.center().y() - 2 * line, target.width() - 2 * line, 5 * line);
    painter.setPen(look.ink);
    painter.setFont(look.titleFont());
    painter.drawText(QRectF(middle.left(), middle.top(), middle.width(), line * 1.2), Qt::AlignHCenter | Qt::AlignVCenter, headline);
    painter.setPen(look.faint);
    painter.setFont(look.font);
    painter.drawText(QRectF(middle.left(), middle.top() + 1.5 * line, middle.width(), 3.5 * line),
        Qt::AlignHCenter | Qt::AlignTop | Qt::TextWordWrap, advice);
    painter.restore();
}

void paintReadout(QPainter &painter, const QRectF &anchor, const QRectF &bounds, const QStringList &lines, const FigureLook &look)
{
    const QFontMetricsF metrics(look.smallFont());
    double width = 0;
    double lineHeight = metrics.height();
    for (const QString &line : lines) {
        const QRectF size = metrics.boundingRect(line);
        width = std::max(width, metrics.horizontalAdvance(line));
        lineHeight = std::max(lineHeight, size.height()); // scripts with tall glyphs
    }
    width = std::min(std::ceil(width), std::max(60.0, bounds.width() * 0.6));
    const QSizeF size(width + 18, lineHeight * static_cast<double>(lines.size()) + 10);
    QPointF at(anchor.right() + 12, anchor.bottom() + 10);
    if (at.x() + size.width() > bounds.right() - 4)
        at.setX(std::max(bounds.left() + 4, anchor.left() - 12 - size.width()));
    if (at.y() + size.height() > bounds.bottom() - 4)
        at.setY(std::max(bounds.top() + 4, anchor.top() - 10 - size.height()));
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(look.faint, 1));
    painter.setBrush(look.paper);
    painter.drawRoundedRect(QRectF(at, size), 4, 4);
    painter.setFont(look.smallFont());
    painter.setPen(look.ink);
    double y = at.y() + 5;
    for (const QString &line : lines) {
        painter.drawText(QRectF(at.x() + 9, y, width + 2, lineHeight), Qt::AlignLeft | Qt::AlignVCenter,
            metrics.elidedText(line, Qt::ElideRight, width + 2));
        y += lineHeight;
    }
    painter.restore();
}

QString noTokensHeadline()
{
    return QStringLiteral("No tokens yet");
}

QString noTokensAdvice()
{
    return QStringLiteral("They appear here as soon as the first sequence has been run.");
}

QString countsOnlyHeadline()
{
    return QStringLiteral("Counts, not tokens");
}

QString countsOnlyAdvice()
{
    return QStringLiteral(
        "Another tool counted how often each expert was chosen, and no more. Alignment, Specialisation and Balance show it.");
}

QString nothingOpenHeadline()
{
    return QStringLiteral("Nothing is open yet");
}
QString nothingOpenAdvice()
{
    return QStringLiteral("Open a model or a trace: File > Open, or drop it here.");
}

} // namespace expertscope
