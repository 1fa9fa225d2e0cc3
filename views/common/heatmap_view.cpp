// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/heatmap_view.h"

#include "views/common/axis.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QFontMetricsF>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr double zoomStep = 1.2; ///< per wheel notch
constexpr double dragThreshold = 4;

/// Moves [low, high) into [0, total), at least one wide, no wider than total.
void clampSpan(double &low, double &high, double total)
{
    const double width = std::clamp(high - low, std::min(1.0, total), total);
    low = std::clamp(low, 0.0, total - width);
    high = low + width;
}

} // namespace

HeatmapView::HeatmapView(QWidget *parent)
    : QWidget{parent}
    , m_emptyHeadline{nothingOpenHeadline()}
    , m_emptyAdvice{nothingOpenAdvice()}
{
    setObjectName(QStringLiteral("heatmap"));
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setAttribute(Qt::WA_OpaquePaintEvent);
    setAccessibleName(QStringLiteral("Heatmap"));
}

void HeatmapView::setContent(HeatmapContent content)
{
    const bool sameShape =
        hasData() && content.data && content.data->rows() == m_content.data->rows() && content.data->columns() == m_content.data->columns();
    m_content = std::move(content);
    if (hasData()) {
        const ColourScale natural = m_settings.scale(m_content.map, {0, 1});
        m_range = heatmapRange(m_content, m_settings.mode, natural.map);
        if (!sameShape) {
            m_window = HeatmapWindow::whole(*m_content.data);
            m_cell = {};
            m_crosshair = {};
        }
        setAccessibleName(m_content.title);
    }
    invalidate();
}

void HeatmapView::setEmptyText(const QString &headline, const QString &advice)
{
    m_emptyHeadline = headline;
    m_emptyAdvice = advice;
    update();
}

void HeatmapView::setMarks(std::vector<HeatmapMark> marks)
{
    if (marks == m_marks)
        return;
    m_marks = std::move(marks);
    update();
}

void HeatmapView::setBand(std::int64_t firstColumn, std::int64_t endColumn)
{
    m_bandBegin = firstColumn;
    m_bandEnd = endColumn;
    update();
}

void HeatmapView::setCrosshair(std::int64_t row, std::int64_t column)
{
    const Cell cell = hasData() && row >= 0 && row < m_content.data->rows() && column >= 0 && column < m_content.data->columns()
        ? Cell{static_cast<int>(row), column}
        : Cell{};
    if (cell == m_crosshair)
        return;
    m_crosshair = cell;
    update();
}

void HeatmapView::setWindow(const HeatmapWindow &window)
{
    if (!hasData())
        return;
    HeatmapWindow next = window;
    clampSpan(next.left, next.right, static_cast<double>(m_content.data->columns()));
    clampSpan(next.top, next.bottom, m_content.data->rows());
    if (next == m_window)
        return;
    m_window = next;
    invalidate();
}

void HeatmapView::fit()
{
    if (hasData())
        setWindow(HeatmapWindow::whole(*m_content.data));
}

void HeatmapView::zoom(double factorColumns, double factorRows, QPointF at)
{
    if (!hasData())
        return;
    const double column = std::clamp(layout().columnAt(at.x()), m_window.left, m_window.right);
    const double row = std::clamp(layout().rowAt(at.y()), m_window.top, m_window.bottom);
    HeatmapWindow next = m_window;
    // Never closer than one cell: the fixed point would drift if clamping did the limiting.
    const double fx = std::max(1 / factorColumns, std::min(1.0, 1 / m_window.columns()));
    const double fy = std::max(1 / factorRows, std::min(1.0, 1 / m_window.rows()));
    next.left = column - (column - m_window.left) * fx;
    next.right = column + (m_window.right - column) * fx;
    next.top = row - (row - m_window.top) * fy;
    next.bottom = row + (m_window.bottom - row) * fy;
    setWindow(next);
}

void HeatmapView::setScaleSettings(const ScaleSettings &settings)
{
    if (settings == m_settings)
        return;
    m_settings = settings;
    setContent(HeatmapContent(m_content));
    emit scaleSettingsChanged();
}

ColourScale HeatmapView::scale() const
{
    return m_settings.scale(m_content.map, m_range);
}

