// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Where the values of a SeriesPlot are, and what is at a place.
#include "views/common/axis.h"
#include "views/common/series_plot.h"

#include <QXYSeries>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr double reach = 14; ///< pixels from which a dot is meant

QString textOf(const std::string &text)
{
    return QString::fromStdString(text);
}

} // namespace

double SeriesPlot::barCentre(int x, int curve) const
{
    int before = 0;
    for (int c = 0; c < curve; ++c)
        before += m_series.curves[static_cast<std::size_t>(c)].role == Curve::Role::Data;
    const double width = barGroupWidth / std::max(1, dataCurves());
    return x - barGroupWidth / 2 + (before + 0.5) * width;
}

bool SeriesPlot::isThere(Place place) const
{
    const auto c = static_cast<std::size_t>(place.curve);
    const auto i = static_cast<std::size_t>(place.x);
    return place.curve >= 0 && place.x >= 0 && c < m_series.curves.size() && i < m_series.curves[c].y.size()
        && std::isfinite(m_series.curves[c].y[i]) && (m_series.bars || std::isfinite(m_series.x[i]));
}

QPointF SeriesPlot::position(Place place) const
{
    const auto c = static_cast<std::size_t>(place.curve);
    const auto i = static_cast<std::size_t>(place.x);
    if (place.curve < 0 || place.x < 0 || c >= m_series.curves.size() || i >= m_series.curves[c].y.size())
        return {};
    const double x = m_series.bars ? barCentre(place.x, place.curve) : m_series.x[i];
    return const_cast<SeriesPlot *>(this)->mapToPosition(QPointF(x, m_series.curves[c].y[i]), m_drawn[c].any);
}

SeriesPlot::Place SeriesPlot::nearest(QPointF at) const
{
    Place best;
    if (!plotArea().contains(at))
        return best;
    double bestX = std::numeric_limits<double>::infinity();
    double bestY = bestX;
    for (int c = 0; c < static_cast<int>(m_series.curves.size()); ++c) {
        const Curve &curve = m_series.curves[static_cast<std::size_t>(c)];
        if (curve.role != Curve::Role::Data)
            continue;
        for (int i = 0; i < static_cast<int>(curve.y.size()); ++i) {
            if (!isThere({i, c}))
                continue;
            const QPointF there = position({i, c});
            const double distance = std::hypot(there.x() - at.x(), there.y() - at.y());
            if (m_series.dots && distance > reach)
                continue;
            const double dx = m_series.dots ? distance : std::abs(there.x() - at.x());
            const double dy = std::abs(there.y() - at.y());
            if (dx < bestX - 0.01 || (dx < bestX + 0.01 && dy < bestY)) {
                best = {i, c};
                bestX = std::min(dx, bestX);
                bestY = dy;
            }
        }
    }
    return best;
}

QStringList SeriesPlot::describe(Place place) const
{
    if (place.x < 0 || place.curve < 0)
        return {};
    const auto i = static_cast<std::size_t>(place.x);
    QStringList lines;
    if (m_series.bars || m_series.dots)
        lines << textOf(m_series.names[i]);
    if (!m_series.bars)
        lines << textOf(m_series.xTitle) + (m_series.dots ? QStringLiteral(": ") : QStringLiteral(" ")) + numberText(m_series.x[i]);
    const QString unit = m_series.unit.empty() || m_series.unit == "1" ? QString() : u' ' + textOf(m_series.unit);
    const auto add = [&](const Curve &curve, const QString &name) {
        QString line = name.isEmpty() ? textOf(m_series.yTitle) : name;
        if (i < curve.y.size())
            line += QStringLiteral(": ") + numberText(curve.y[i]) + unit;
        if (i < curve.low.size() && i < curve.high.size() && std::isfinite(curve.low[i]))
            line += QStringLiteral(" (%1 to %2)").arg(numberText(curve.low[i]), numberText(curve.high[i]));
        lines << line;
    };
    const Curve &mine = m_series.curves[static_cast<std::size_t>(place.curve)];
    add(mine, textOf(mine.name));
    for (const Curve &curve : m_series.curves)
        if (curve.role == Curve::Role::Chance)
            add(curve, QStringLiteral("chance, ") + textOf(curve.name));
    return lines;
}

int SeriesPlot::namedAt(QPointF at) const
{
    const int entry = m_legend.at(at);
    return entry < 0 ? -1 : m_legend.entries()[static_cast<std::size_t>(entry)].curve;
}

} // namespace expertscope
