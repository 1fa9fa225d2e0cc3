// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/tokens/token_canvas.h"

#include <QContextMenuEvent>
#include <QFontMetricsF>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QScrollBar>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr int keptLayouts = 96;
constexpr double dragThreshold = 4;

} // namespace

TokenCanvas::TokenCanvas(QWidget *parent)
    : QAbstractScrollArea{parent}
{
    setObjectName(QStringLiteral("tokenCanvas"));
    setFocusPolicy(Qt::StrongFocus);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOn);
    viewport()->setMouseTracking(true);
    viewport()->setAttribute(Qt::WA_OpaquePaintEvent);
    setAccessibleName(QStringLiteral("Tokens"));
}

QFont TokenCanvas::textFont() const
{
    QFont font = this->font();
    font.setPointSizeF(font.pointSizeF() > 0 ? font.pointSizeF() * 1.15 * m_zoom : 11 * m_zoom);
    return font;
}

double TokenCanvas::textWidth() const
{
    return std::max(40.0, viewport()->width() - 2 * margin());
}

double TokenCanvas::headerHeight(const FigureLook &look) const
{
    return QFontMetricsF(look.smallFont()).height() + 14;
}

double TokenCanvas::estimatedHeight(const TokenBlock &block) const
{
    const QFontMetricsF metrics(textFont());
    const double lines = std::ceil(static_cast<double>(block.characters) * metrics.averageCharWidth() / textWidth());
    return std::max(1.0, lines) * (metrics.height() + 6) + (block.first ? headerHeight(FigureLook::of(*this)) : 0);
}

void TokenCanvas::setIndex(TokenIndexPtr index, std::function<QString(int)> header)
{
    // A trace that grows arrives as longer and longer snapshots: the reader's place must not jump.
    const bool grown = m_index && index && index->continues(*m_index);
    const TokenIndexPtr before = std::exchange(m_index, std::move(index));
    m_header = std::move(header);
    m_colouring.values = nullptr;
    ++m_colouringCount;
    m_flags.clear();
    if (grown) {
        keepLayouts(*before);
    } else {
        m_cursor = m_outsideHover = -1;
        m_found.clear();
        m_foundCurrent = -1;
        forgetLayouts();
        verticalScrollBar()->setValue(0);
    }
    layoutVisible();
    viewport()->update();
}

void TokenCanvas::keepLayouts(const TokenIndex &before)
{
    const auto &was = before.blocks();
    const auto &now = m_index->blocks();
    std::size_t same = 0;
    while (same < was.size() && same < now.size() && was[same].range == now[same].range && was[same].sequence == now[same].sequence)
        ++same;
    m_layouts.erase(m_layouts.lower_bound(static_cast<int>(same)), m_layouts.end());
    m_heights.resize(same);
    estimateHeights();
}

void TokenCanvas::setColouring(const TokenColouring &colouring)
{
    m_colouring = colouring;
    ++m_colouringCount;
    viewport()->update();
}

void TokenCanvas::setSelection(int sequence, std::int64_t token, TokenRange brush)
{
    const bool newSequence = sequence != m_sequence && sequence >= 0;
    const bool newToken = token != m_token && token >= 0;
    m_sequence = sequence;
    m_token = token;
    m_brush = brush;
    if (newToken)
        scrollToToken(token);
    else if (newSequence && m_index) {
        const int block = m_index->blockOfSequence(sequence);
        const double top = block < 0 ? 0 : blockTop(block) - verticalScrollBar()->value();
        if (block >= 0 && (top < 0 || top > viewport()->height() * 0.8))
            scrollToSequence(sequence);
    }
    viewport()->update();
}

void TokenCanvas::setHoverToken(std::int64_t token)
{
    if (token == m_outsideHover)
        return;
    m_outsideHover = token;
    viewport()->update();
}

void TokenCanvas::setFlags(TokenRange range, std::vector<std::uint8_t> flags)
{
    m_flagRange = range;
    m_flags = std::move(flags);
    viewport()->update();
}

void TokenCanvas::setFound(std::vector<TokenRange> found, int current)
{
    m_found = std::move(found);
    m_foundCurrent = current;
    if (current >= 0 && current < static_cast<int>(m_found.size()))
        scrollToToken(m_found[static_cast<std::size_t>(current)].begin);
    viewport()->update();
}

void TokenCanvas::setEmptyText(const QString &headline, const QString &advice)
{
    m_emptyHeadline = headline;
    m_emptyAdvice = advice;
    viewport()->update();
}

