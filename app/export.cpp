// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/export.h"

#include "app/report/report_figures.h"
#include "engine/core/error.h"
#include "views/common/result_figure.h"

#include <QBuffer>
#include <QFileInfo>
#include <QImage>
#include <QPainter>
#include <QPdfWriter>
#include <QSaveFile>
#include <QSvgGenerator>

#include <functional>

namespace expertscope {

namespace {

constexpr int pngScale = 2; // sharp on paper and on dense screens
constexpr int figureDpi = 96; // one unit of the figure is one pixel of the view
constexpr QSize minFigure{960, 640};

using Paint = std::function<void(QPainter &, const QRectF &)>;

QByteArray png(const Paint &paint, QSize size)
{
    QImage image{size * pngScale, QImage::Format_RGB32};
    image.fill(Qt::white);
    const auto setResolution = [&image](int dpi) {
        image.setDotsPerMeterX(qRound(dpi / 0.0254));
        image.setDotsPerMeterY(qRound(dpi / 0.0254));
    };
    setResolution(figureDpi); // text is sized by the device's resolution, and the painter's scale enlarges it already
    QPainter painter{&image};
    painter.setRenderHint(QPainter::Antialiasing);
    painter.scale(pngScale, pngScale);
    paint(painter, QRectF{QPointF{}, size});
    painter.end();
    setResolution(figureDpi * pngScale); // what the file says of its size on paper
    QBuffer buffer;
    buffer.open(QIODevice::WriteOnly);
    image.save(&buffer, "PNG");
    return buffer.data();
}

QByteArray svg(const Paint &paint, QSize size, const QString &title)
{
    QBuffer buffer;
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setSize(size);
    generator.setViewBox(QRect{QPoint{}, size});
    generator.setResolution(figureDpi);
    generator.setTitle(title);
    QPainter painter{&generator};
    paint(painter, QRectF{QPointF{}, size});
    painter.end();
    return buffer.data();
}

QByteArray pdf(const Paint &paint, QSize size, const QString &title)
{
    QBuffer buffer;
    buffer.open(QIODevice::WriteOnly);
    QPdfWriter writer{&buffer};
    writer.setResolution(figureDpi);
    writer.setPageSize(QPageSize{QSizeF{size} * 72.0 / figureDpi, QPageSize::Point, {}, QPageSize::ExactMatch});
    writer.setPageMargins({});
    writer.setTitle(title);
    QPainter painter{&writer};
    paint(painter, QRectF{QPointF{}, size});
    painter.end();
    return buffer.data();
}

} // namespace

void writeWhole(const QString &file, const QByteArray &bytes)
{
    QSaveFile save{file};
    if (!save.open(QIODevice::WriteOnly) || save.write(bytes) != bytes.size() || !save.commit())
        throw Error{ErrorKind::Input, "the file cannot be written: " + save.errorString().toStdString(), file.toStdString(),
            "Choose a folder that you may write to and that has room"};
}

void writePicture(const Paint &paint, QSize size, const QString &title, const QString &file)
{
    const QString suffix = QFileInfo{file}.suffix().toLower();
    if (suffix == QStringLiteral("png"))
        writeWhole(file, png(paint, size));
    else if (suffix == QStringLiteral("svg"))
        writeWhole(file, svg(paint, size, title));
    else if (suffix == QStringLiteral("pdf"))
        writeWhole(file, pdf(paint, size, title));
    else
        throw Error{
            ErrorKind::Usage, "pictures are written as PNG, SVG or PDF", file.toStdString(), "End the file's name in .png, .svg or .pdf"};
}

void exportPicture(View &view, const QString &file)
{
    writePicture([&view](QPainter &painter, const QRectF &target) { view.paintFigure(painter, target); }, view.size().expandedTo(minFigure),
        view.windowTitle(), file);
}

void exportResultFigure(const AnalysisKind &kind, const Result &result, const Series *series, const Matrix *matrix, const QString &file)
{
    const FigureLook look = FigureLook::print(reportLook().font);
    const QString caption = resultCaption(result, kind, {});
    writePicture(
        [&](QPainter &painter, const QRectF &target) {
            if (series)
                paintSeries(painter, target, *series, look, caption);
            else
                paintMatrix(painter, target, *matrix, look, caption);
        },
        minFigure, QString::fromStdString(series ? series->title : matrix->title), file);
}

} // namespace expertscope
