// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// TokenLayout: one block of text shaped as a whole and wrapped, with the boxes of its tokens.
// Shaping never sees token borders, so Arabic letters join and Devanagari clusters form across them.
#pragma once

#include "views/common/token_text.h"

#include <QFont>
#include <QGlyphRun>
#include <QPointF>
#include <QRectF>
#include <QTextLayout>

#include <functional>
#include <vector>

class QPainter;

namespace expertscope {

/// A rectangle of a token, in block coordinates; a token has several where it wraps or where its direction turns.
struct TokenBox {
    int token = 0; ///< index into the tokens of the block
    QRectF rect;
};

class TokenLayout {
public:
    TokenLayout(TokenText text, const QFont &font, double width);

    double height() const { return m_height; }
    const TokenText &text() const { return m_text; }
    const std::vector<TokenBox> &boxes() const { return m_boxes; } ///< by line, then in text order
    bool rightToLeft() const { return m_rightToLeft; }
    /// The token at a point in block coordinates; -1 beside the text. Round trip: the centre of every box gives its token.
    int tokenAt(QPointF at) const;
    /// The token nearest to a point, for brushes that leave the text; -1 only if there is no text.
    int nearestToken(QPointF at) const;
    QRectF firstBox(int token) const;

    /// Which of a few inks every token of the block is written in: ink(token) is an index below 256. Glyphs are gathered into runs here,
    /// once.
    void setInks(const std::function<int(int token)> &ink);
    /// Draws the lines inside `clip` (block coordinates) with the colours of the inks; setInks comes first.
    void paintText(QPainter &painter, QPointF origin, const std::vector<QColor> &inks, const QRectF &clip) const;

private:
    void placeLines(const QFont &font, double width);
    void placeBoxes();
    void placeBoxesLeftToRight();
    void addBox(int token, double left, double right, int line);

    struct InkRun {
        int line = 0;
        int ink = 0;
        QList<QGlyphRun> glyphs;
    };

    TokenText m_text;
    QTextLayout m_layout;
    std::vector<TokenBox> m_boxes;
    std::vector<InkRun> m_runs; ///< by line
    std::vector<double> m_lineTops; ///< [lines + 1]
    std::vector<int> m_lineBoxes; ///< [lines + 1] index of the first box of each line
    double m_height = 0;
    bool m_rightToLeft = false;
};

} // namespace expertscope