void TokenCanvas::setZoom(double factor)
{
    factor = std::clamp(factor, 0.5, 4.0);
    if (factor == m_zoom)
        return;
    const std::int64_t place = m_visible.begin;
    m_zoom = factor;
    forgetLayouts();
    if (m_index && m_index->blockOf(place) >= 0)
        verticalScrollBar()->setValue(static_cast<int>(blockTop(m_index->blockOf(place))));
    layoutVisible();
    viewport()->update();
}

void TokenCanvas::forgetLayouts()
{
    m_layouts.clear();
    m_heights.clear();
    estimateHeights();
}

void TokenCanvas::estimateHeights()
{
    for (std::size_t i = m_heights.size(); m_index && i < m_index->blocks().size(); ++i)
        m_heights.push_back(static_cast<float>(estimatedHeight(m_index->blocks()[i])));
    m_topsDirty = true;
    verticalScrollBar()->setSingleStep(static_cast<int>(QFontMetricsF(textFont()).height() * 2));
    verticalScrollBar()->setPageStep(viewport()->height());
    updateScrollRange();
}

void TokenCanvas::updateScrollRange()
{
    updateTops();
    verticalScrollBar()->setRange(0, std::max(0, static_cast<int>(std::ceil(m_tops.back() + 2 * margin() - viewport()->height()))));
}

void TokenCanvas::updateTops() const
{
    if (!m_topsDirty)
        return;
    m_tops.assign(1, 0.0);
    for (const float height : m_heights)
        m_tops.push_back(m_tops.back() + static_cast<double>(height));
    m_topsDirty = false;
}

int TokenCanvas::blockAtY(double y) const
{
    updateTops();
    const auto after = std::upper_bound(m_tops.begin(), m_tops.end(), y - margin());
    return std::clamp(static_cast<int>(after - m_tops.begin()) - 1, 0, std::max(0, static_cast<int>(m_heights.size()) - 1));
}

double TokenCanvas::blockTop(int block) const
{
    updateTops();
    return margin() + m_tops[static_cast<std::size_t>(block)];
}

double TokenCanvas::blockTextTop(int block) const
{
    return blockTop(block) + (m_index->blocks()[static_cast<std::size_t>(block)].first ? headerHeight(FigureLook::of(*this)) : 0);
}

std::unique_ptr<TokenLayout> TokenCanvas::makeLayout(int block, const QFont &font, double width) const
{
    const TokenRange range = m_index->blocks()[static_cast<std::size_t>(block)].range;
    std::vector<std::string_view> bytes;
    std::vector<std::int32_t> ids;
    for (std::int64_t token = range.begin; token < range.end; ++token) {
        bytes.push_back(m_index->bytes(token));
        ids.push_back(m_index->id(token));
    }
    return std::make_unique<TokenLayout>(tokenText(bytes, ids), font, width);
}

const TokenLayout &TokenCanvas::layoutOf(int block)
{
    CachedLayout &cached = m_layouts[block];
    cached.used = ++m_clock;
    if (!cached.layout) {
        cached.layout = makeLayout(block, textFont(), textWidth());
        const double header = m_index->blocks()[static_cast<std::size_t>(block)].first ? headerHeight(FigureLook::of(*this)) : 0;
        const auto height = static_cast<float>(cached.layout->height() + header);
        if (height != m_heights[static_cast<std::size_t>(block)]) {
            m_heights[static_cast<std::size_t>(block)] = height;
            m_topsDirty = true;
        }
    }
    if (cached.inks != m_colouringCount) {
        cached.inks = m_colouringCount;
        setInks(*cached.layout, m_index->blocks()[static_cast<std::size_t>(block)]);
    }
    return *cached.layout;
}