HeatmapPainter HeatmapView::painterFor(const QRectF &target, const FigureLook &look, double pixelRatio) const
{
    const bool locked = m_settings.mode == RangeMode::Locked && m_content.map != ColourMap::Categorical;
    // The margins depend on the legend, the legend's note on the plot width: the first layout is only for its width.
    const HeatmapPainter first(m_content, m_window, heatmapLegend(m_content, scale(), locked, 1), look, target);
    const double columnsPerPixel = m_window.columns() / (first.plot().width() * pixelRatio);
    return {m_content, m_window, heatmapLegend(m_content, scale(), locked, columnsPerPixel), look, target};
}

const HeatmapPainter &HeatmapView::layout() const
{
    if (!m_layout) {
        const FigureLook look = FigureLook::of(*this);
        const double line = QFontMetricsF(look.smallFont()).height();
        m_layout.emplace(painterFor(QRectF(rect()).adjusted(6, line + 8, -6, -line - 6), look, devicePixelRatioF()));
    }
    return *m_layout;
}

void HeatmapView::invalidate()
{
    m_baseValid = false;
    m_layout.reset();
    update();
}

QRectF HeatmapView::cellRect(std::int64_t row, std::int64_t column) const
{
    return hasData() ? layout().cell(static_cast<double>(row), static_cast<double>(column)) : QRectF();
}

HeatmapView::Cell HeatmapView::cellAt(QPointF at, bool clampToPlot) const
{
    if (!hasData())
        return {};
    const QRectF &plot = layout().plot();
    if (clampToPlot)
        at = {std::clamp(at.x(), plot.left(), plot.right() - 0.01), std::clamp(at.y(), plot.top(), plot.bottom() - 0.01)};
    if (!plot.contains(at))
        return {};
    const auto column = static_cast<std::int64_t>(std::floor(layout().columnAt(at.x())));
    const auto row = static_cast<int>(std::floor(layout().rowAt(at.y())));
    return {std::clamp(row, 0, m_content.data->rows() - 1), std::clamp<std::int64_t>(column, 0, m_content.data->columns() - 1)};
}

QStringList HeatmapView::describe(Cell cell) const
{
    if (m_describe)
        return m_describe(cell.row, cell.column);
    const float value = m_content.data->at(cell.row, cell.column);
    return {m_content.rowTitle + u' ' + m_content.rowLabel(cell.row), m_content.columnTitle + u' ' + m_content.columnLabel(cell.column),
        m_content.valueLabel() + QStringLiteral(": ") + (std::isnan(value) ? m_content.missingLabel() : numberText(value))};
}

void HeatmapView::setCursorCell(Cell cell, bool show)
{
    if (cell == m_cell)
        return;
    m_cell = cell;
    if (cell.valid() && show) {
        HeatmapWindow next = m_window;
        const auto reveal = [](double &low, double &high, double at) {
            const double shift = at < low ? at - low : at + 1 > high ? at + 1 - high : 0;
            low += shift;
            high += shift;
        };
        reveal(next.left, next.right, static_cast<double>(cell.column));
        reveal(next.top, next.bottom, cell.row);
        setWindow(next);
    }
    const QString text = cell.valid() ? describe(cell).join(QStringLiteral(" · ")) : QString();
    setAccessibleDescription(text);
    emit status(text);
    emit hovered(cell.row, cell.column);
    update();
}

void HeatmapView::moveCursorCell(int rows, std::int64_t columns)
{
    if (!hasData())
        return;
    Cell next = m_cell;
    if (!next.valid())
        next = {static_cast<int>(std::max(0.0, m_window.top)), static_cast<std::int64_t>(std::max(0.0, m_window.left))};
    else {
        next.row = std::clamp(next.row + rows, 0, m_content.data->rows() - 1);
        next.column = std::clamp<std::int64_t>(next.column + columns, 0, m_content.data->columns() - 1);
    }
    setCursorCell(next, true);
}

void HeatmapView::panBy(double columns, double rows)
{
    setWindow({m_window.left + columns, m_window.right + columns, m_window.top + rows, m_window.bottom + rows});
}

void HeatmapView::beginDrag(Drag drag, QPointF at)
{
    m_drag = drag;
    m_dragStart = at;
    m_dragNow = at;
    m_dragWindow = m_window;
    updatePointer();
}

