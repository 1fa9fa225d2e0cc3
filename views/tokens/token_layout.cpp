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

/// The signs around a mark that keep its direction from the text's.
bool isIsolate(QChar c)
{
    return c == QChar{0x2066} || c == QChar{0x2069};
}

/// Whether no character asks for another direction than left to right.
bool onlyLeftToRight(const QString &text)
{
    return std::none_of(text.begin(), text.end(), [](QChar c) {
        switch (c.direction()) {
        case QChar::DirR:
        case QChar::DirAL:
        case QChar::DirAN:
            return true;
        default:
            return c.isHighSurrogate() && c.unicode() >= 0xd802 && c.unicode() <= 0xd83b
                && (c.unicode() <= 0xd803 || c.unicode() >= 0xd83a);
        }
    });
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
    if (onlyLeftToRight(m_text.text))
        placeBoxesLeftToRight();
    else
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

void TokenLayout::addBox(int token, double left, double right, int line)
{
    // Neighbouring characters of one token are one box, in either direction.
    if (static_cast<int>(m_boxes.size()) > m_lineBoxes[static_cast<std::size_t>(line)] && m_boxes.back().token == token) {
        QRectF &last = m_boxes.back().rect;
        if (std::abs(last.right() - left) < 0.75)
            return last.setRight(std::max(right, last.right()));
        if (std::abs(last.left() - right) < 0.75)
            return last.setLeft(std::min(left, last.left()));
    }
    const double top = m_lineTops[static_cast<std::size_t>(line)] + 1;
    m_boxes.push_back({token, QRectF(left, top, right - left, m_lineTops[static_cast<std::size_t>(line) + 1] - 1 - top)});
}

void TokenLayout::placeBoxesLeftToRight()
{
    // Each box ends where the next begins, so only the borders of tokens need asking for: a fraction of all characters.
    std::size_t next = 0;
    const auto &clusters = m_text.clusters;
    for (int l = 0; l < m_layout.lineCount(); ++l) {
        m_lineBoxes.push_back(static_cast<int>(m_boxes.size()));
        const QTextLine line = m_layout.lineAt(l);
        const int end = line.textStart() + line.textLength();
        double x = next < clusters.size() ? line.cursorToX(clusters[next].begin) : 0;
        while (next < clusters.size() && clusters[next].begin < end) {
            const TextCluster &cluster = clusters[next];
            const int sharing = cluster.lastToken - cluster.firstToken + 1;
            ++next;
            while (sharing == 1 && next < clusters.size() && clusters[next].begin < end && clusters[next].firstToken == cluster.firstToken
                && clusters[next].lastToken == cluster.lastToken)
                ++next;
            const double right = line.cursorToX(next < clusters.size() ? std::min(end, clusters[next].begin) : end);
            for (int i = 0; i < sharing; ++i)
                addBox(cluster.firstToken + i, x + (right - x) * i / sharing, x + (right - x) * (i + 1) / sharing, l);
            x = right;
        }
    }
    m_lineBoxes.push_back(static_cast<int>(m_boxes.size()));
}

void TokenLayout::placeBoxes()
{
    std::size_t next = 0;
    for (int l = 0; l < m_layout.lineCount(); ++l) {
        m_lineBoxes.push_back(static_cast<int>(m_boxes.size()));
        const QTextLine line = m_layout.lineAt(l);
        const int end = line.textStart() + line.textLength();
        for (; next < m_text.clusters.size() && m_text.clusters[next].begin < end; ++next) {
            const TextCluster &cluster = m_text.clusters[next];
            if (isIsolate(m_text.text.at(cluster.begin)))
                continue; // Qt gives the invisible sign a width that nothing is drawn in
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
                addBox(cluster.firstToken + i, std::min(a, b), std::max(a, b), l);
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

void TokenLayout::setInks(const std::function<int(int)> &ink)
{
    m_runs.clear();
    const auto &clusters = m_text.clusters;
    std::size_t next = 0;
    for (int l = 0; l < m_layout.lineCount(); ++l) {
        const QTextLine line = m_layout.lineAt(l);
        const int end = line.textStart() + line.textLength();
        while (next < clusters.size() && clusters[next].begin < end) {
            // As long as the ink stays the same, one run of glyphs.
            const int here = ink(clusters[next].firstToken);
            const int from = clusters[next].begin;
            int to = from;
            int token = clusters[next].firstToken;
            for (; next < clusters.size() && clusters[next].begin < end; ++next) {
                if (clusters[next].firstToken != token) {
                    token = clusters[next].firstToken;
                    if (ink(token) != here)
                        break;
                }
                to = std::min(end, clusters[next].end);
            }
            m_runs.push_back({l, here, line.glyphRuns(from, to - from)});
        }
    }
}

void TokenLayout::paintText(QPainter &painter, QPointF origin, const std::vector<QColor> &inks, const QRectF &clip) const
{
    int ink = -1;
    for (const InkRun &run : m_runs) {
        const auto line = static_cast<std::size_t>(run.line);
        if (m_lineTops[line + 1] < clip.top() || m_lineTops[line] > clip.bottom())
            continue;
        if (run.ink != ink) {
            ink = run.ink;
            painter.setPen(inks[static_cast<std::size_t>(ink)]);
        }
        for (const QGlyphRun &glyphs : run.glyphs)
            painter.drawGlyphRun(origin, glyphs);
    }
}

} // namespace expertscope
