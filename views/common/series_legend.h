// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// SeriesLegend: the names of a chart's curves in as many columns as it takes to show every one; long names are shortened first.
#pragma once

#include <QFont>
#include <QPen>
#include <QRectF>
#include <QString>

#include <vector>

class QPainter;

namespace expertscope {

class SeriesLegend {
public:
    struct Entry {
        QString name;
        int curve = -1; ///< index into Series::curves
        QPen line = Qt::NoPen;
        QColor fill = Qt::transparent; ///< of a band or bar
    };

    SeriesLegend() = default;
    SeriesLegend(std::vector<Entry> entries, const QFont &font);

    std::vector<Entry> &entries() { return m_entries; }
    const std::vector<Entry> &entries() const { return m_entries; }
    /// Arranges the entries in columns as high as the room (beside a plot) or in rows as wide as it (below), in at most half of it.
    /// Returns the size it takes; empty without entries.
    QSizeF layOut(QSizeF room, bool beside);
    /// What layOut returned.
    QSizeF size() const { return {m_left.empty() ? 0 : m_left.back(), m_rows * m_line}; }
    void moveTo(QPointF topLeft) { m_at = topLeft; }
    /// Where an entry is; the sample and the name.
    QRectF rect(int entry) const;
    /// Index of the entry there; -1 = none.
    int at(QPointF place) const;
    void paint(QPainter &painter, const QColor &ink) const;

private:
    int columnOf(int entry) const;

    std::vector<Entry> m_entries;
    QFont m_font;
    QPointF m_at;
    double m_line = 0; ///< height of a row
    std::vector<double> m_left; ///< [columns + 1] where each begins
    int m_rows = 0; ///< 0 = not laid out
    int m_columns = 0;
    bool m_downFirst = true;
};

} // namespace expertscope