void HeatmapView::finishDrag(QPointF at, Qt::KeyboardModifiers modifiers)
{
    const Drag drag = std::exchange(m_drag, Drag::None);
    updatePointer();
    update();
    if (drag == Drag::None || drag == Drag::Pan)
        return;
    const Cell first = cellAt(m_dragStart, true);
    const Cell last = cellAt(at, true);
    if ((at - m_dragStart).manhattanLength() < dragThreshold) {
        emit picked(first.row, first.column, modifiers);
        return;
    }
    // A brush over cells stays in the row where it began: experts of one layer.
    const auto [row0, row1] = drag == Drag::Brush && !m_brushColumns
        ? std::pair{first.row, first.row}
        : std::pair{std::min(first.row, last.row), std::max(first.row, last.row)};
    const auto [column0, column1] = std::minmax(first.column, last.column);
    if (drag == Drag::Box)
        setWindow(
            {static_cast<double>(column0), static_cast<double>(column1 + 1), static_cast<double>(row0), static_cast<double>(row1 + 1)});
    else
        emit brushed(row0, row1, column0, column1);
}

void HeatmapView::updatePointer()
{
    if (m_drag == Drag::Pan)
        setCursor(Qt::ClosedHandCursor);
    else if (m_space)
        setCursor(Qt::OpenHandCursor);
    else
        unsetCursor();
}

void HeatmapView::resizeEvent(QResizeEvent *)
{
    invalidate();
}

void HeatmapView::changeEvent(QEvent *event)
{
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange)
        invalidate();
    QWidget::changeEvent(event);
}

void HeatmapView::wheelEvent(QWheelEvent *event)
{
    // With Alt, X11 reports the wheel as horizontal.
    const double notches = (event->angleDelta().y() != 0 ? event->angleDelta().y() : event->angleDelta().x()) / 120.0;
    const double factor = std::pow(zoomStep, notches);
    const bool rowsOnly = event->modifiers() & Qt::ShiftModifier;
    const bool columnsOnly = event->modifiers() & Qt::AltModifier;
    zoom(rowsOnly ? 1 : factor, columnsOnly ? 1 : factor, event->position());
    setCursorCell(cellAt(event->position()), false);
    event->accept();
}

void HeatmapView::mousePressEvent(QMouseEvent *event)
{
    if (!hasData())
        return;
    const QPointF at = event->position();
    const bool inPlot = layout().plot().contains(at);
    if (event->button() == Qt::MiddleButton || (event->button() == Qt::LeftButton && m_space))
        beginDrag(Drag::Pan, at);
    else if (event->button() == Qt::LeftButton && inPlot)
        beginDrag(event->modifiers() & Qt::ControlModifier ? Drag::Box : Drag::Brush, at);
    else if (event->button() == Qt::LeftButton && layout().legend().contains(at) && !scale().categorical())
        setScaleSettings(toggledLock(m_settings, scale()));
}

void HeatmapView::mouseMoveEvent(QMouseEvent *event)
{
    if (!hasData())
        return;
    m_dragNow = event->position();
    if (m_drag == Drag::Pan) {
        const QPointF moved = m_dragNow - m_dragStart;
        const double columns = -moved.x() / layout().plot().width() * m_dragWindow.columns();
        const double rows = -moved.y() / layout().plot().height() * m_dragWindow.rows();
        setWindow({m_dragWindow.left + columns, m_dragWindow.right + columns, m_dragWindow.top + rows, m_dragWindow.bottom + rows});
        return;
    }
    setCursorCell(cellAt(m_dragNow, m_drag != Drag::None), false);
    update();
}

void HeatmapView::mouseReleaseEvent(QMouseEvent *event)
{
    if (m_drag != Drag::None)
        finishDrag(event->position(), event->modifiers());
}

void HeatmapView::mouseDoubleClickEvent(QMouseEvent *event)
{
    // The second press of a double click is a press: quick clicks must not get lost.
    mousePressEvent(event);
}

void HeatmapView::leaveEvent(QEvent *)
{
    if (m_drag == Drag::None)
        setCursorCell({}, false);
}

