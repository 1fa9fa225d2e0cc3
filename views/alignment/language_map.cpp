// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/alignment/language_map.h"

#include "views/common/axis.h"

#include <QFontMetricsF>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>

#include <algorithm>
#include <array>
#include <cmath>

namespace expertscope {

namespace {

constexpr double dot = 4; ///< radius

/// A bar of a round length says what a distance on the map means: the axes have no other meaning.
void paintScale(QPainter &painter, const QRectF &plot, double unitsPerPixel, const QString &unit, const FigureLook &look)
{
    const auto ticks = roundTicks(0, plot.width() * 0.3 * unitsPerPixel, 1);
    const double length = ticks.empty() ? 0 : ticks.back();
    if (!(length > 0))
        return;
    const double pixels = length / unitsPerPixel;
    const QPointF left(plot.left() + 4, plot.bottom() - 5);
    painter.setPen(QPen(look.ink, 1.5));
    painter.drawLine(left, left + QPointF(pixels, 0));
    for (const double x : {0.0, pixels})
        painter.drawLine(left + QPointF(x, -3), left + QPointF(x, 3));
    painter.setPen(look.faint);
    painter.drawText(QPointF(left.x() + pixels + 6, left.y() + 4), numberText(length) + u' ' + unit);
}

std::vector<QRectF> paintPoints(
    QPainter &painter, const QRectF &plot, const LanguageMapContent &content, const FigureLook &look, const QString &selected)
{
    const QFontMetricsF metrics(look.smallFont());
    double left = 0, right = 0, top = 0, bottom = 0;
    for (const LanguagePoint &point : content.points) {
        left = std::min(left, point.x);
        right = std::max(right, point.x);
        bottom = std::min(bottom, point.y);
        top = std::max(top, point.y);
    }
    double widest = 0;
    for (const LanguagePoint &point : content.points)
        widest = std::max(widest, metrics.horizontalAdvance(point.name));
    // One scale for both axes: only then are distances distances.
    const QRectF room = plot.adjusted(dot + 2, dot + 4, -widest - dot - 6, -metrics.height() - 8);
    const double scale = std::min(room.width() / std::max(right - left, 1e-9), room.height() / std::max(top - bottom, 1e-9));
    const auto place = [&](const LanguagePoint &point) {
        return QPointF(
            room.center().x() + (point.x - (left + right) / 2) * scale, room.center().y() - (point.y - (bottom + top) / 2) * scale);
    };
    std::vector<QRectF> rects, taken;
    for (const LanguagePoint &point : content.points) {
        const QPointF at = place(point);
        rects.emplace_back(at - QPointF(dot + 3, dot + 3), QSizeF(2 * dot + 6, 2 * dot + 6));
        taken.emplace_back(at - QPointF(dot, dot), QSizeF(2 * dot, 2 * dot));
    }
    for (std::size_t i = 0; i < content.points.size(); ++i) {
        const LanguagePoint &point = content.points[i];
        const QPointF at = place(point);
        const bool mine = point.name == selected;
        painter.setPen(QPen(mine ? look.ink : look.paper, mine ? 2 : 1));
        painter.setBrush(point.colour);
        painter.drawEllipse(at, mine ? dot + 2 : dot, mine ? dot + 2 : dot);
        const QSizeF size(metrics.horizontalAdvance(point.name) + 2, metrics.height());
        const std::array corners{at + QPointF(dot + 2, -size.height() / 2), at + QPointF(-dot - 2 - size.width(), -size.height() / 2),
            at + QPointF(-size.width() / 2, -dot - size.height()), at + QPointF(-size.width() / 2, dot), at + QPointF(dot, dot),
            at + QPointF(dot, -dot - size.height())};
        QRectF label(corners.front(), size);
        for (const QPointF corner : corners) {
            const QRectF one(corner, size);
            const bool free = std::none_of(taken.begin(), taken.end(), [&](const QRectF &other) { return other.intersects(one); });
            if (free && plot.contains(one)) {
                label = one;
                break;
            }
        }
        taken.push_back(label);
        rects[i] |= label;
        QFont font = look.smallFont();
        font.setBold(mine);
        painter.setFont(font);
        painter.setPen(look.ink);
        painter.drawText(label.adjusted(0, 0, 12, 0), Qt::AlignLeft | Qt::AlignVCenter, point.name);
    }
    painter.setFont(look.smallFont());
    paintScale(painter, plot, 1 / scale, content.unit, look);
    return rects;
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

std::vector<QRectF> paintTree(
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
    std::vector<QRectF> rects(leaves);
    for (std::size_t i = 0; i < order.size(); ++i) {
        const auto leaf = static_cast<std::size_t>(order[i]);
        const LanguagePoint &point = content.points[leaf];
        joints[leaf] = QPointF(area.right(), area.top() + (static_cast<double>(i) + 0.5) * step);
        rects[leaf] =
            QRectF(area.right(), joints[leaf].y() - std::max(step, metrics.height()) / 2, widest + 10, std::max(step, metrics.height()));
        QFont font = look.smallFont();
        font.setBold(point.name == selected);
        painter.setFont(font);
        painter.setPen(Qt::NoPen);
        painter.setBrush(point.colour);
        painter.drawEllipse(joints[leaf], dot - 1, dot - 1);
        painter.setPen(look.ink);
        painter.drawText(rects[leaf].adjusted(6, 0, 12, 0), Qt::AlignLeft | Qt::AlignVCenter, point.name);
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
    return rects;
}

} // namespace

std::vector<QRectF> paintLanguageMap(
    QPainter &painter, const QRectF &target, const LanguageMapContent &content, const FigureLook &look, const QString &selected)
{
    painter.save();
    painter.fillRect(target, look.paper);
    painter.setRenderHint(QPainter::Antialiasing);
    QRectF plot = target.adjusted(8, 4, -8, -4);
    const QFontMetricsF bold(look.titleFont());
    painter.setFont(look.titleFont());
    painter.setPen(look.ink);
    painter.drawText(QRectF(plot.left(), plot.top(), plot.width(), bold.height()), Qt::AlignLeft | Qt::AlignVCenter,
        bold.elidedText(content.title, Qt::ElideRight, plot.width()));
    plot.setTop(plot.top() + bold.height() + 4);
    std::vector<QRectF> rects;
    if (content.points.size() < 2)
        paintEmptyState(
            painter, plot, look, QStringLiteral("No map"), QStringLiteral("Two languages are needed that share texts with all others."));
    else if (content.tree && content.merges.size() + 1 == content.points.size())
        rects = paintTree(painter, plot, content, look, selected);
    else
        rects = paintPoints(painter, plot, content, look, selected);
    painter.restore();
    return rects;
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
    m_content = std::move(content);
    m_rects.clear();
    update();
}

void LanguageMap::setSelected(const QString &name)
{
    m_selected = name;
    update();
}

QRectF LanguageMap::pointRect(const QString &name) const
{
    for (std::size_t i = 0; i < m_rects.size(); ++i)
        if (m_content.points[i].name == name)
            return m_rects[i];
    return {};
}

void LanguageMap::paintEvent(QPaintEvent *)
{
    QPainter painter(this);
    m_rects = paintLanguageMap(painter, rect(), m_content, FigureLook::of(*this), m_selected);
    if (hasFocus()) {
        painter.setPen(QPen(palette().color(QPalette::Highlight), 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(rect().adjusted(0, 0, -1, -1));
    }
}

QString LanguageMap::at(QPointF place) const
{
    for (std::size_t i = 0; i < m_rects.size(); ++i)
        if (m_rects[i].contains(place))
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

void LanguageMap::keyPressEvent(QKeyEvent *event)
{
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
