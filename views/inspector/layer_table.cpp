// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/inspector/layer_table.h"

#include "views/common/axis.h"
#include "views/common/colour_map.h"
#include "views/common/figure.h"

#include <QFontMetricsF>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace expertscope {

LayerTable::LayerTable(QWidget *parent)
    : QWidget{parent}
{
    setObjectName(QStringLiteral("layerTable"));
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    setAccessibleName(QStringLiteral("Experts of the token in every layer"));
}

void LayerTable::setRows(std::vector<LayerRow> rows)
{
    m_rows = std::move(rows);
    m_entropy = std::any_of(m_rows.begin(), m_rows.end(), [](const LayerRow &row) { return !std::isnan(row.entropy); });
    m_margin = std::any_of(m_rows.begin(), m_rows.end(), [](const LayerRow &row) { return !std::isnan(row.margin); });
    m_hoverLayer = m_hoverPart = -1;
    setVisible(!m_rows.empty());
    updateGeometry();
    update();
}

void LayerTable::setCurrentLayer(int layer, const std::vector<int> &experts)
{
    m_layer = layer;
    m_experts = experts;
    update();
}

double LayerTable::rowHeight() const
{
    return std::ceil(QFontMetricsF(FigureLook::of(*this).smallFont()).height() + 5);
}
double LayerTable::headHeight() const
{
    return rowHeight() + 2;
}

QSize LayerTable::sizeHint() const
{
    return {320, static_cast<int>(headHeight() + rowHeight() * static_cast<double>(m_rows.size()) + 4)};
}

LayerTable::Columns LayerTable::columns() const
{
    const QFontMetricsF metrics(FigureLook::of(*this).smallFont());
    const double number = metrics.horizontalAdvance(QStringLiteral("margin"));
    const double head = headHeight();
    const double height = rowHeight() * static_cast<double>(m_rows.size());
    const double right = width() - 2;
    const double margin = m_margin ? number + 8 : 0;
    const double entropy = m_entropy ? number + 8 : 0;
    const double name = metrics.horizontalAdvance(QStringLiteral("Layer")) + 8;
    Columns result;
    result.name = QRectF(2, head, name, height);
    result.margin = QRectF(right - margin, head, margin, height);
    result.entropy = QRectF(right - margin - entropy, head, entropy, height);
    result.parts = QRectF(result.name.right(), head, std::max(40.0, result.entropy.left() - result.name.right() - 4), height);
    return result;
}

QRectF LayerTable::partRect(int layer, int part) const
{
    const LayerRow &row = m_rows[static_cast<std::size_t>(layer)];
    const QRectF area = columns().parts;
    double sum = 0;
    double before = 0;
    for (std::size_t i = 0; i < row.parts.size(); ++i) {
        // Without weights every expert has the same width; tiny or negative ones stay visible.
        const double weight = std::isnan(row.parts[i].weight) ? 1.0 : std::max(std::abs(row.parts[i].weight), 1e-3);
        if (static_cast<int>(i) < part)
            before += weight;
        sum += weight;
    }
    const double own = std::isnan(row.parts[static_cast<std::size_t>(part)].weight)
        ? 1.0
        : std::max(std::abs(row.parts[static_cast<std::size_t>(part)].weight), 1e-3);
    return {area.left() + before / sum * area.width(), area.top() + rowHeight() * layer + 1, own / sum * area.width(), rowHeight() - 2};
}

int LayerTable::layerAt(QPointF at) const
{
    const int layer = static_cast<int>(std::floor((at.y() - headHeight()) / rowHeight()));
    return layer >= 0 && layer < static_cast<int>(m_rows.size()) ? layer : -1;
}

int LayerTable::partAt(int layer, QPointF at) const
{
    for (int part = 0; layer >= 0 && part < static_cast<int>(m_rows[static_cast<std::size_t>(layer)].parts.size()); ++part) {
        const QRectF rect = partRect(layer, part);
        if (at.x() >= rect.left() && at.x() < rect.right())
            return part;
    }
    return -1;
}

void LayerTable::setHovered(int layer, int part)
{
    if (layer == m_hoverLayer && part == m_hoverPart)
        return;
    m_hoverLayer = layer;
    m_hoverPart = part;
    emit hovered(
        part >= 0 ? layer : -1, part >= 0 ? m_rows[static_cast<std::size_t>(layer)].parts[static_cast<std::size_t>(part)].expert : -1);
    update();
}