void HeatmapView::focusOutEvent(QFocusEvent *event)
{
    m_space = false;
    updatePointer();
    update();
    QWidget::focusOutEvent(event);
}

void HeatmapView::keyPressEvent(QKeyEvent *event)
{
    const double stepColumns = m_window.columns() * 0.15;
    const double stepRows = m_window.rows() * 0.15;
    const QPointF middle = m_cell.valid() ? cellRect(m_cell.row, m_cell.column).center() : hasData() ? layout().plot().center() : QPointF();
    const bool control = event->modifiers() & Qt::ControlModifier;
    switch (event->key()) {
    case Qt::Key_F:
        if (control)
            return QWidget::keyPressEvent(event);
        return fit();
    case Qt::Key_Left:
        return moveCursorCell(0, -1);
    case Qt::Key_Right:
        return moveCursorCell(0, 1);
    case Qt::Key_Up:
        return moveCursorCell(-1, 0);
    case Qt::Key_Down:
        return moveCursorCell(1, 0);
    case Qt::Key_Home:
    case Qt::Key_End:
        if (hasData()) {
            const bool home = event->key() == Qt::Key_Home;
            const int row = !control && m_cell.valid() ? m_cell.row : home ? 0 : m_content.data->rows() - 1;
            setCursorCell({row, home ? 0 : m_content.data->columns() - 1}, true);
        }
        return;
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (m_cell.valid())
            emit picked(m_cell.row, m_cell.column, event->modifiers());
        return;
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        return zoom(1.4, 1.4, middle);
    case Qt::Key_Minus:
        return zoom(1 / 1.4, 1 / 1.4, middle);
    case Qt::Key_A:
        if (control)
            return QWidget::keyPressEvent(event);
        return panBy(-stepColumns, 0);
    case Qt::Key_D:
        return panBy(stepColumns, 0);
    case Qt::Key_W:
        if (control)
            return QWidget::keyPressEvent(event);
        return panBy(0, -stepRows);
    case Qt::Key_S:
        if (control)
            return QWidget::keyPressEvent(event);
        return panBy(0, stepRows);
    case Qt::Key_C:
        if (control && m_cell.valid()) {
            QApplication::clipboard()->setText(numberText(m_content.data->at(m_cell.row, m_cell.column)));
            return;
        }
        return QWidget::keyPressEvent(event);
    case Qt::Key_Space:
        m_space = true;
        updatePointer();
        return;
    case Qt::Key_Escape:
        if (m_drag != Drag::None) {
            if (m_drag == Drag::Pan)
                setWindow(m_dragWindow);
            m_drag = Drag::None;
            updatePointer();
            update();
            return;
        }
        return QWidget::keyPressEvent(event);
    default:
        QWidget::keyPressEvent(event);
    }
}

void HeatmapView::keyReleaseEvent(QKeyEvent *event)
{
    if (event->key() == Qt::Key_Space && !event->isAutoRepeat()) {
        m_space = false;
        updatePointer();
    } else {
        QWidget::keyReleaseEvent(event);
    }
}

void HeatmapView::contextMenuEvent(QContextMenuEvent *event)
{
    if (!hasData())
        return;
    auto *menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->setObjectName(QStringLiteral("heatmapMenu"));
    const Cell cell = cellAt(event->pos());
    if (cell.valid()) {
        menu->addAction(QStringLiteral("Copy value"), this,
            [this, cell] { QApplication::clipboard()->setText(numberText(m_content.data->at(cell.row, cell.column))); });
        menu->addAction(
            QStringLiteral("Copy description"), this, [this, cell] { QApplication::clipboard()->setText(describe(cell).join(u'\n')); });
        menu->addSeparator();
    }
    menu->addAction(QStringLiteral("Fit (F)"), this, &HeatmapView::fit);
    menu->addAction(QStringLiteral("Save picture…"), this, &HeatmapView::pictureWished);
    menu->addAction(QStringLiteral("Save numbers (CSV)…"), this, &HeatmapView::numbersWished);
    addScaleActions(*menu, m_settings, scale(), [this](const ScaleSettings &next) { setScaleSettings(next); });
    emit menuOpened(menu, cell.row, cell.column);
    menu->popup(event->globalPos());
}

} // namespace expertscope
