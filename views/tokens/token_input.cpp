// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How TokenCanvas answers mouse and keys: the token under the cursor, picking, brushing, zooming, scrolling.
#include "views/tokens/token_canvas.h"

#include <QContextMenuEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QScrollBar>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr double dragThreshold = 4;

} // namespace

void TokenCanvas::setCursorToken(std::int64_t token, bool fromMouse)
{
    m_readout = token >= 0;
    if (token == m_cursor)
        return;
    m_cursor = token;
    if (token >= 0 && !fromMouse)
        scrollToToken(token);
    setAccessibleDescription(token >= 0 && m_describe ? m_describe(token).join(QStringLiteral(", ")) : QString());
    emit hovered(token);
    viewport()->update();
}

void TokenCanvas::moveCursor(int key, bool control)
{
    if (!m_index || m_index->tokens() == 0)
        return;
    const std::int64_t from = m_cursor >= 0 ? m_cursor : m_token >= 0 ? m_token : -1;
    if (from < 0)
        return setCursorToken(m_visible.begin, false);
    const int block = m_index->blockOf(from);
    if (block < 0)
        return;
    const TokenBlock &here = m_index->blocks()[static_cast<std::size_t>(block)];
    const TokenLayout &layout = layoutOf(block);
    const std::int64_t last = m_index->tokens() - 1;
    std::int64_t to = from;
    if (key == Qt::Key_Left || key == Qt::Key_Right)
        to = from + ((key == Qt::Key_Right) != layout.rightToLeft() ? 1 : -1);
    else if (key == Qt::Key_Home || key == Qt::Key_End) {
        int first = m_index->blockOfSequence(here.sequence);
        int end = first;
        while (end + 1 < static_cast<int>(m_index->blocks().size())
            && m_index->blocks()[static_cast<std::size_t>(end + 1)].sequence == here.sequence)
            ++end;
        if (control) {
            first = 0;
            end = static_cast<int>(m_index->blocks().size()) - 1;
        }
        to = key == Qt::Key_Home ? m_index->blocks()[static_cast<std::size_t>(first)].range.begin
                                 : m_index->blocks()[static_cast<std::size_t>(end)].range.end - 1;
    } else {
        scrollToToken(from);
        const QRectF box = tokenRect(from);
        const double step = box.height() + 2;
        // The header of the next sequence lies between: look a little further.
        for (double reach = step; reach < step * 4 && to == from; reach += step / 2)
            to = brushEnd({box.center().x(), key == Qt::Key_Down ? box.center().y() + reach : box.center().y() - reach});
        if (to < 0 || to == from)
            to = from + (key == Qt::Key_Down ? 1 : -1);
    }
    setCursorToken(std::clamp<std::int64_t>(to, 0, last), false);
}

bool TokenCanvas::viewportEvent(QEvent *event)
{
    if (event->type() == QEvent::Leave && m_drag == Drag::None)
        setCursorToken(-1, true);
    return QAbstractScrollArea::viewportEvent(event);
}

void TokenCanvas::wheelEvent(QWheelEvent *event)
{
    if (event->modifiers() & Qt::ControlModifier) {
        setZoom(m_zoom * std::pow(1.1, event->angleDelta().y() / 120.0));
        event->accept();
        return;
    }
    QAbstractScrollArea::wheelEvent(event);
    setCursorToken(tokenAt(event->position()), true);
}

void TokenCanvas::mousePressEvent(QMouseEvent *event)
{
    if (!m_index)
        return;
    m_dragStart = event->position();
    if (event->button() == Qt::MiddleButton || (event->button() == Qt::LeftButton && m_space)) {
        m_drag = Drag::Pan;
        m_dragScroll = verticalScrollBar()->value();
        viewport()->setCursor(Qt::ClosedHandCursor);
    } else if (event->button() == Qt::LeftButton) {
        m_drag = Drag::Brush;
        m_dragToken = brushEnd(event->position());
    }
}

void TokenCanvas::mouseMoveEvent(QMouseEvent *event)
{
    if (m_drag == Drag::Pan) {
        verticalScrollBar()->setValue(m_dragScroll - static_cast<int>(event->position().y() - m_dragStart.y()));
        return;
    }
    if (m_drag == Drag::Brush && (event->position() - m_dragStart).manhattanLength() >= dragThreshold) {
        const std::int64_t end = brushEnd(event->position());
        if (end >= 0 && m_dragToken >= 0) {
            m_brush = {std::min(m_dragToken, end), std::max(m_dragToken, end) + 1};
            m_readout = false;
            viewport()->update();
        }
        return;
    }
    setCursorToken(tokenAt(event->position()), true);
}

void TokenCanvas::mouseReleaseEvent(QMouseEvent *event)
{
    const Drag drag = std::exchange(m_drag, Drag::None);
    viewport()->unsetCursor();
    if (drag != Drag::Brush || !m_index || m_heights.empty())
        return;
    if ((event->position() - m_dragStart).manhattanLength() >= dragThreshold) {
        if (m_brush.count() > 0)
            emit brushed(m_brush);
        return;
    }
    const std::int64_t token = tokenAt(event->position());
    if (token >= 0) {
        emit picked(token);
        return;
    }
    const double y = event->position().y() + verticalScrollBar()->value();
    const int block = blockAtY(y);
    if (y >= blockTop(block) && y < blockTextTop(block))
        emit sequencePicked(m_index->blocks()[static_cast<std::size_t>(block)].sequence);
}

void TokenCanvas::keyPressEvent(QKeyEvent *event)
{
    const bool control = event->modifiers() & Qt::ControlModifier;
    QScrollBar *bar = verticalScrollBar();
    switch (event->key()) {
    case Qt::Key_Left:
    case Qt::Key_Right:
    case Qt::Key_Up:
    case Qt::Key_Down:
    case Qt::Key_Home:
    case Qt::Key_End:
        return moveCursor(event->key(), control);
    case Qt::Key_PageUp:
        return bar->triggerAction(QScrollBar::SliderPageStepSub);
    case Qt::Key_PageDown:
        return bar->triggerAction(QScrollBar::SliderPageStepAdd);
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (m_cursor >= 0)
            emit picked(m_cursor);
        return;
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        return setZoom(m_zoom * 1.1);
    case Qt::Key_Minus:
        return setZoom(m_zoom / 1.1);
    case Qt::Key_W:
    case Qt::Key_S:
        if (!control)
            return bar->setValue(bar->value() + (event->key() == Qt::Key_S ? 1 : -1) * bar->singleStep() * 2);
        break;
    case Qt::Key_F:
        if (!control)
            return setZoom(1);
        break;
    case Qt::Key_Space:
        m_space = true;
        viewport()->setCursor(Qt::OpenHandCursor);
        return;
    default:
        break;
    }
    // QAbstractScrollArea would take the arrows of its scroll bars: everything else belongs to the window.
    QWidget::keyPressEvent(event);
}

void TokenCanvas::keyReleaseEvent(QKeyEvent *event)
{
    if (event->key() == Qt::Key_Space && !event->isAutoRepeat()) {
        m_space = false;
        viewport()->unsetCursor();
        return;
    }
    QWidget::keyReleaseEvent(event);
}

void TokenCanvas::contextMenuEvent(QContextMenuEvent *event)
{
    emit menuWished(event->globalPos());
}

} // namespace expertscope
