// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ResultPages: any result as tabs: summary, charts, maps, tables. It shows a result without knowing its analysis.
#pragma once

#include "engine/analysis/result.h"
#include "views/common/selection.h"

#include <QTabWidget>

#include <functional>
#include <memory>

class QComboBox;
class QTextBrowser;

namespace expertscope {

class HeatmapView;
class ResultTable;
class SeriesChart;

class ResultPages : public QTabWidget {
    Q_OBJECT
public:
    explicit ResultPages(QWidget *parent = nullptr);

    /// Stays on the page, chart, map and table that were chosen where the new result has them too.
    void setResult(std::shared_ptr<const Result> result);
    /// The layer that is selected, by the model's own number; -1 = none. Marked in charts and maps over layers.
    void setLayer(std::int64_t number);
    void fit();
    /// Paints the chart or map that is shown, or else the summary, into the rectangle that `frame` leaves for a title.
    void paintPart(QPainter &painter, const std::function<QRectF(const QString &title)> &frame) const;

    enum Page { Summary, Charts, Maps, Tables };
    const Series *series() const; ///< the chart that is chosen; null = none
    const Matrix *matrix() const;
    const Table *table() const; ///< the one on the Tables page, or the answer
    SeriesChart *chart() const { return m_chart; }
    HeatmapView *map() const { return m_map; }
    ResultTable *rows() const { return m_table; }

Q_SIGNALS:
    void layerPicked(qint64 number);
    void expertPicked(qint64 layer, int expert);
    void groupPicked(const QString &column, const QString &group);
    void status(const QString &text);
    void pictureWished();
    void numbersWished();

private:
    QComboBox *addPage(QWidget *content, const QString &title, const QString &name);
    void showSeries();
    void showMatrix();
    void showTable();
    void pickRow(std::size_t row);
    void showMarks();

    std::shared_ptr<const Result> m_result;
    std::int64_t m_layer = -1;
    QTextBrowser *m_summary;
    SeriesChart *m_chart;
    HeatmapView *m_map;
    ResultTable *m_table;
    QComboBox *m_seriesBox;
    QComboBox *m_matrixBox;
    QComboBox *m_tableBox;
};

} // namespace expertscope
