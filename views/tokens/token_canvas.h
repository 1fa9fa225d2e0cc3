// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// TokenCanvas: the scrolling text of a trace, every token a coloured box. Only what is on the screen is laid out, so a hundred thousand
// tokens scroll like a hundred. It knows colours and marks, not metrics or experts.
#pragma once

#include "views/common/colour_map.h"
#include "views/common/figure.h"
#include "views/tokens/token_index.h"
#include "views/tokens/token_layout.h"

#include <QAbstractScrollArea>

#include <functional>
#include <map>
#include <memory>

namespace expertscope {

/// Colour of every token of the trace: values[token] on a scale; NaN is drawn hatched. Null values = plain text.
struct TokenColouring {
    std::shared_ptr<const std::vector<float>> values;
    ColourScale scale;
};

enum TokenFlag : std::uint8_t {
    UsesHoveredExpert = 1, ///< outlined
    UsesSelectedExpert = 2, ///< underlined
};

class TokenCanvas : public QAbstractScrollArea {
    Q_OBJECT
public:
    explicit TokenCanvas(QWidget *parent = nullptr);

    /// header(sequence): the line above a sequence. Keeps the place if the new text begins like the old one.
    void setIndex(TokenIndexPtr index, std::function<QString(int)> header);
    const TokenIndexPtr &index() const { return m_index; }
    void setColouring(const TokenColouring &colouring);
    void setSelection(int sequence, std::int64_t token, TokenRange brush);
    void setHoverToken(std::int64_t token); ///< asked for by another view
    void setFlags(TokenRange range, std::vector<std::uint8_t> flags);
    void setFound(std::vector<TokenRange> found, int current); ///< search hits; current: index of the one walked to, -1 = none
    void setDescribe(std::function<QStringList(std::int64_t)> describe) { m_describe = std::move(describe); }
    void setEmptyText(const QString &headline, const QString &advice);
    void setZoom(double factor); ///< of the text size; 0.5 to 4
    double zoom() const { return m_zoom; }

    void scrollToSequence(int sequence); ///< header at the top
    void scrollToToken(std::int64_t token); ///< only if it is not visible
    TokenRange visibleTokens() const { return m_visible; }
    /// Where a token is on the viewport now; empty if it is not laid out. For tests too.
    QRectF tokenRect(std::int64_t token) const;
    std::int64_t tokenAt(QPointF at) const; ///< viewport coordinates; -1 = none

    /// Text from the first visible line on, as much as fits, in print colours; returns the token rows painted.
    TokenRange paintInto(QPainter &painter, const QRectF &target, const FigureLook &look) const;

Q_SIGNALS:
    void hovered(qint64 token); ///< -1 = none
    void picked(qint64 token);
    void sequencePicked(int sequence);
    void brushed(expertscope::TokenRange range);
    void visibleChanged();
    void menuWished(const QPoint &globalPos);

protected:
    bool viewportEvent(QEvent *event) override;
    void paintEvent(QPaintEvent *event) override;
    void resizeEvent(QResizeEvent *event) override;
    void scrollContentsBy(int dx, int dy) override;
    void changeEvent(QEvent *event) override;
    void wheelEvent(QWheelEvent *event) override;
    void mousePressEvent(QMouseEvent *event) override;
    void mouseMoveEvent(QMouseEvent *event) override;
    void mouseReleaseEvent(QMouseEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;
    void keyReleaseEvent(QKeyEvent *event) override;
    void contextMenuEvent(QContextMenuEvent *event) override;

private:
    struct CachedLayout {
        std::unique_ptr<TokenLayout> layout;
        std::uint64_t used = 0;
        std::uint64_t inks = 0; ///< the colouring its inks are of
    };

    static constexpr double margin() { return 10; } ///< around the text
    QFont textFont() const;
    double textWidth() const;
    double headerHeight(const FigureLook &look) const;
    double estimatedHeight(const TokenBlock &block) const;
    void forgetLayouts();
    void keepLayouts(const TokenIndex &before); ///< of the blocks that are the same as before
    void estimateHeights(); ///< of the blocks that have none yet
    void updateScrollRange();
    const TokenLayout &layoutOf(int block);
    std::unique_ptr<TokenLayout> makeLayout(int block, const QFont &font, double width) const;
    void layoutVisible();
    void updateTops() const;
    int blockAtY(double y) const;
    double blockTop(int block) const; ///< in content coordinates
    double blockTextTop(int block) const;
    float valueOf(const TokenBlock &block, int index) const; ///< NaN = missing
    void setInks(TokenLayout &layout, const TokenBlock &block) const;
    void paintBlock(QPainter &painter, int block, const TokenLayout &layout, QPointF origin, const FigureLook &look, const QRectF &clip,
        bool marks) const;
    void paintMarks(QPainter &painter, const TokenBlock &block, const TokenBox &box, const QRectF &rect, const FigureLook &look) const;
    void paintHeader(QPainter &painter, int block, const QRectF &rect, const FigureLook &look, bool marks) const;
    void setCursorToken(std::int64_t token, bool fromMouse);
    void moveCursor(int key, bool control);
    std::int64_t brushEnd(QPointF at) const;

    TokenIndexPtr m_index;
    std::function<QString(int)> m_header;
    std::function<QStringList(std::int64_t)> m_describe;
    QString m_emptyHeadline = nothingOpenHeadline();
    QString m_emptyAdvice = nothingOpenAdvice();
    TokenColouring m_colouring;
    std::uint64_t m_colouringCount = 1; ///< counts colourings: text needs new inks for each
    double m_zoom = 1;

    std::vector<float> m_heights; ///< [blocks] header included; estimated until laid out
    mutable std::vector<double> m_tops; ///< [blocks + 1]
    mutable bool m_topsDirty = true;
    std::map<int, CachedLayout> m_layouts;
    std::uint64_t m_clock = 0;
    int m_lastScroll = 0;
    TokenRange m_visible;

    int m_sequence = -1;
    std::int64_t m_token = -1;
    TokenRange m_brush;
    std::int64_t m_cursor = -1; ///< under the mouse or moved by keys
    std::int64_t m_outsideHover = -1;
    TokenRange m_flagRange;
    std::vector<std::uint8_t> m_flags;
    std::vector<TokenRange> m_found;
    int m_foundCurrent = -1;

    enum class Drag { None, Brush, Pan } m_drag = Drag::None;
    QPointF m_dragStart;
    std::int64_t m_dragToken = -1;
    int m_dragScroll = 0;
    bool m_space = false;
    bool m_readout = false; ///< shown for the cursor token
};

} // namespace expertscope
