// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/series_plot.h"

#include "views/common/axis.h"

#include <QAreaSeries>
#include <QBarCategoryAxis>
#include <QBarSeries>
#include <QBarSet>
#include <QFontInfo>
#include <QGraphicsLayout>
#include <QLegend>
#include <QLineSeries>
#include <QPainter>
#include <QScatterSeries>
#include <QValueAxis>

#include <algorithm>
#include <array>
#include <cmath>

namespace expertscope {

namespace {

constexpr int edge = 4; ///< between the legend and what is around it
constexpr int manyCurves = 6; ///< more than these, and the intervals of those that are not pointed out step back

/// Sized in pixels: a chart lays its texts out by the screen, and a picture has another resolution.
QFont inPixels(QFont font)
{
    font.setPixelSize(std::max(7, QFontInfo(font).pixelSize()));
    return font;
}

QColor faded(QColor colour, int alpha)
{
    colour.setAlpha(alpha);
    return colour;
}

struct Extent {
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();
    void add(double value)
    {
        if (std::isfinite(value)) {
            low = std::min(low, value);
            high = std::max(high, value);
        }
    }
    bool any() const { return low <= high; }
};

QString textOf(const std::string &text)
{
    return QString::fromStdString(text);
}

template<typename Drawn = QLineSeries>
Drawn *lineOf(const std::vector<double> &x, const std::vector<double> &y)
{
    auto *line = new Drawn;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
        if (std::isfinite(x[i]) && std::isfinite(y[i]))
            line->append(x[i], y[i]);
    }
    return line;
}

bool allIntegers(const std::vector<double> &values)
{
    return std::all_of(values.begin(), values.end(), [](double value) { return value == std::floor(value); });
}

/// The y axis begins at zero where the data nearly does, so that heights can be compared.
Extent roundedOut(Extent extent, bool bars)
{
    if (!extent.any() || (extent.low == 0 && extent.high == 0))
        return {0, 1};
    if (extent.low > 0 && (bars || extent.low < 0.4 * extent.high))
        extent.low = 0;
    if (extent.high < 0 && bars)
        extent.high = 0;
    const double span = extent.high - extent.low;
    const double pad = span > 0 ? 0.05 * span : std::max(1e-6, 0.1 * std::abs(extent.high));
    return {extent.low == 0 ? 0 : extent.low - pad, extent.high + pad};
}

void setTicks(QValueAxis *axis, double low, double high, int most, bool integers)
{
    double step = 0;
    if (integers) {
        const auto ticks = integerTicks(static_cast<std::int64_t>(std::ceil(low)), static_cast<std::int64_t>(std::floor(high)), most);
        step = ticks.size() > 1 ? static_cast<double>(ticks[1] - ticks[0]) : 1;
    } else {
        const auto ticks = roundTicks(low, high, most);
        step = ticks.size() > 1 ? ticks[1] - ticks[0] : high - low;
    }
    axis->setTickType(QValueAxis::TicksDynamic);
    axis->setTickAnchor(0);
    axis->setTickInterval(step);
    axis->setLabelFormat(integers ? QStringLiteral("%d") : QStringLiteral("%g"));
}

} // namespace

QColor curveColour(int index, bool dark)
{
    static constexpr std::array light{0xff0072b2, 0xffd55e00, 0xff009e73, 0xffb5528f, 0xffc98a00, 0xff3d9fd8, 0xff6e6e6e};
    static constexpr std::array onDark{0xff56b4e9, 0xffe98a4b, 0xff2fc49a, 0xffdf9cc2, 0xfff0c040, 0xff3f8fd0, 0xffa8a8a8};
    const auto i = static_cast<std::size_t>(std::max(0, index)) % light.size();
    return QColor(dark ? onDark[i] : light[i]);
}

Qt::PenStyle curveStyle(int index)
{
    constexpr std::array styles{Qt::SolidLine, Qt::DashLine, Qt::DotLine, Qt::DashDotLine};
    return styles[static_cast<std::size_t>(std::max(0, index) / 7) % styles.size()];
}

