// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/tokens/token_layout.h"

#include <QFontMetricsF>
#include <QPainter>
#include <QRawFont>
#include <QTextOption>

#include <algorithm>
#include <cmath>
#include <limits>

namespace expertscope {

namespace {

constexpr double linePadding = 3; ///< above and below the tallest glyph

/// Left and right end of the glyphs of a piece of a line.
std::pair<double, double> glyphExtent(const QTextLine &line, int from, int length)
{
    double left = std::numeric_limits<double>::max();
    double right = std::numeric_limits<double>::lowest();
    for (const QGlyphRun &run : line.glyphRuns(from, length)) {
        const QList<quint32> glyphs = run.glyphIndexes();
        const QList<QPointF> positions = run.positions();
        const QList<QPointF> advances = run.rawFont().advancesForGlyphIndexes(glyphs);
        for (qsizetype i = 0; i < positions.size() && i < advances.size(); ++i) {
            left = std::min(left, positions[i].x());
            right = std::max(right, positions[i].x() + advances[i].x());
        }
    }
    return {left, right};
}

} // namespace

TokenLayout::TokenLayout(TokenText text, const QFont &font, double width)
    : m_text{std::move(text)}
    , m_layout{m_text.text, font}
{
    QTextOption option;
    option.setTextDirection(Qt::LayoutDirectionAuto);
    option.setWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    m_rightToLeft = m_text.text.isRightToLeft();
    option.setAlignment(m_rightToLeft ? Qt::AlignRight : Qt::AlignLeft);
    m_layout.setTextOption(option);
    m_layout.setCacheEnabled(true);
    placeLines(font, width);
    placeBoxes();
}

void TokenLayout::placeLines(const QFont &font, double width)
{
    const double least = QFontMetricsF(font).height();
    double y = 0;
    m_layout.beginLayout();
    for (QTextLine line = m_layout.createLine(); line.isValid(); line = m_layout.createLine()) {
        line.setLineWidth(std::max(width, least * 2));
        const double height = std::ceil(std::max(line.height(), least)) + 2 * linePadding;
        line.setPosition({0, y + (height - line.height()) / 2});
        m_lineTops.push_back(y);
        y += height;
    }
    m_layout.endLayout();
    m_lineTops.push_back(y);
    m_height = y;
}

void TokenLayout::placeBoxes()
{
    std::size_t next = 0;
    for (int l = 0; l < m_layout.lineCount(); ++l) {
        m_lineBoxes.push_back(static_cast<int>(m_boxes.size()));
        const QTextLine line = m_layout.lineAt(l);
        const int end = line.textStart() + line.textLength();
        const double top = m_lineTops[static_cast<std::size_t>(l)] + 1;
        const double height = m_lineTops[static_cast<std::size_t>(l) + 1] - 1 - top;
        const auto lineFirst = m_boxes.size();
        const auto add = [&](int token, double left, double right) {
            // Neighbouring characters of one token are one box, in either direction.
            if (m_boxes.size() > lineFirst && m_boxes.back().token == token) {
                QRectF &last = m_boxes.back().rect;
                if (std::abs(last.right() - left) < 0.75)
                    return last.setRight(std::max(right, last.right()));
                if (std::abs(last.left() - right) < 0.75)
                    return last.setLeft(std::min(left, last.left()));
            }
            m_boxes.push_back({token, QRectF(left, top, right - left, height)});
        };
        for (; next < m_text.clusters.size() && m_text.clusters[next].begin < end; ++next) {
            const TextCluster &cluster = m_text.clusters[next];
            double leading = line.cursorToX(cluster.begin, QTextLine::Leading);
            double trailing = line.cursorToX(cluster.begin, QTextLine::Trailing);
            if (std::abs(trailing - leading) < 0.01) {
                // Where script, font or direction changes, Qt reports the end of what came before: ask the glyphs.
                const auto [left, right] = glyphExtent(line, cluster.begin, std::min(end, cluster.end) - cluster.begin);
                if (right > left) {
                    leading = left;
                    trailing = right;
                }
            } else if (cluster.end < end) {
                // Characters of one ligature share its glyph: each ends where the next begins.
                const double following = line.cursorToX(cluster.end, QTextLine::Leading);
                if (following > std::min(leading, trailing) && following < std::max(leading, trailing))
                    trailing = following;
            }
            // Tokens that share a character share its box, side by side in reading direction.
            const int sharing = cluster.lastToken - cluster.firstToken + 1;
            for (int i = 0; i < sharing; ++i) {
                const double a = leading + (trailing - leading) * i / sharing;
                const double b = leading + (trailing - leading) * (i + 1) / sharing;
                add(cluster.firstToken + i, std::min(a, b), std::max(a, b));
            }
        }
    }
    m_lineBoxes.push_back(static_cast<int>(m_boxes.size()));
}

int TokenLayout::tokenAt(QPointF at) const
{
    for (std::size_t l = 0; l + 1 < m_lineTops.size(); ++l) {
        if (at.y() < m_lineTops[l] || at.y() >= m_lineTops[l + 1])
            continue;
        for (int i = m_lineBoxes[l]; i < m_lineBoxes[l + 1]; ++i) {
            const QRectF &rect = m_boxes[static_cast<std::size_t>(i)].rect;
            if (at.x() >= rect.left() && at.x() < rect.right())
                return m_boxes[static_cast<std::size_t>(i)].token;
        }
    }
    return -1;
}

int TokenLayout::nearestToken(QPointF at) const
{
    int best = -1;
    double bestDistance = 0;
    for (const TokenBox &box : m_boxes) {
        const double dx = std::max({box.rect.left() - at.x(), at.x() - box.rect.right(), 0.0});
        const double dy = std::max({box.rect.top() - at.y(), at.y() - box.rect.bottom(), 0.0});
        const double distance = dx + dy * 1000; // the line counts first
        if (best < 0 || distance < bestDistance) {
            best = box.token;
            bestDistance = distance;
        }
    }
    return best;
}

QRectF TokenLayout::firstBox(int token) const
{
    const auto at = std::find_if(m_boxes.begin(), m_boxes.end(), [&](const TokenBox &box) { return box.token == token; });
    return at == m_boxes.end() ? QRectF() : at->rect;
}

void TokenLayout::paintText(
    QPainter &painter, QPointF origin, const std::vector<QColor> &pens, const QRectF &clip, const std::function<int(int)> &pen) const
{
    std::size_t next = 0;
    for (int l = 0; l < m_layout.lineCount(); ++l) {
        const QTextLine line = m_layout.lineAt(l);
        const int end = line.textStart() + line.textLength();
        const bool visible =
            m_lineTops[static_cast<std::size_t>(l) + 1] >= clip.top() && m_lineTops[static_cast<std::size_t>(l)] <= clip.bottom();
        while (next < m_text.clusters.size() && m_text.clusters[next].begin < end) {
            // As long as the pen stays the same, one run of glyphs.
            const int colour = pen(m_text.clusters[next].firstToken);
            const int from = m_text.clusters[next].begin;
            int to = from;
            for (; next < m_text.clusters.size() && m_text.clusters[next].begin < end && pen(m_text.clusters[next].firstToken) == colour;
                 ++next)
                to = std::min(end, m_text.clusters[next].end);
            if (!visible)
                continue;
            painter.setPen(pens[static_cast<std::size_t>(colour)]);
            for (const QGlyphRun &run : line.glyphRuns(from, to - from))
                painter.drawGlyphRun(origin, run);
        }
    }
}

} // namespace expertscope
