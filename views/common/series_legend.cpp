// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/series_legend.h"

#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <numeric>

namespace expertscope {

namespace {

constexpr double sampleWidth = 18; ///< of the line beside a name
constexpr double sampleGap = 5;
constexpr double columnGap = 10;
constexpr double mostOfRoom = 0.5;

} // namespace

SeriesLegend::SeriesLegend(std::vector<Entry> entries, const QFont &font)
    : m_entries{std::move(entries)}
    , m_font{font}
{
}

QSizeF SeriesLegend::layOut(QSizeF room, bool beside)
{
    const int count = static_cast<int>(m_entries.size());
    m_rows = m_columns = 0;
    m_left.clear();
    if (count == 0)
        return {};
    const QFontMetricsF metrics(m_font);
    std::vector<double> widths;
    for (const Entry &entry : m_entries)
        widths.push_back(sampleWidth + sampleGap + metrics.horizontalAdvance(entry.name) + columnGap);
    // Lines stand apart where there is room for it.
    const double tight = metrics.height() + 1, loose = metrics.height() * 1.4;
    m_downFirst = beside;
    if (beside) {
        const int most = std::max(1, static_cast<int>(room.height() / tight));
        m_columns = (count + most - 1) / most;
        m_rows = (count + m_columns - 1) / m_columns;
        m_line = std::clamp(room.height() / m_rows, tight, loose);
    } else {
        m_columns = std::clamp(static_cast<int>(room.width() / *std::max_element(widths.begin(), widths.end())), 1, count);
        m_rows = (count + m_columns - 1) / m_columns;
        m_line = m_rows * loose < mostOfRoom * room.height() ? loose : tight;
    }
    std::vector<double> ofColumn(static_cast<std::size_t>(m_columns), 0.0);
    for (int i = 0; i < count; ++i) {
        double &widest = ofColumn[static_cast<std::size_t>(columnOf(i))];
        widest = std::max(widest, widths[static_cast<std::size_t>(i)]);
    }
    const double all = std::accumulate(ofColumn.begin(), ofColumn.end(), 0.0);
    const double shrink = std::min(1.0, room.width() * (beside ? mostOfRoom : 1) / all);
    m_left.assign(1, 0.0);
    for (const double width : ofColumn)
        m_left.push_back(m_left.back() + width * shrink);
    return size();
}

int SeriesLegend::columnOf(int entry) const
{
    return m_downFirst ? entry / m_rows : entry % m_columns;
}

QRectF SeriesLegend::rect(int entry) const
{
    if (entry < 0 || entry >= static_cast<int>(m_entries.size()) || m_rows == 0)
        return {};
    const int row = m_downFirst ? entry % m_rows : entry / m_columns;
    const auto column = static_cast<std::size_t>(columnOf(entry));
    return {m_at + QPointF(m_left[column], row * m_line), QSizeF(m_left[column + 1] - m_left[column], m_line)};
}

int SeriesLegend::at(QPointF place) const
{
    for (int i = 0; i < static_cast<int>(m_entries.size()); ++i)
        if (rect(i).contains(place))
            return i;
    return -1;
}

void SeriesLegend::paint(QPainter &painter, const QColor &ink) const
{
    const QFontMetricsF metrics(m_font);
    painter.setFont(m_font);
    for (int i = 0; i < static_cast<int>(m_entries.size()); ++i) {
        const Entry &entry = m_entries[static_cast<std::size_t>(i)];
        const QRectF box = rect(i);
        const double middle = box.center().y();
        const QRectF sample(box.left(), middle - 4, sampleWidth, 8);
        painter.fillRect(sample, entry.fill);
        painter.setPen(entry.line);
        painter.drawLine(QPointF(sample.left(), middle), QPointF(sample.right(), middle));
        painter.setPen(ink);
        const QRectF text = box.adjusted(sampleWidth + sampleGap, 0, -columnGap / 2, 0);
        painter.drawText(text, Qt::AlignLeft | Qt::AlignVCenter, metrics.elidedText(entry.name, Qt::ElideRight, text.width() + 1));
    }
}

} // namespace expertscope
