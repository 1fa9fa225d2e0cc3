// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Compare view: two traces of the same text, or two groups of one trace: one signed difference map, agreement per layer, where
// they part first.
#pragma once

#include "views/common/analysis_view.h"

class QSplitter;

namespace expertscope {

class HeatmapView;
class ResultTable;
class SeriesChart;

class CompareView : public AnalysisView {
    Q_OBJECT
public:
    explicit CompareView(ViewContext context, QWidget *parent = nullptr);

    void paintFigure(QPainter &painter, const QRectF &target) override;

    enum Mode { Traces, Groups };
    void setMode(int mode);
    HeatmapView *map() const { return m_map; }
    SeriesChart *chart() const { return m_chart; }
    ResultTable *table() const { return m_table; }

protected:
    void showResult() override;
    void subjectChanged() override;
    AnalysisInput input(const AnalysisKind &kind) const override;

private:
    int mode() const;
    void fillGroups();
    void chooseGroups();
    void showSelection(const Selection &selection);
    void pickRow(std::size_t row);
    QStringList describe(int row, std::int64_t column) const;
    std::int64_t mapLayer(int row) const; ///< the model's own number of a row of the map

    QComboBox *m_modeBox = nullptr;
    QComboBox *m_traceBox = nullptr;
    QComboBox *m_groupingBox = nullptr;
    QComboBox *m_targetBox = nullptr;
    QComboBox *m_baselineBox = nullptr;
    HeatmapView *m_map = nullptr;
    SeriesChart *m_chart = nullptr;
    SeriesChart *m_parting = nullptr;
    ResultTable *m_table = nullptr;
};

} // namespace expertscope
