// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/inspector/bar_table.h"

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

BarTable::BarTable(QWidget *parent)
    : QWidget{parent}
{
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void BarTable::setRows(const QString &title, std::vector<BarRow> rows, double reference, const QString &referenceText)
{
    m_title = title;
    m_rows = std::move(rows);
    m_reference = reference;
    m_referenceText = referenceText;
    m_current = -1;
    setAccessibleName(title);
    setVisible(!m_rows.empty());
    updateGeometry();
    update();
}

double BarTable::rowHeight() const
{
    return std::ceil(QFontMetricsF(font()).height() + 4);
}

double BarTable::rowsTop() const
{
    const double line = QFontMetricsF(FigureLook::of(*this).smallFont()).height();
    return (m_title.isEmpty() ? 0 : line + 3) + (std::isnan(m_reference) ? 0 : line + 1);
}

QSize BarTable::sizeHint() const
{
    return {280, static_cast<int>(std::ceil(rowsTop() + rowHeight() * static_cast<double>(m_rows.size()) + 4))};
}

int BarTable::rowAt(QPointF at) const
{
    const int row = static_cast<int>(std::floor((at.y() - rowsTop()) / rowHeight()));
    return row >= 0 && row < static_cast<int>(m_rows.size()) ? row : -1;
}

void BarTable::setCurrent(int row)
{
    if (row == m_current)
        return;
    m_current = row;
    const QVariant data = row >= 0 ? m_rows[static_cast<std::size_t>(row)].data : QVariant();
    if (row >= 0)
        setAccessibleDescription(
            m_rows[static_cast<std::size_t>(row)].label + QStringLiteral(": ") + m_rows[static_cast<std::size_t>(row)].note);
    setCursor(data.isValid() ? Qt::PointingHandCursor : Qt::ArrowCursor);
    emit hovered(data);
    update();
}

void BarTable::paintEvent(QPaintEvent *)
{
    if (m_rows.empty())
        return;
    QPainter painter(this);
    FigureLook look = FigureLook::of(*this);
    look.ink = palette().color(QPalette::WindowText);
    const QFontMetricsF metrics(font());
    const QFontMetricsF small(look.smallFont());
    double labelWidth = 0;
    double noteWidth = 0;
    double top = std::isnan(m_reference) ? 0 : m_reference;
    for (const BarRow &row : m_rows) {
        labelWidth = std::max(labelWidth, metrics.horizontalAdvance(row.label));
        noteWidth = std::max(noteWidth, small.horizontalAdvance(row.note));
        top = std::max({top, row.value, std::isnan(row.high) ? 0.0 : row.high});
    }
    labelWidth = std::min(labelWidth, width() * 0.34);
    noteWidth = std::min(noteWidth, width() * 0.45);
    const QRectF bars(
        labelWidth + 8, rowsTop(), std::max(24.0, width() - labelWidth - noteWidth - 20), rowHeight() * static_cast<double>(m_rows.size()));
    const auto x = [&](double value) { return bars.left() + (top > 0 ? std::clamp(value / top, 0.0, 1.0) : 0.0) * bars.width(); };

    painter.setFont(look.smallFont());
    painter.setPen(look.faint);
    double y = 0;
    if (!m_title.isEmpty()) {
        painter.drawText(
            QRectF(0, 0, width(), small.height()), Qt::AlignLeft | Qt::AlignVCenter, small.elidedText(m_title, Qt::ElideRight, width()));
        y = small.height() + 3;
    }
    const QColor bar(0x4c, 0x8c, 0xc8);
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
        const BarRow &row = m_rows[i];
        const QRectF line(0, bars.top() + rowHeight() * static_cast<double>(i), width(), rowHeight());
        if (static_cast<int>(i) == m_current && row.data.isValid()) {
            QColor glow = palette().color(QPalette::Highlight);
            glow.setAlpha(50);
            painter.fillRect(line, glow);
        }
        painter.setFont(font());
        painter.setPen(look.ink);
        painter.drawText(QRectF(0, line.top(), labelWidth + 2, line.height()), Qt::AlignLeft | Qt::AlignVCenter,
            metrics.elidedText(row.label, Qt::ElideRight, labelWidth + 2));
        painter.fillRect(
            QRectF(bars.left(), line.top() + 4, x(row.value) - bars.left(), line.height() - 8), row.colour.isValid() ? row.colour : bar);
        if (!std::isnan(row.low) && !std::isnan(row.high)) {
            const double middle = line.center().y();
            painter.setPen(QPen(look.ink, 1));
            painter.drawLine(QPointF(x(row.low), middle), QPointF(x(row.high), middle));
            painter.drawLine(QPointF(x(row.low), middle - 3), QPointF(x(row.low), middle + 3));
            painter.drawLine(QPointF(x(row.high), middle - 3), QPointF(x(row.high), middle + 3));
        }
        painter.setFont(look.smallFont());
        painter.setPen(look.faint);
        painter.drawText(QRectF(width() - noteWidth - 2, line.top(), noteWidth + 2, line.height()), Qt::AlignRight | Qt::AlignVCenter,
            small.elidedText(row.note, Qt::ElideRight, noteWidth + 2));
    }
    if (!std::isnan(m_reference)) {
        painter.setPen(QPen(look.accent, 1.5));
        painter.drawLine(QPointF(x(m_reference), bars.top() - 2), QPointF(x(m_reference), bars.bottom()));
        painter.setPen(look.accent);
        const double width = small.horizontalAdvance(m_referenceText);
        const double left = std::clamp(x(m_reference) - width / 2, 0.0, std::max(0.0, this->width() - width - 2));
        painter.drawText(QRectF(left, y, width + 2, small.height()), Qt::AlignLeft | Qt::AlignVCenter, m_referenceText);
    }
    if (hasFocus()) {
        painter.setPen(QPen(palette().color(QPalette::Highlight), 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(rect().adjusted(0, 0, -1, -1));
    }
}

bool BarTable::event(QEvent *event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto *help = static_cast<QHelpEvent *>(event);
        const int row = rowAt(QPointF(help->pos()));
        QToolTip::showText(help->globalPos(), row >= 0 ? m_rows[static_cast<std::size_t>(row)].help : QString(), this);
        return true;
    }
    return QWidget::event(event);
}

void BarTable::mouseMoveEvent(QMouseEvent *event)
{
    setCurrent(rowAt(event->position()));
}

void BarTable::mouseReleaseEvent(QMouseEvent *event)
{
    const int row = rowAt(event->position());
    if (event->button() == Qt::LeftButton && row >= 0 && m_rows[static_cast<std::size_t>(row)].data.isValid())
        emit activated(QVariant(m_rows[static_cast<std::size_t>(row)].data));
}

void BarTable::leaveEvent(QEvent *)
{
    setCurrent(-1);
}

void BarTable::keyPressEvent(QKeyEvent *event)
{
    const int last = static_cast<int>(m_rows.size()) - 1;
    if (event->key() == Qt::Key_Down)
        setCurrent(std::min(last, m_current + 1));
    else if (event->key() == Qt::Key_Up)
        setCurrent(std::max(std::min(0, last), m_current - 1));
    else if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && m_current >= 0
        && m_rows[static_cast<std::size_t>(m_current)].data.isValid())
        emit activated(QVariant(m_rows[static_cast<std::size_t>(m_current)].data));
    else
        QWidget::keyPressEvent(event);
}

} // namespace expertscope
