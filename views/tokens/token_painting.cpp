// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How TokenCanvas paints: boxes, text over them in an ink that reads, marks, headers, readout; and the same into a figure.
#include "views/common/legend.h"
#include "views/tokens/token_canvas.h"

#include <QFontMetricsF>
#include <QPainter>
#include <QScrollBar>

#include <algorithm>
#include <cmath>

namespace expertscope {

void TokenCanvas::paintMarks(
    QPainter &painter, const TokenBlock &block, const TokenBox &box, const QRectF &rect, const FigureLook &look) const
{
    const std::int64_t token = block.range.begin + box.token;
    const auto frame = [&](const QColor &colour, double width) {
        const double inset = width / 2 - 1;
        painter.setPen(QPen(look.paper, width + 2));
        painter.drawRect(rect.adjusted(inset, inset, -inset, -inset));
        painter.setPen(QPen(colour, width));
        painter.drawRect(rect.adjusted(inset, inset, -inset, -inset));
    };
    if (token >= m_brush.begin && token < m_brush.end) {
        painter.fillRect(QRectF(rect.left(), rect.top(), rect.width(), 2), look.accent);
        painter.fillRect(QRectF(rect.left(), rect.bottom() - 2, rect.width(), 2), look.accent);
    }
    if (token >= m_flagRange.begin && token < m_flagRange.end && static_cast<std::size_t>(token - m_flagRange.begin) < m_flags.size()) {
        const std::uint8_t flags = m_flags[static_cast<std::size_t>(token - m_flagRange.begin)];
        if (flags & UsesSelectedExpert)
            painter.fillRect(QRectF(rect.left() + 1, rect.bottom() - 3, rect.width() - 2, 3), look.accent);
        if (flags & UsesHoveredExpert)
            frame(look.ink, 1.5);
    }
    const auto hit = std::upper_bound(
        m_found.begin(), m_found.end(), token, [](std::int64_t value, const TokenRange &range) { return value < range.end; });
    if (hit != m_found.end() && token >= hit->begin)
        frame(QColor(0xff, 0xb0, 0x00), hit - m_found.begin() == m_foundCurrent ? 3 : 1.5);
    if (token == m_token)
        frame(look.accent, 2);
    else if (token == m_cursor || token == m_outsideHover)
        frame(look.ink, 1);
}

void TokenCanvas::paintHeader(QPainter &painter, int block, const QRectF &rect, const FigureLook &look, bool marks) const
{
    const int sequence = m_index->blocks()[static_cast<std::size_t>(block)].sequence;
    const bool selected = marks && sequence == m_sequence;
    painter.setPen(QPen(look.missing, 1));
    painter.drawLine(QPointF(rect.left(), rect.top() + 4), QPointF(rect.right(), rect.top() + 4));
    if (selected)
        painter.fillRect(QRectF(rect.left(), rect.top() + 4, rect.width(), 2), look.accent);
    QFont font = look.smallFont();
    font.setBold(selected);
    painter.setFont(font);
    painter.setPen(selected ? look.ink : look.faint);
    const QRectF line = rect.adjusted(0, 7, 0, 0);
    painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter,
        QFontMetricsF(font).elidedText(m_header ? m_header(sequence) : QString(), Qt::ElideRight, line.width()));
}

float TokenCanvas::valueOf(const TokenBlock &block, int index) const
{
    const auto token = static_cast<std::size_t>(block.range.begin + index);
    return m_colouring.values && token < m_colouring.values->size() ? (*m_colouring.values)[token]
                                                                    : std::numeric_limits<float>::quiet_NaN();
}

void TokenCanvas::setInks(TokenLayout &layout, const TokenBlock &block) const
{
    layout.setInks([&](int index) {
        const float value = valueOf(block, index);
        return std::isnan(value) ? 0 : qRed(inkOn(m_colouring.scale.colour(value))) < 128 ? 1 : 2;
    });
}

