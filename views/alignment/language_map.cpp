// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/alignment/language_map.h"

#include "views/common/axis.h"

#include <QFontMetricsF>
#include <QKeyEvent>
#include <QLineF>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>
#include <QWheelEvent>

#include <algorithm>
#include <array>
#include <cmath>

namespace expertscope {

namespace {

constexpr double dot = 4; ///< radius

/// A bar of a round length says what a distance on the map means: the axes have no other meaning.
struct ScaleBar {
    double length = 0; ///< in units of the map
    double pixels = 0;
    QString text;
    QRectF rect;

    ScaleBar(const QRectF &plot, double unitsPerPixel, const QString &unit, const QFontMetricsF &metrics)
    {
        const auto ticks = roundTicks(0, plot.width() * 0.3 * unitsPerPixel, 1);
        length = ticks.empty() ? 0 : ticks.back();
        pixels = length / unitsPerPixel;
        text = numberText(length) + u' ' + unit;
        rect = QRectF(
            plot.left() + 2, plot.bottom() - 4 - metrics.height(), pixels + 10 + metrics.horizontalAdvance(text), metrics.height() + 4);
    }
    void paint(QPainter &painter, const FigureLook &look) const
    {
        if (!(length > 0))
            return;
        const QPointF left(rect.left() + 2, rect.center().y());
        painter.setPen(QPen(look.ink, 1.5));
        painter.drawLine(left, left + QPointF(pixels, 0));
        for (const double x : {0.0, pixels})
            painter.drawLine(left + QPointF(x, -3), left + QPointF(x, 3));
        painter.setPen(look.faint);
        painter.drawText(rect.adjusted(pixels + 8, 0, 10, 0), Qt::AlignLeft | Qt::AlignVCenter, text);
    }
};

/// The first free place for a name of this size, from beside the point outwards; as close as can be if there is none.
QRectF freePlace(QPointF at, QSizeF size, const QRectF &plot, const std::vector<QRectF> &taken)
{
    // East, west, north, south, then the corners: the order in which a reader looks.
    constexpr std::array directions{QPointF(1, 0), QPointF(-1, 0), QPointF(0, -1), QPointF(0, 1), QPointF(1, -0.8), QPointF(1, 0.8),
        QPointF(-1, -0.8), QPointF(-1, 0.8), QPointF(0.5, -1), QPointF(-0.5, -1), QPointF(0.5, 1), QPointF(-0.5, 1)};
    const auto there = [&](QPointF direction, double far) {
        const QPointF middle = at + QPointF(direction.x() * (far + size.width() / 2), direction.y() * (far + size.height() / 2));
        return QRectF(middle - QPointF(size.width() / 2, size.height() / 2), size);
    };
    for (double far = dot + 2; far < plot.width() / 2; far += size.height() * 0.6) {
        for (const QPointF direction : directions) {
            const QRectF one = there(direction, far);
            if (plot.contains(one) && std::none_of(taken.begin(), taken.end(), [&](const QRectF &other) { return other.intersects(one); }))
                return one;
        }
    }
    return there(directions.front(), dot + 2);
}

/// The point of a rectangle that is nearest to another.
QPointF nearestOf(const QRectF &rect, QPointF to)
{
    return {std::clamp(to.x(), rect.left(), rect.right()), std::clamp(to.y(), rect.top(), rect.bottom())};
}

/// From units of the points to the paper and back.
struct MapScale {
    double scale = 1; ///< pixels a unit; one for both axes: only then are distances distances
    QPointF centre; ///< in units, in the middle of the room
    QRectF room;

