// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/report/report_figures.h"

#include "views/common/result_figure.h"

#include <QBuffer>
#include <QPainter>
#include <QPalette>
#include <QRegularExpression>
#include <QSvgGenerator>

#include <algorithm>

namespace expertscope {

namespace {

constexpr int figureDpi = 96;
constexpr int width = 760;
// Not quite white and black: texts inside of coloured cells are, and stay so on a dark page.
constexpr QColor paper{0xfd, 0xfd, 0xfd}, ink{0x16, 0x16, 0x16};

/// A series is wide and low; a matrix has room for its rows, and is near to square where rows and columns are the same things.
QSize sizeOf(const Figure &figure)
{
    if (figure.series) {
        const auto curves = static_cast<int>(figure.series->curves.size());
        return {width, 330 + 10 * std::min(curves, 24)};
    }
    const auto rows = static_cast<int>(std::min<std::size_t>(figure.matrix->rows.size(), 64));
    if (figure.matrix->rows == figure.matrix->columns)
        return {width * 3 / 4, std::clamp(150 + 22 * rows, 320, 620)};
    return {width, std::clamp(130 + 14 * rows, 240, 620)};
}

/// On paper most charts and maps are half as wide as the page: two stand side by side, and little is left empty before a new page.
QSize paperSizeOf(const Figure &figure)
{
    constexpr std::size_t fewCurves = 8, fewBars = 12, fewCells = 24;
    if (figure.series) {
        const Series &series = *figure.series;
        const bool simple = series.curves.size() <= fewCurves && (!series.bars || series.names.size() <= fewBars);
        return simple ? QSize{pageColumn, 260} : QSize{pageWidth, 360};
    }
    const auto rows = figure.matrix->rows.size();
    if (figure.matrix->columns.size() <= fewCells && rows <= fewCells)
        return {pageColumn, figure.matrix->rows == figure.matrix->columns ? 350 : std::clamp(120 + 15 * static_cast<int>(rows), 220, 350)};
    return {pageWidth, sizeOf(figure).height()};
}

/// QSvgGenerator writes a document with a prolog, a size in millimetres and a description of itself.
QByteArray elementOf(QByteArray document)
{
    const qsizetype begin = document.indexOf("<svg"), end = document.indexOf('>', begin);
    static const QRegularExpression viewBox{QStringLiteral("viewBox=\"[^\"]*\"")};
    const QByteArray box = viewBox.match(QString::fromUtf8(document.mid(begin, end - begin))).captured().toUtf8();
    QByteArray body = document.mid(end + 1);
    for (const char *tag : {"title", "desc"}) {
        const qsizetype open = body.indexOf(QByteArray{"<"} + tag), close = body.indexOf(QByteArray{"</"} + tag + ">");
        if (open >= 0 && close > open)
            body.remove(open, close + qsizetype(qstrlen(tag)) + 3 - open);
    }
    body.replace("xlink:href=", "href=");
    return "<svg " + box + ">" + body.trimmed();
}

void paint(QPaintDevice &device, const Figure &figure, QSize size)
{
    QPainter painter{&device};
    if (figure.series)
        paintSeries(painter, QRectF{QPointF{}, size}, *figure.series, reportLook(), {});
    else
        paintMatrix(painter, QRectF{QPointF{}, size}, *figure.matrix, reportLook(), {});
}

} // namespace

FigureLook reportLook()
{
    QFont font{QStringLiteral("Noto Sans")};
    font.setPixelSize(12);
    QPalette palette;
    palette.setColor(QPalette::Base, paper);
    palette.setColor(QPalette::Text, ink);
    return FigureLook::of(palette, font);
}

PaintedFigure paintFigure(const Figure &figure)
{
    PaintedFigure painted;
    painted.size = sizeOf(figure);
    QBuffer buffer;
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setSize(painted.size);
    generator.setViewBox(QRect{QPoint{}, painted.size});
    generator.setResolution(figureDpi);
    paint(generator, figure, painted.size);
    painted.svg = elementOf(buffer.data());
    painted.pictureSize = paperSizeOf(figure);
    paint(painted.picture, figure, painted.pictureSize);
    return painted;
}

} // namespace expertscope