void TokenCanvas::layoutVisible()
{
    if (!m_index || m_heights.empty()) {
        m_visible = {};
        return;
    }
    QScrollBar *bar = verticalScrollBar();
    const int first = blockAtY(bar->value());
    const double estimated = m_heights[static_cast<std::size_t>(first)];
    layoutOf(first);
    // Scrolling up into a block whose height was a guess: what is below it stays where it is.
    const double surplus = m_heights[static_cast<std::size_t>(first)] - estimated;
    if (surplus != 0 && bar->value() < m_lastScroll) {
        const QSignalBlocker quiet(bar);
        updateScrollRange();
        bar->setValue(bar->value() + static_cast<int>(std::lround(surplus)));
    }
    int last = first;
    for (double y = blockTop(first); last < static_cast<int>(m_heights.size()) && y < bar->value() + viewport()->height(); ++last) {
        layoutOf(last);
        y += static_cast<double>(m_heights[static_cast<std::size_t>(last)]);
    }
    {
        const QSignalBlocker quiet(bar);
        updateScrollRange();
    }
    m_lastScroll = bar->value();
    while (m_layouts.size() > keptLayouts) {
        m_layouts.erase(std::min_element(
            m_layouts.begin(), m_layouts.end(), [](const auto &a, const auto &b) { return a.second.used < b.second.used; }));
    }
    const TokenRange visible{m_index->blocks()[static_cast<std::size_t>(first)].range.begin,
        m_index->blocks()[static_cast<std::size_t>(std::max(first, last - 1))].range.end};
    if (visible != m_visible) {
        m_visible = visible;
        emit visibleChanged();
    }
}

void TokenCanvas::scrollToSequence(int sequence)
{
    const int block = m_index ? m_index->blockOfSequence(sequence) : -1;
    if (block >= 0)
        verticalScrollBar()->setValue(static_cast<int>(blockTop(block) - margin()));
}

void TokenCanvas::scrollToToken(std::int64_t token)
{
    const int block = m_index ? m_index->blockOf(token) : -1;
    if (block < 0)
        return;
    const QRectF area = viewport()->rect();
    // Blocks on the way get their true heights only when they are laid out, which moves the target: look again.
    for (int attempt = 0; attempt < 4; ++attempt) {
        layoutOf(block);
        const QRectF box = tokenRect(token);
        if (box.top() >= area.top() && box.bottom() <= area.bottom())
            break;
        updateScrollRange();
        QScrollBar *bar = verticalScrollBar();
        m_lastScroll = 0; // a jump, not scrolling up
        bar->setValue(bar->value() + static_cast<int>(box.center().y() - area.height() * 0.4));
        layoutVisible();
    }
    viewport()->update();
}

QRectF TokenCanvas::tokenRect(std::int64_t token) const
{
    const int block = m_index ? m_index->blockOf(token) : -1;
    const auto cached = m_layouts.find(block);
    if (block < 0 || cached == m_layouts.end() || !cached->second.layout)
        return {};
    const auto index = static_cast<int>(token - m_index->blocks()[static_cast<std::size_t>(block)].range.begin);
    return cached->second.layout->firstBox(index).translated(margin(), blockTextTop(block) - verticalScrollBar()->value());
}

std::int64_t TokenCanvas::tokenAt(QPointF at) const
{
    if (!m_index || m_heights.empty())
        return -1;
    const double y = at.y() + verticalScrollBar()->value();
    const int block = blockAtY(y);
    const auto cached = m_layouts.find(block);
    if (cached == m_layouts.end() || !cached->second.layout)
        return -1;
    const int index = cached->second.layout->tokenAt({at.x() - margin(), y - blockTextTop(block)});
    return index < 0 ? -1 : m_index->blocks()[static_cast<std::size_t>(block)].range.begin + index;
}

std::int64_t TokenCanvas::brushEnd(QPointF at) const
{
    if (!m_index || m_heights.empty())
        return -1;
    const double y = at.y() + verticalScrollBar()->value();
    const int block = blockAtY(y);
    const auto cached = m_layouts.find(block);
    if (cached == m_layouts.end() || !cached->second.layout)
        return -1;
    const int index = cached->second.layout->nearestToken({at.x() - margin(), y - blockTextTop(block)});
    return index < 0 ? -1 : m_index->blocks()[static_cast<std::size_t>(block)].range.begin + index;
}

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

void TokenCanvas::resizeEvent(QResizeEvent *)
{
    const std::int64_t place = m_visible.begin;
    forgetLayouts();
    if (m_index && m_lastScroll > 0 && m_index->blockOf(place) >= 0)
        verticalScrollBar()->setValue(static_cast<int>(blockTop(m_index->blockOf(place)) - margin()));
    layoutVisible();
}

void TokenCanvas::scrollContentsBy(int, int)
{
    layoutVisible();
    viewport()->update();
}

void TokenCanvas::changeEvent(QEvent *event)
{
    if (event->type() == QEvent::FontChange)
        forgetLayouts();
    if (event->type() == QEvent::FontChange || event->type() == QEvent::PaletteChange)
        viewport()->update();
    QAbstractScrollArea::changeEvent(event);
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