QString withUnit(const std::string &title, const std::string &unit)
{
    return unit.empty() || unit == "1" ? textOf(title) : textOf(title) + QStringLiteral(" [") + textOf(unit) + u']';
}

/// What Qt Charts has no series for: the whiskers of bars and the line at the place that is pointed out.
class SeriesPlot::Overlay : public QGraphicsItem {
public:
    explicit Overlay(SeriesPlot *plot)
        : QGraphicsItem{plot}
        , m_plot{*plot}
    {
        setZValue(100);
    }
    QRectF boundingRect() const override { return m_plot.rect(); }
    void paint(QPainter *painter, const QStyleOptionGraphicsItem *, QWidget *) override
    {
        const Series &series = m_plot.m_series;
        if (m_plot.m_drawn.empty())
            return;
        m_plot.placeLegend();
        m_plot.m_legend.paint(*painter, m_plot.m_look.ink);
        painter->setClipRect(m_plot.plotArea().adjusted(-1, -1, 1, 1));
        if (series.bars || series.dots)
            paintWhiskers(*painter);
        if (series.dots)
            paintRing(*painter);
        QAbstractSeries *any = m_plot.m_drawn.front().any;
        if (!std::isnan(m_plot.m_marks.x) && any) {
            const double x = m_plot.mapToPosition(QPointF(m_plot.m_marks.x, 0), any).x();
            painter->setPen(QPen(m_plot.m_look.accent, 1.2, Qt::DashLine));
            painter->drawLine(QPointF(x, m_plot.plotArea().top()), QPointF(x, m_plot.plotArea().bottom()));
        }
    }

private:
    void paintWhiskers(QPainter &painter) const
    {
        const Series &series = m_plot.m_series;
        for (int c = 0; c < static_cast<int>(series.curves.size()); ++c) {
            const Curve &curve = series.curves[static_cast<std::size_t>(c)];
            if (curve.role != Curve::Role::Data || curve.low.size() != curve.y.size() || curve.high.size() != curve.y.size())
                continue;
            painter.setPen(QPen(series.bars ? m_plot.m_look.ink : faded(m_plot.colour(c), 110), 1));
            QAbstractSeries *any = m_plot.m_drawn[static_cast<std::size_t>(c)].any;
            for (std::size_t i = 0; i < curve.y.size(); ++i) {
                if (!std::isfinite(curve.low[i]) || !std::isfinite(curve.high[i]))
                    continue;
                const double x = series.bars ? m_plot.barCentre(static_cast<int>(i), c) : series.x[i];
                if (!std::isfinite(x))
                    continue;
                const QPointF low = m_plot.mapToPosition(QPointF(x, curve.low[i]), any);
                const QPointF high = m_plot.mapToPosition(QPointF(x, curve.high[i]), any);
                painter.drawLine(low, high);
                for (const QPointF end : {low, high})
                    painter.drawLine(end - QPointF(3, 0), end + QPointF(3, 0));
            }
        }
    }
    void paintRing(QPainter &painter) const
    {
        painter.setPen(QPen(m_plot.m_look.accent, 2));
        painter.setBrush(Qt::NoBrush);
        for (int c = 0; c < static_cast<int>(m_plot.m_series.curves.size()); ++c)
            if (const Place place{m_plot.m_marks.dot, c}; m_plot.isThere(place))
                painter.drawEllipse(m_plot.position(place), ring, ring);
    }
    static constexpr double ring = 7;
    SeriesPlot &m_plot;
};

SeriesPlot::SeriesPlot(Series series, const FigureLook &look, bool titled)
    : m_series{std::move(series)}
    , m_look{look}
{
    setAnimationOptions(QChart::NoAnimation);
    setBackgroundBrush(look.paper);
    setBackgroundPen(Qt::NoPen);
    setBackgroundRoundness(0);
    setMargins(QMargins(4, 2, 8, 2));
    QChart::layout()->setContentsMargins(0, 0, 0, 0);
    if (titled) {
        setTitle(textOf(m_series.title).toHtmlEscaped());
        setTitleFont(inPixels(look.titleFont()));
        setTitleBrush(look.ink);
    }
    m_drawn.resize(m_series.curves.size());
    if (m_series.bars)
        addBars();
    addCurves();
    addAxes();
    legend()->hide(); // Qt's own leaves out what does not fit
    addLegend();
    m_overlay = new Overlay(this);
    styleCurves();
}

