// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/tokens/token_canvas.h"

#include <QEvent>
#include <QFontMetricsF>
#include <QScrollBar>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr int keptLayouts = 96;

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
    return std::make_unique<TokenLayout>(tokenText(bytes, ids, range.begin), font, width);
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

} // namespace expertscope