void TokenCanvas::paintBlock(
    QPainter &painter, int block, const TokenLayout &layout, QPointF origin, const FigureLook &look, const QRectF &clip, bool marks) const
{
    const TokenBlock &info = m_index->blocks()[static_cast<std::size_t>(block)];
    const auto visible = [&](const QRectF &rect) { return rect.bottom() >= clip.top() && rect.top() <= clip.bottom(); };
    painter.setRenderHint(QPainter::Antialiasing, false);
    for (const TokenBox &box : layout.boxes()) {
        const QRectF rect = box.rect.translated(origin);
        if (!visible(rect) || !m_colouring.values)
            continue;
        const QRectF inner = rect.width() > 3 ? rect.adjusted(0.5, 0, -0.5, 0) : rect;
        const float value = valueOf(info, box.token);
        if (std::isnan(value))
            paintHatch(painter, inner, look);
        else
            painter.fillRect(inner, QColor(m_colouring.scale.colour(value)));
    }
    layout.paintText(painter, origin, {look.ink, QColor(16, 16, 16), Qt::white}, clip.translated(-origin));
    if (!marks)
        return;
    painter.setBrush(Qt::NoBrush);
    for (const TokenBox &box : layout.boxes()) {
        const QRectF rect = box.rect.translated(origin);
        if (visible(rect))
            paintMarks(painter, info, box, rect, look);
    }
}

void TokenCanvas::paintEvent(QPaintEvent *)
{
    QPainter painter(viewport());
    const FigureLook look = FigureLook::of(*this);
    const QRectF area = viewport()->rect();
    if (!m_index || m_heights.empty()) {
        paintEmptyState(painter, area, look, m_emptyHeadline, m_emptyAdvice);
    } else {
        layoutVisible();
        painter.fillRect(area, look.paper);
        const double scroll = verticalScrollBar()->value();
        for (int block = blockAtY(scroll); block < static_cast<int>(m_heights.size()); ++block) {
            const double top = blockTop(block) - scroll;
            if (top > area.bottom())
                break;
            if (m_index->blocks()[static_cast<std::size_t>(block)].first)
                paintHeader(painter, block, QRectF(margin(), top, textWidth(), headerHeight(look)), look, true);
            paintBlock(painter, block, layoutOf(block), {margin(), blockTextTop(block) - scroll}, look, area, true);
        }
        const QRectF cursor = m_cursor >= 0 ? tokenRect(m_cursor) : QRectF();
        if (m_readout && m_describe && !cursor.isEmpty() && cursor.intersects(area))
            paintReadout(painter, cursor, area, m_describe(m_cursor), look);
    }
    if (hasFocus()) {
        painter.setPen(QPen(palette().color(QPalette::Highlight), 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(viewport()->rect().adjusted(0, 0, -1, -1));
    }
}

TokenRange TokenCanvas::paintInto(QPainter &painter, const QRectF &target, const FigureLook &look) const
{
    if (!m_index || m_heights.empty())
        return {};
    const int first = blockAtY(verticalScrollBar()->value());
    TokenRange painted{m_index->blocks()[static_cast<std::size_t>(first)].range.begin, 0};
    painted.end = painted.begin;
    double y = target.top();
    painter.save();
    painter.setClipRect(target, Qt::IntersectClip);
    for (int block = first; block < static_cast<int>(m_heights.size()); ++block) {
        const TokenBlock &info = m_index->blocks()[static_cast<std::size_t>(block)];
        const auto layout = makeLayout(block, look.font, target.width());
        setInks(*layout, info);
        const double header = info.first ? headerHeight(look) : 0;
        // Whole blocks only, but for a first one that is longer than the figure.
        if (block > first && y + header + layout->height() > target.bottom())
            break;
        if (info.first)
            paintHeader(painter, block, QRectF(target.left(), y, target.width(), header), look, false);
        paintBlock(painter, block, *layout, {target.left(), y + header}, look, target, false);
        y += header + layout->height();
        painted.end = info.range.end;
    }
    painter.restore();
    return painted;
}

} // namespace expertscope