void SeriesPlot::addLegend()
{
    std::vector<SeriesLegend::Entry> entries;
    for (std::size_t c = 0; c < m_series.curves.size(); ++c) {
        const Curve &curve = m_series.curves[c];
        if (!curve.name.empty())
            entries.push_back({curve.role == Curve::Role::Chance ? QStringLiteral("chance: ") + textOf(curve.name) : textOf(curve.name),
                static_cast<int>(c)});
    }
    // One nameless companion is no reason to name a single curve.
    if (entries.size() > 1 || (entries.size() == 1 && m_series.curves.size() > 1))
        m_legend = SeriesLegend(std::move(entries), inPixels(m_look.smallFont()));
}

/// Beside the plot where height is scarce or there is much to list, below it otherwise.
void SeriesPlot::resizeEvent(QGraphicsSceneResizeEvent *event)
{
    constexpr double wide = 1.6;
    m_legendBeside = size().width() > wide * size().height() || m_series.curves.size() > manyCurves;
    const QSizeF taken = m_legend.layOut({size().width(), size().height() - titleHeight() - 2 * edge}, m_legendBeside);
    QMargins margins(4, 2, 8, 2);
    if (!taken.isEmpty() && m_legendBeside)
        margins.setRight(margins.right() + static_cast<int>(std::ceil(taken.width())) + edge);
    else if (!taken.isEmpty())
        margins.setBottom(margins.bottom() + static_cast<int>(std::ceil(taken.height())) + edge);
    if (margins != this->margins())
        setMargins(margins);
    QChart::resizeEvent(event);
    QChart::layout()->activate(); // a picture is painted before any event loop would do so
}

double SeriesPlot::titleHeight() const
{
    return title().isEmpty() ? 0 : QFontMetricsF(titleFont()).height() + edge;
}

/// The plot's place is known only when it is painted.
void SeriesPlot::placeLegend()
{
    const QSizeF taken = m_legend.size();
    if (m_legendBeside) {
        const double top = plotArea().center().y() - taken.height() / 2;
        const double lowest = size().height() - taken.height() - edge;
        m_legend.moveTo({size().width() - taken.width() - edge, std::max(titleHeight(), std::min(top, lowest))});
    } else {
        m_legend.moveTo({std::max(0.0, plotArea().center().x() - taken.width() / 2), size().height() - taken.height() - edge});
    }
}

int SeriesPlot::dataCurves() const
{
    return static_cast<int>(
        std::count_if(m_series.curves.begin(), m_series.curves.end(), [](const Curve &curve) { return curve.role == Curve::Role::Data; }));
}

void SeriesPlot::addBars()
{
    auto *bars = new QBarSeries;
    bars->setBarWidth(barGroupWidth);
    for (std::size_t c = 0; c < m_series.curves.size(); ++c) {
        const Curve &curve = m_series.curves[c];
        if (curve.role != Curve::Role::Data)
            continue;
        auto *set = new QBarSet(textOf(curve.name));
        for (const double y : curve.y)
            set->append(std::isfinite(y) ? y : 0);
        set->setColor(colour(static_cast<int>(c)));
        set->setBorderColor(m_look.paper);
        bars->append(set);
        m_drawn[c].any = bars;
    }
    addSeries(bars);
}