    MapScale(const QRectF &plot, const LanguageMapContent &content, const QFontMetricsF &metrics, const LanguageZoom &zoom)
    {
        double left = 0, right = 0, top = 0, bottom = 0, widest = 0;
        for (const LanguagePoint &point : content.points) {
            left = std::min(left, point.x);
            right = std::max(right, point.x);
            bottom = std::min(bottom, point.y);
            top = std::max(top, point.y);
            widest = std::max(widest, metrics.horizontalAdvance(point.name));
        }
        room = plot.adjusted(dot + 2, dot + 4, -widest - dot - 6, -metrics.height() - 8);
        scale = std::min(room.width() / std::max(right - left, 1e-9), room.height() / std::max(top - bottom, 1e-9)) * zoom.factor;
        centre = zoom.factor > 1 ? zoom.centre : QPointF((left + right) / 2, (top + bottom) / 2);
    }
    QPointF place(double x, double y) const { return room.center() + QPointF((x - centre.x()) * scale, (centre.y() - y) * scale); }
    QPointF units(QPointF place) const
    {
        const QPointF off = (place - room.center()) / scale;
        return {centre.x() + off.x(), centre.y() - off.y()};
    }
};

QFont boldFont(const FigureLook &look)
{
    QFont font = look.smallFont();
    font.setBold(true);
    return font;
}

/// What is left below the title.
QRectF belowTitle(const QRectF &target, const FigureLook &look)
{
    return target.adjusted(8, 4 + QFontMetricsF(look.titleFont()).height() + 4, -8, -4);
}

std::vector<LanguagePlace> paintPoints(QPainter &painter, const QRectF &plot, const LanguageMapContent &content, const FigureLook &look,
    const QString &selected, const LanguageZoom &zoom)
{
    const QFont bold = boldFont(look);
    const QFontMetricsF metrics(bold); // names must not move when one is chosen
    const MapScale map(plot, content, metrics, zoom);
    std::vector<QPointF> at;
    std::vector<bool> seen;
    std::vector<QRectF> taken;
    for (const LanguagePoint &point : content.points) {
        at.push_back(map.place(point.x, point.y));
        seen.push_back(plot.contains(at.back()));
        taken.emplace_back(at.back() - QPointF(dot, dot), QSizeF(2 * dot, 2 * dot));
    }
    const ScaleBar bar(plot, 1 / map.scale, content.unit, metrics);
    taken.push_back(bar.rect);
    std::vector<LanguagePlace> places(content.points.size());
    for (std::size_t i = 0; i < content.points.size(); ++i) {
        if (!seen[i])
            continue;
        const QSizeF size(metrics.horizontalAdvance(content.points[i].name) + 2, metrics.height());
        const QRectF name = freePlace(at[i], size, plot, taken);
        taken.push_back(name);
        places[i] = {QRectF(at[i] - QPointF(dot + 3, dot + 3), QSizeF(2 * dot + 6, 2 * dot + 6)), name};
        const QPointF end = nearestOf(name, at[i]);
        if (QLineF(at[i], end).length() > dot + metrics.height() / 2) {
            painter.setPen(QPen(look.faint, 0.8));
            painter.drawLine(at[i], end);
        }
    }
    const auto paintOne = [&](std::size_t i, bool mine) {
        if (!seen[i])
            return;
        const LanguagePoint &point = content.points[i];
        painter.setPen(QPen(mine ? look.ink : look.paper, mine ? 2 : 1));
        painter.setBrush(point.colour);
        painter.drawEllipse(at[i], mine ? dot + 2 : dot, mine ? dot + 2 : dot);
        painter.setFont(mine ? bold : look.smallFont());
        painter.setPen(look.ink);
        painter.drawText(places[i].name, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip, point.name);
    };
    for (std::size_t i = 0; i < content.points.size(); ++i)
        paintOne(i, false);
    for (std::size_t i = 0; i < content.points.size(); ++i)
        if (content.points[i].name == selected)
            paintOne(i, true); // on top of its neighbours
    painter.setFont(look.smallFont());
    bar.paint(painter, look);
    return places;
}

/// Leaves from top to bottom in the order of the tree, so that no lines cross.
std::vector<int> leafOrder(const LanguageMapContent &content, int cluster)
{
    const int leaves = static_cast<int>(content.points.size());
    if (cluster < leaves)
        return {cluster};
    const LanguageMerge &merge = content.merges[static_cast<std::size_t>(cluster - leaves)];
    std::vector<int> order = leafOrder(content, merge.a);
    const std::vector<int> rest = leafOrder(content, merge.b);
    order.insert(order.end(), rest.begin(), rest.end());
    return order;
}

std::vector<LanguagePlace> paintTree(
    QPainter &painter, const QRectF &plot, const LanguageMapContent &content, const FigureLook &look, const QString &selected)
{
    const QFontMetricsF metrics(look.smallFont());
    const auto leaves = content.points.size();
    double widest = 0, highest = 1e-9;
    for (const LanguagePoint &point : content.points)
        widest = std::max(widest, metrics.horizontalAdvance(point.name) * 1.1);
    for (const LanguageMerge &merge : content.merges)
        highest = std::max(highest, merge.height);
    const QRectF area = plot.adjusted(6, 2, -widest - 10, -metrics.height() * 2 - 8);
    const auto x = [&](double height) { return area.right() - height / highest * area.width(); };
    const std::vector<int> order = leafOrder(content, static_cast<int>(leaves + content.merges.size()) - 1);
    const double step = area.height() / static_cast<double>(leaves);
    std::vector<QPointF> joints(leaves + content.merges.size());
    std::vector<LanguagePlace> places(leaves);
    for (std::size_t i = 0; i < order.size(); ++i) {
        const auto leaf = static_cast<std::size_t>(order[i]);
        const LanguagePoint &point = content.points[leaf];
        joints[leaf] = QPointF(area.right(), area.top() + (static_cast<double>(i) + 0.5) * step);
        const double height = metrics.height();
        places[leaf].name = QRectF(area.right() + 6, joints[leaf].y() - height / 2, widest + 4, height);
        places[leaf].point = QRectF(joints[leaf] - QPointF(dot, dot), QSizeF(2 * dot, 2 * dot));
        QFont font = look.smallFont();
        font.setBold(point.name == selected);
        painter.setFont(font);
        painter.setPen(Qt::NoPen);
        painter.setBrush(point.colour);
        painter.drawEllipse(joints[leaf], dot - 1, dot - 1);
        painter.setPen(look.ink);
        painter.drawText(places[leaf].name.adjusted(0, 0, 12, 0), Qt::AlignLeft | Qt::AlignVCenter, point.name);
    }
    painter.setPen(QPen(look.ink, 1.2));
    for (std::size_t i = 0; i < content.merges.size(); ++i) {
        const LanguageMerge &merge = content.merges[i];
        const QPointF a = joints[static_cast<std::size_t>(merge.a)], b = joints[static_cast<std::size_t>(merge.b)];
        const double at = x(merge.height);
        painter.drawLine(a, QPointF(at, a.y()));
        painter.drawLine(b, QPointF(at, b.y()));
        painter.drawLine(QPointF(at, a.y()), QPointF(at, b.y()));
        joints[leaves + i] = QPointF(at, (a.y() + b.y()) / 2);
    }
    painter.setFont(look.smallFont());
    const double axis = area.bottom() + 3;
    painter.setPen(QPen(look.faint, 1));
    painter.drawLine(QPointF(area.left(), axis), QPointF(area.right(), axis));
    for (const double tick : roundTicks(0, highest, std::max(2, static_cast<int>(area.width() / 60)))) {
        painter.setPen(QPen(look.faint, 1));
        painter.drawLine(QPointF(x(tick), axis), QPointF(x(tick), axis + 3));
        painter.setPen(look.ink);
        painter.drawText(QRectF(x(tick) - 40, axis + 4, 80, metrics.height()), Qt::AlignHCenter | Qt::AlignTop, numberText(tick));
    }
    painter.drawText(QRectF(area.left(), axis + 4 + metrics.height(), area.width(), metrics.height()), Qt::AlignCenter, content.unit);
    return places;
}

} // namespace

std::vector<LanguagePlace> paintLanguageMap(QPainter &painter, const QRectF &target, const LanguageMapContent &content,
    const FigureLook &look, const QString &selected, const LanguageZoom &zoom)
{
    painter.save();
    painter.fillRect(target, look.paper);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF plot = belowTitle(target, look);
    const QFontMetricsF bold(look.titleFont());
    painter.setFont(look.titleFont());
    painter.setPen(look.ink);
    painter.drawText(QRectF(plot.left(), target.top() + 4, plot.width(), bold.height()), Qt::AlignLeft | Qt::AlignVCenter,
        bold.elidedText(content.title, Qt::ElideRight, plot.width()));
    std::vector<LanguagePlace> places;
    if (content.points.size() < 2)
        paintEmptyState(
            painter, plot, look, QStringLiteral("No map"), QStringLiteral("Two languages are needed that share texts with all others."));
    else if (content.tree && content.merges.size() + 1 == content.points.size())
        places = paintTree(painter, plot, content, look, selected);
    else
        places = paintPoints(painter, plot, content, look, selected, zoom);
    painter.restore();
    return places;
}

LanguageMap::LanguageMap(QWidget *parent)
    : QWidget{parent}
{
    setObjectName(QStringLiteral("languageMap"));
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(QStringLiteral("Map of the languages"));
}

void LanguageMap::setContent(LanguageMapContent content)
{
    const bool same = content.points.size() == m_content.points.size()
        && std::equal(content.points.begin(), content.points.end(), m_content.points.begin(),
            [](const LanguagePoint &a, const LanguagePoint &b) { return a.name == b.name && a.x == b.x && a.y == b.y; });
    if (!same)
        m_zoom = {};
    m_content = std::move(content);
    m_places.clear();
    update();
}

void LanguageMap::zoom(double factor, QPointF at)
{
    if (m_content.tree || m_content.points.size() < 2)
        return;
    constexpr double closest = 200;
    const FigureLook look = FigureLook::of(*this);
    const QRectF plot = belowTitle(rect(), look);
    const QFontMetricsF metrics(boldFont(look));
    const QPointF fixed = MapScale(plot, m_content, metrics, m_zoom).units(at);
    m_zoom.factor = std::clamp(m_zoom.factor * factor, 1.0, closest);
    m_zoom.centre = fixed;
    const QPointF moved = MapScale(plot, m_content, metrics, m_zoom).units(at);
    m_zoom.centre += fixed - moved; // what is under the mouse stays there
    update();
}

void LanguageMap::fit()
{
    m_zoom = {};
    update();
}

void LanguageMap::setSelected(const QString &name)
{
    m_selected = name;
    update();
}

LanguagePlace LanguageMap::placeOf(const QString &name) const
{
    for (std::size_t i = 0; i < m_places.size(); ++i)
        if (m_content.points[i].name == name)
            return m_places[i];
    return {};
}

void LanguageMap::paintEvent(QPaintEvent *)
{
    QPainter painter(this);
    m_places = paintLanguageMap(painter, rect(), m_content, FigureLook::of(*this), m_selected, m_zoom);
    if (hasFocus()) {
        painter.setPen(QPen(palette().color(QPalette::Highlight), 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(rect().adjusted(0, 0, -1, -1));
    }
}

QString LanguageMap::at(QPointF place) const
{
    for (std::size_t i = 0; i < m_places.size(); ++i)
        if (m_places[i].point.contains(place) || m_places[i].name.contains(place))
            return m_content.points[i].name;
    return {};
}

void LanguageMap::mouseMoveEvent(QMouseEvent *event)
{
    const QString name = at(event->position());
    setCursor(name.isEmpty() ? Qt::ArrowCursor : Qt::PointingHandCursor);
    emit status(name);
}

void LanguageMap::mouseReleaseEvent(QMouseEvent *event)
{
    if (event->button() == Qt::LeftButton)
        emit picked(at(event->position()));
}

void LanguageMap::wheelEvent(QWheelEvent *event)
{
    zoom(std::pow(1.2, event->angleDelta().y() / 120.0), event->position());
    event->accept();
}

void LanguageMap::contextMenuEvent(QContextMenuEvent *event)
{
    auto *menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->setObjectName(QStringLiteral("mapMenu"));
    menu->addAction(QStringLiteral("Fit (F)"), this, &LanguageMap::fit);
    menu->addAction(QStringLiteral("Save picture…"), this, &LanguageMap::pictureWished);
    menu->addAction(QStringLiteral("Save numbers (CSV)…"), this, &LanguageMap::numbersWished);
    menu->popup(event->globalPos());
}

void LanguageMap::keyPressEvent(QKeyEvent *event)
{
    const QPointF middle = belowTitle(rect(), FigureLook::of(*this)).center();
    if (event->key() == Qt::Key_F && !(event->modifiers() & Qt::ControlModifier))
        return fit();
    if (event->key() == Qt::Key_Plus || event->key() == Qt::Key_Equal || event->key() == Qt::Key_Minus)
        return zoom(event->key() == Qt::Key_Minus ? 1 / 1.4 : 1.4, middle);
    const int step = event->key() == Qt::Key_Down || event->key() == Qt::Key_Right ? 1
        : event->key() == Qt::Key_Up || event->key() == Qt::Key_Left               ? -1
                                                                                   : 0;
    if (step == 0 || m_content.points.empty())
        return QWidget::keyPressEvent(event);
    const int count = static_cast<int>(m_content.points.size());
    int now = step > 0 ? -1 : count;
    for (int i = 0; i < count; ++i)
        if (m_content.points[static_cast<std::size_t>(i)].name == m_selected)
            now = i;
    emit picked(m_content.points[static_cast<std::size_t>(std::clamp(now + step, 0, count - 1))].name);
}

} // namespace expertscope
