// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Results as figures for views, pictures and reports: a series or a matrix of any analysis with title, axes, units, legend and caption.
// Needs a QApplication, no window and no screen.
#pragma once

#include "engine/analysis/analysis.h"
#include "views/common/heatmap_painter.h"
#include "views/common/series_plot.h"

#include <string>

namespace expertscope {

/// A matrix as the heatmap shows it; values that mean "no difference" (Matrix::neutral) get the diverging colours around them.
HeatmapContent matrixContent(const Matrix &matrix);

/// The figure of one series or matrix in the target: title above, caption below. The same input gives the same picture.
void paintSeries(QPainter &painter, const QRectF &target, const Series &series, const FigureLook &look, const QString &caption,
    const PlotMarks &marks = {});
void paintMatrix(QPainter &painter, const QRectF &target, const HeatmapContent &content, const FigureLook &look, const QString &caption);
void paintMatrix(QPainter &painter, const QRectF &target, const Matrix &matrix, const FigureLook &look, const QString &caption);

/// The chart alone, without title and caption.
void paintPlot(QPainter &painter, const QRectF &target, const Series &series, const FigureLook &look, const PlotMarks &marks = {});

/// "n = 120 parallel sentences"; empty if the result says no n.
QString sampleText(const Result &result);
/// What a reader of a figure must know: n, settings that are not the default, model, definition.
QString resultCaption(const Result &result, const AnalysisKind &kind, const std::string &model);

} // namespace expertscope
