// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Analyses view: any analysis of the list with its settings, its definition, and its charts, maps and tables as tabs.
#pragma once

#include "views/common/analysis_view.h"

namespace expertscope {

class ResultPages;

class AnalysesView : public AnalysisView {
    Q_OBJECT
public:
    explicit AnalysesView(ViewContext context, QWidget *parent = nullptr);

    void paintFigure(QPainter &painter, const QRectF &target) override;
    std::string csv() const override; ///< the table that is chosen

    void setAnalysis(const QString &id);
    ResultPages *pages() const { return m_pages; }

protected:
    void showResult() override;

private:
    QComboBox *m_box = nullptr;
    ResultPages *m_pages = nullptr;
};

} // namespace expertscope
