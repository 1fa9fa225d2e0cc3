// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// FigureLook: the colours and font that views paint with, taken from a widget (light or dark) or made for paper.
// Also the frame every exported figure shares: title above, caption with definition and n below.
#pragma once

#include <QColor>
#include <QFont>
#include <QPalette>
#include <QRectF>
#include <QString>
#include <QStringList>

class QPainter;
class QWidget;

namespace expertscope {

struct FigureLook {
    QColor paper;
    QColor ink;
    QColor faint; ///< axis lines, secondary text
    QColor accent; ///< selection, crosshair
    QColor missing; ///< hatch lines of what is not there
    QFont font;

    static FigureLook of(const QWidget &widget);
    static FigureLook of(const QPalette &palette, const QFont &font);
    /// Dark ink on white, whatever the theme of the window.
    static FigureLook print(const QFont &font);

    QFont titleFont() const;
    QFont smallFont() const;
};

/// Fills the target with paper, paints title and caption (wrapped) and returns the rectangle left between them.
QRectF paintFigureFrame(QPainter &painter, const QRectF &target, const FigureLook &look, const QString &title, const QString &caption);

/// A friendly empty state: a headline and what to do, centred.
void paintEmptyState(QPainter &painter, const QRectF &target, const FigureLook &look, const QString &headline, const QString &advice);

/// A small box of lines beside `anchor`, kept inside `bounds`: what is under the cursor.
void paintReadout(QPainter &painter, const QRectF &anchor, const QRectF &bounds, const QStringList &lines, const FigureLook &look);

/// What every view says while nothing is open.
QString nothingOpenHeadline();
QString nothingOpenAdvice();
/// ... while a trace has no tokens yet,
QString noTokensHeadline();
QString noTokensAdvice();
/// ... and what a view of tokens says of imported counts.
QString countsOnlyHeadline();
QString countsOnlyAdvice();

} // namespace expertscope
