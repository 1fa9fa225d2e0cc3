// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Specialisation view: which experts a language, domain or label prefers: layer x expert with significance, the selected expert's
// bars per group and its tokens, the top experts of every group.
#pragma once

#include "views/common/analysis_view.h"

class QTabWidget;

namespace expertscope {

class HeatmapView;
class ResultTable;
class SeriesChart;

class SpecialisationView : public AnalysisView {
    Q_OBJECT
public:
    explicit SpecialisationView(ViewContext context, QWidget *parent = nullptr);

    void paintFigure(QPainter &painter, const QRectF &target) override;

    void setGroup(const QString &group); ///< one of those of the grouping
    QString group() const;
    HeatmapView *map() const { return m_map; }
    SeriesChart *bars() const { return m_bars; }
    ResultTable *top() const { return m_top; }
    ResultTable *tokens() const { return m_tokens; }

protected:
    void showResult() override;
    void subjectChanged() override;

private:
    void showMap();
    void showExpert();
    void requestTokens();
    void showSelection(const Selection &selection);
    QString grouping() const; ///< that of the result
    QStringList describe(int row, std::int64_t column) const;

    QComboBox *m_groupingBox = nullptr;
    QComboBox *m_groupBox = nullptr;
    QComboBox *m_valueBox = nullptr;
    HeatmapView *m_map = nullptr;
    SeriesChart *m_bars = nullptr;
    SeriesChart *m_layers = nullptr;
    ResultTable *m_top = nullptr;
    ResultTable *m_tokens = nullptr;
    QTabWidget *m_tabs = nullptr;
    Selection m_expertShown; ///< layer and experts the tokens were asked for
    TracePtr m_tokensOf;
};

} // namespace expertscope