void SeriesPlot::addCurves()
{
    std::vector<double> x = m_series.x;
    if (m_series.bars) {
        x.resize(m_series.names.size());
        for (std::size_t i = 0; i < x.size(); ++i)
            x[i] = static_cast<double>(i);
    }
    const bool fewPoints = x.size() <= 64;
    // Chance lies behind the data.
    for (const Curve::Role role : {Curve::Role::Chance, Curve::Role::Data}) {
        for (std::size_t c = 0; c < m_series.curves.size(); ++c) {
            const Curve &curve = m_series.curves[c];
            if (curve.role != role || (m_series.bars && role == Curve::Role::Data))
                continue;
            Drawn &drawn = m_drawn[c];
            const bool dots = m_series.dots && role == Curve::Role::Data;
            if (m_series.dots && !dots) { // dots are in any order, a line is not
                std::vector<std::size_t> order;
                for (std::size_t i = 0; i < x.size(); ++i)
                    if (std::isfinite(x[i]))
                        order.push_back(i);
                std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
                std::vector<double> sortedX, sortedY;
                for (const std::size_t i : order) {
                    sortedX.push_back(x[i]);
                    sortedY.push_back(curve.y[i]);
                }
                drawn.any = drawn.line = lineOf(sortedX, sortedY);
                addSeries(drawn.line);
                continue;
            }
            if (!dots && !curve.low.empty() && curve.low.size() == curve.high.size()) {
                drawn.band = new QAreaSeries(lineOf(x, curve.high), lineOf(x, curve.low));
                drawn.band->upperSeries()->setParent(drawn.band);
                drawn.band->lowerSeries()->setParent(drawn.band);
                addSeries(drawn.band);
            }
            if (!curve.y.empty()) {
                drawn.line = dots ? static_cast<QXYSeries *>(lineOf<QScatterSeries>(x, curve.y)) : lineOf(x, curve.y);
                drawn.line->setPointsVisible(dots || (fewPoints && role == Curve::Role::Data));
                addSeries(drawn.line);
            }
            drawn.any = drawn.line ? static_cast<QAbstractSeries *>(drawn.line) : drawn.band;
        }
    }
}

void SeriesPlot::addAxes()
{
    Extent xs, ys;
    for (const double x : m_series.x)
        xs.add(x);
    for (const Curve &curve : m_series.curves)
        for (const std::vector<double> *values : {&curve.y, &curve.low, &curve.high})
            for (const double y : *values)
                ys.add(y);
    const auto style = [&](QAbstractAxis *axis, const QString &title) {
        axis->setTitleText(title.toHtmlEscaped());
        axis->setTitleFont(inPixels(m_look.font));
        axis->setTitleBrush(m_look.ink);
        axis->setLabelsFont(inPixels(m_look.smallFont()));
        axis->setLabelsColor(m_look.ink);
        axis->setLinePen(QPen(m_look.faint, 1));
        axis->setGridLinePen(QPen(faded(m_look.missing, 110), 1));
    };
    QAbstractAxis *bottom = nullptr;
    if (m_series.bars) {
        auto *categories = new QBarCategoryAxis;
        QStringList names;
        // Qt Charts drops a category that is there already.
        for (const std::string &name : m_series.names) {
            QString one = textOf(name);
            while (names.contains(one))
                one += QChar(0x200B);
            names << one;
        }
        categories->append(names);
        categories->setLabelsAngle(names.size() > 24 ? -90 : 0);
        categories->setGridLineVisible(false);
        m_left = -0.5;
        m_right = static_cast<double>(names.size()) - 0.5;
        bottom = categories;
    } else {
        auto *values = new QValueAxis;
        const bool integers = allIntegers(m_series.x);
        if (!xs.any())
            xs = {0, 1};
        const double pad = xs.high > xs.low ? 0.035 * (xs.high - xs.low) : 0.5; // room for the whole of a mark
        m_left = xs.low - pad;
        m_right = xs.high + pad;
        values->setRange(m_left, m_right);
        setTicks(values, m_left, m_right, 14, integers && xs.high - xs.low >= 1);
        bottom = values;
    }
    style(bottom, textOf(m_series.xTitle));
    auto *left = new QValueAxis;
    const Extent range = roundedOut(ys, m_series.bars);
    left->setRange(range.low, range.high);
    setTicks(left, range.low, range.high, 7, false);
    style(left, withUnit(m_series.yTitle, m_series.unit));
    addAxis(bottom, Qt::AlignBottom);
    addAxis(left, Qt::AlignLeft);
    for (QAbstractSeries *one : QChart::series()) {
        one->attachAxis(bottom);
        one->attachAxis(left);
    }
}

