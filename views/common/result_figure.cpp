// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/result_figure.h"

#include "views/common/axis.h"

#include <QGraphicsScene>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

constexpr double matrixSharpness = 3; ///< device pixels per unit: vector formats hold the matrix as an image

QString text(std::string_view view)
{
    return QString::fromUtf8(view.data(), static_cast<qsizetype>(view.size()));
}

bool areNames(const std::vector<std::string> &labels)
{
    return !std::all_of(labels.begin(), labels.end(), [](const std::string &label) {
        bool number = false;
        text(label).toDouble(&number);
        return number;
    });
}

} // namespace

HeatmapContent matrixContent(const Matrix &matrix)
{
    HeatmapContent content;
    std::vector<float> values(matrix.values.size());
    std::transform(matrix.values.begin(), matrix.values.end(), values.begin(), [](double value) { return static_cast<float>(value); });
    content.data = std::make_shared<HeatmapData>(
        static_cast<int>(matrix.rows.size()), static_cast<std::int64_t>(matrix.columns.size()), std::move(values));
    content.title = text(matrix.title);
    content.rowTitle = text(matrix.rowTitle);
    content.columnTitle = text(matrix.columnTitle);
    content.valueTitle = text(matrix.valueTitle);
    content.unit = text(matrix.unit);
    content.rowName = [names = matrix.rows](std::int64_t row) { return text(names[static_cast<std::size_t>(row)]); };
    content.columnName = [names = matrix.columns](std::int64_t column) { return text(names[static_cast<std::size_t>(column)]); };
    content.rowsNamed = areNames(matrix.rows);
    content.columnsNamed = areNames(matrix.columns);
    if (!std::isnan(matrix.neutral)) {
        content.map = ColourMap::Diverging;
        content.centre = matrix.neutral;
    }
    content.reach = matrix.reach;
    content.emptyMeans = text(matrix.emptyMeans);
    return content;
}

void paintPlot(QPainter &painter, const QRectF &target, const Series &series, const FigureLook &look, const PlotMarks &marks)
{
    QGraphicsScene scene;
    auto *plot = new SeriesPlot(series, look, false);
    scene.addItem(plot); // owns it
    plot->resize(target.size());
    const QRectF source(QPointF(), target.size());
    scene.setSceneRect(source);
    plot->setMarks(marks);
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    scene.render(&painter, target, source);
    painter.restore();
}

void paintSeries(
    QPainter &painter, const QRectF &target, const Series &series, const FigureLook &look, const QString &caption, const PlotMarks &marks)
{
    paintPlot(painter, paintFigureFrame(painter, target, look, text(series.title), caption), series, look, marks);
}

void paintMatrix(QPainter &painter, const QRectF &target, const HeatmapContent &content, const FigureLook &look, const QString &caption)
{
    const QRectF inner = paintFigureFrame(painter, target, look, content.title, caption);
    if (!content.data || content.data->rows() == 0 || content.data->columns() == 0) {
        paintEmptyState(painter, inner, look, QStringLiteral("No values"), {});
        return;
    }
    const auto range = heatmapRange(content, RangeMode::Full, content.map);
    const LegendSpec legend = heatmapLegend(content, {content.map, range.first, range.second}, false, 1);
    HeatmapPainter(content, HeatmapWindow::whole(*content.data), legend, look, inner).paint(painter, matrixSharpness);
}

void paintMatrix(QPainter &painter, const QRectF &target, const Matrix &matrix, const FigureLook &look, const QString &caption)
{
    paintMatrix(painter, target, matrixContent(matrix), look, caption);
}

QString sampleText(const Result &result)
{
    const auto counted = std::find_if(result.numbers.begin(), result.numbers.end(), [](const Number &number) { return number.n > 0; });
    return counted == result.numbers.end() ? QString() : QStringLiteral("n = %1 %2").arg(countText(counted->n), text(counted->of));
}

QString resultCaption(const Result &result, const AnalysisKind &kind, const std::string &model)
{
    QStringList parts;
    if (const QString sample = sampleText(result); !sample.isEmpty())
        parts << sample;
    QStringList changed;
    for (const auto &[id, value] : result.settings) {
        const auto param = std::find_if(kind.params.begin(), kind.params.end(), [&](const ParamKind &p) { return p.id == id; });
        if (param != kind.params.end() && value != param->standard)
            changed << text(param->title) + QStringLiteral(" = ") + text(value);
    }
    if (!changed.isEmpty())
        parts << changed.join(QStringLiteral(", "));
    if (!model.empty())
        parts << QStringLiteral("model ") + text(model);
    const QString head = parts.isEmpty() ? QString() : parts.join(QStringLiteral("; ")) + QStringLiteral(". ");
    return text(kind.title) + QStringLiteral(": ") + head + text(kind.definition);
}

} // namespace expertscope
