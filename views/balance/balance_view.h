// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Balance view: how evenly the experts are used: a measure per layer, the load of every expert, and the selected layer's
// sorted loads or Lorenz curve.
#pragma once

#include "views/common/analysis_view.h"

namespace expertscope {

class HeatmapView;
class SeriesChart;

class BalanceView : public AnalysisView {
    Q_OBJECT
public:
    explicit BalanceView(ViewContext context, QWidget *parent = nullptr);

    void paintFigure(QPainter &painter, const QRectF &target) override;

    SeriesChart *measures() const { return m_measures; }
    SeriesChart *loads() const { return m_loads; }
    HeatmapView *map() const { return m_map; }
    void setMeasure(const QString &column); ///< a column of the table "balance"

protected:
    void showResult() override;
    void subjectChanged() override;

private:
    void showMeasure();
    void showLoads();
    void showSelection(const Selection &selection);
    QStringList describe(int row, std::int64_t column) const;

    QComboBox *m_measureBox = nullptr;
    QComboBox *m_loadsBox = nullptr;
    SeriesChart *m_measures = nullptr;
    SeriesChart *m_loads = nullptr;
    HeatmapView *m_map = nullptr;
};

} // namespace expertscope