void LayerTable::paintEvent(QPaintEvent *)
{
    if (m_rows.empty())
        return;
    QPainter painter(this);
    FigureLook look = FigureLook::of(*this);
    look.ink = palette().color(QPalette::WindowText);
    const QFontMetricsF metrics(look.smallFont());
    painter.setFont(look.smallFont());
    const Columns at = columns();
    const auto head = [&](const QRectF &column, const QString &text, Qt::Alignment align) {
        painter.drawText(QRectF(column.left(), 0, column.width(), headHeight()), align | Qt::AlignVCenter, text);
    };
    painter.setPen(look.faint);
    head(at.name, QStringLiteral("Layer"), Qt::AlignLeft);
    head(at.parts, metrics.elidedText(QStringLiteral("Experts, width = gate weight"), Qt::ElideRight, at.parts.width()), Qt::AlignLeft);
    if (m_entropy)
        head(at.entropy, QStringLiteral("H [bit]"), Qt::AlignRight);
    if (m_margin)
        head(at.margin, QStringLiteral("margin"), Qt::AlignRight);
    for (int layer = 0; layer < static_cast<int>(m_rows.size()); ++layer) {
        const LayerRow &row = m_rows[static_cast<std::size_t>(layer)];
        const double top = headHeight() + rowHeight() * layer;
        if (layer == m_layer) {
            QColor glow = look.accent;
            glow.setAlpha(60);
            painter.fillRect(QRectF(0, top, width(), rowHeight()), glow);
        }
        painter.setPen(look.ink);
        const auto cell = [&](const QRectF &column, const QString &text, Qt::Alignment align) {
            painter.drawText(QRectF(column.left(), top, column.width(), rowHeight()), align | Qt::AlignVCenter, text);
        };
        cell(at.name.adjusted(4, 0, 0, 0), row.name, Qt::AlignLeft);
        if (m_entropy)
            cell(at.entropy, std::isnan(row.entropy) ? QStringLiteral("–") : QString::number(row.entropy, 'f', 2), Qt::AlignRight);
        if (m_margin)
            cell(at.margin, std::isnan(row.margin) ? QStringLiteral("–") : QString::number(row.margin, 'f', 2), Qt::AlignRight);
        if (row.parts.empty()) {
            painter.setPen(look.faint);
            cell(at.parts, QStringLiteral("no expert"), Qt::AlignLeft);
        }
        for (int part = 0; part < static_cast<int>(row.parts.size()); ++part) {
            const int expert = row.parts[static_cast<std::size_t>(part)].expert;
            const QRectF rect = partRect(layer, part).adjusted(0.5, 0, -0.5, 0);
            const QRgb colour = expertColour(expert);
            painter.fillRect(rect, QColor(colour));
            const QString text = QString::number(expert);
            if (metrics.horizontalAdvance(text) + 2 <= rect.width()) {
                painter.setPen(QColor(inkOn(colour)));
                painter.drawText(rect, Qt::AlignCenter, text);
            }
            const bool selected = layer == m_layer && std::binary_search(m_experts.begin(), m_experts.end(), expert);
            if (selected || (layer == m_hoverLayer && part == m_hoverPart)) {
                painter.setPen(QPen(selected ? look.accent : look.ink, 2));
                painter.setBrush(Qt::NoBrush);
                painter.drawRect(rect.adjusted(1, 1, -1, -1));
            }
        }
    }
    if (hasFocus()) {
        painter.setPen(QPen(palette().color(QPalette::Highlight), 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(rect().adjusted(0, 0, -1, -1));
    }
}

bool LayerTable::event(QEvent *event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto *help = static_cast<QHelpEvent *>(event);
        const int layer = layerAt(QPointF(help->pos()));
        const int part = partAt(layer, QPointF(help->pos()));
        QString text;
        if (part >= 0) {
            const LayerRow::Part &shown = m_rows[static_cast<std::size_t>(layer)].parts[static_cast<std::size_t>(part)];
            text = QStringLiteral("layer %1, expert %2").arg(m_rows[static_cast<std::size_t>(layer)].name).arg(shown.expert);
            if (!std::isnan(shown.weight))
                text += QStringLiteral(": gate weight ") + numberText(shown.weight);
        } else if (layer >= 0) {
            text = QStringLiteral(
                "H: entropy of the router's softmax over all experts, in bits\nmargin: smallest logit chosen minus largest not chosen");
        }
        QToolTip::showText(help->globalPos(), text, this);
        return true;
    }
    return QWidget::event(event);
}

void LayerTable::mouseMoveEvent(QMouseEvent *event)
{
    const int layer = layerAt(event->position());
    setHovered(layer, partAt(layer, event->position()));
}

void LayerTable::mouseReleaseEvent(QMouseEvent *event)
{
    const int layer = layerAt(event->position());
    if (event->button() != Qt::LeftButton || layer < 0)
        return;
    const int part = partAt(layer, event->position());
    emit picked(layer, part < 0 ? -1 : m_rows[static_cast<std::size_t>(layer)].parts[static_cast<std::size_t>(part)].expert);
}

void LayerTable::leaveEvent(QEvent *)
{
    setHovered(-1, -1);
}

void LayerTable::keyPressEvent(QKeyEvent *event)
{
    const int last = static_cast<int>(m_rows.size()) - 1;
    if (event->key() == Qt::Key_Down && m_layer < last)
        emit picked(m_layer + 1, -1);
    else if (event->key() == Qt::Key_Up && m_layer > 0)
        emit picked(m_layer - 1, -1);
    else
        QWidget::keyPressEvent(event);
}

} // namespace expertscope
