// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// SeriesChart: a SeriesPlot on the screen: hovering tells values, a click picks a place on the x axis and a curve, the wheel zooms.
// A name in the legend brings its curve to the front while the mouse is on it.
// It knows curves, not languages or layers: its owner says what they mean.
#pragma once

#include "views/common/series_plot.h"

#include <QChartView>

namespace expertscope {

class SeriesChart : public QChartView {
    Q_OBJECT
public:
    explicit SeriesChart(QWidget *parent = nullptr);

    void setSeries(Series series);
    void clear();
    const Series &series() const { return m_series; }
    /// The chart that is shown; null while there are no curves.
    const SeriesPlot *plot() const { return m_plot; }
    void setMarks(const PlotMarks &marks);
    void setEmptyText(const QString &headline, const QString &advice);
    void fit();
    QSize minimumSizeHint() const override { return {220, 150}; }
    QSize sizeHint() const override { return {640, 360}; }

Q_SIGNALS:
    void hovered(int x, int curve); ///< indices into Series::x and Series::curves; -1, -1 = left
    void picked(int x, int curve);
    void namePicked(int curve); ///< in the legend
    void status(const QString &text);
    void pictureWished();
    void numbersWished();

protected:
    void paintEvent(QPaintEvent *event) override;
    void drawForeground(QPainter *painter, const QRectF &rect) override;
    void changeEvent(QEvent *event) override;
    void mousePressEvent(QMouseEvent *event) override;
    void mouseMoveEvent(QMouseEvent *event) override;
    void mouseReleaseEvent(QMouseEvent *event) override;
    void leaveEvent(QEvent *event) override;
    void wheelEvent(QWheelEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;
    void contextMenuEvent(QContextMenuEvent *event) override;

private:
    void rebuild();
    void setPlace(SeriesPlot::Place place);
    void setNamed(int curve);
    void step(int x, int curve);

    Series m_series;
    PlotMarks m_marks;
    SeriesPlot *m_plot = nullptr;
    int m_named = -1; ///< curve under the mouse in the legend
    SeriesPlot::Place m_place; ///< under the mouse or moved by keys
    QString m_emptyHeadline, m_emptyAdvice;
};

} // namespace expertscope