QColor SeriesPlot::colour(int curve) const
{
    if (m_series.curves[static_cast<std::size_t>(curve)].role == Curve::Role::Chance)
        return m_look.faint;
    int index = 0;
    for (int c = 0; c < curve; ++c)
        index += m_series.curves[static_cast<std::size_t>(c)].role == Curve::Role::Data;
    return curveColour(index, m_look.paper.lightness() < 128);
}

void SeriesPlot::styleCurves()
{
    const bool chosen = std::any_of(
        m_series.curves.begin(), m_series.curves.end(), [&](const Curve &curve) { return textOf(curve.name) == m_marks.curve; });
    const bool crowded = dataCurves() > manyCurves;
    int index = 0, chances = 0;
    for (std::size_t c = 0; c < m_series.curves.size(); ++c) {
        const Curve &curve = m_series.curves[c];
        const Drawn &drawn = m_drawn[c];
        const QColor base = colour(static_cast<int>(c));
        if (curve.role == Curve::Role::Chance) {
            if (drawn.line)
                drawn.line->setPen(QPen(base, 1.6, chances++ == 0 ? Qt::DashLine : Qt::DotLine));
            if (drawn.band) {
                drawn.band->setPen(Qt::NoPen);
                drawn.band->setBrush(faded(base, 60));
            }
            continue;
        }
        const bool mine = chosen && textOf(curve.name) == m_marks.curve;
        const bool behind = chosen && !mine;
        if (auto *dots = qobject_cast<QScatterSeries *>(drawn.line)) {
            dots->setPen(QPen(m_look.paper, 0.8));
            dots->setColor(behind ? faded(base, 110) : base);
            dots->setBorderColor(m_look.paper);
            dots->setMarkerSize(mine ? 10 : 8);
        } else if (drawn.line) {
            QPen pen(behind ? faded(base, 110) : base, mine ? 3.2 : behind ? 1.2 : 1.9, mine ? Qt::SolidLine : curveStyle(index));
            pen.setJoinStyle(Qt::RoundJoin);
            drawn.line->setPen(pen);
            drawn.line->setMarkerSize(mine ? 7 : behind ? 3 : 4.5);
        }
        if (drawn.band) {
            drawn.band->setPen(Qt::NoPen);
            drawn.band->setBrush(faded(base, mine ? 80 : behind ? (crowded ? 0 : 14) : crowded ? 22 : 50));
        }
        ++index;
    }
    for (SeriesLegend::Entry &entry : m_legend.entries()) {
        const Drawn &drawn = m_drawn[static_cast<std::size_t>(entry.curve)];
        const bool line = drawn.line && !qobject_cast<QScatterSeries *>(drawn.line);
        entry.line = line ? drawn.line->pen() : QPen(Qt::NoPen);
        entry.line.setColor(colour(entry.curve)); // a curve that steps back keeps its colour here
        entry.fill = line ? QColor(Qt::transparent) : drawn.band ? drawn.band->brush().color() : colour(entry.curve);
    }
}

void SeriesPlot::setMarks(const PlotMarks &marks)
{
    const bool restyle = marks.curve != m_marks.curve;
    m_marks = marks;
    if (restyle)
        styleCurves();
    m_overlay->update();
}

void SeriesPlot::zoomX(double factor, QPointF at)
{
    if (m_series.bars)
        return; // categories have no room between them
    auto *axis = static_cast<QValueAxis *>(axes(Qt::Horizontal).constFirst());
    const double share = std::clamp((at.x() - plotArea().left()) / plotArea().width(), 0.0, 1.0);
    const double least = m_series.dots ? (m_right - m_left) / 100 : std::min(1.0, m_right - m_left);
    const double span = std::clamp((axis->max() - axis->min()) / factor, least, m_right - m_left);
    const double left = std::clamp(axis->min() + share * (axis->max() - axis->min()) - share * span, m_left, m_right - span);
    axis->setRange(left, left + span);
    setTicks(axis, left, left + span, 14, allIntegers(m_series.x) && m_right - m_left > 1);
}

void SeriesPlot::fit()
{
    zoomX(1e-9, plotArea().center());
}

} // namespace expertscope
