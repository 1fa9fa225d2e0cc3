// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Flow view: which expert a token goes to next, as a Sankey of a band of layers and as a matrix of the selected layer; and which
// experts are chosen together, clustered.
#pragma once

#include "views/common/analysis_view.h"
#include "views/flow/sankey.h"

namespace expertscope {

class HeatmapView;
class SeriesChart;

class FlowView : public AnalysisView {
    Q_OBJECT
public:
    explicit FlowView(ViewContext context, QWidget *parent = nullptr);

    void paintFigure(QPainter &painter, const QRectF &target) override;

    enum Mode { Transitions, CoActivation, CoActivationPlain };
    void setMode(int mode);
    Sankey *sankey() const { return m_sankey; }
    HeatmapView *matrix() const { return m_matrix; }

protected:
    void showResult() override;
    void subjectChanged() override;

private:
    int mode() const;
    void chooseBand();
    void showSankey();
    void showMatrix();
    void showSelection(const Selection &selection);
    void picked(int row, std::int64_t column);

    QComboBox *m_modeBox = nullptr;
    QComboBox *m_firstBox = nullptr;
    QComboBox *m_lastBox = nullptr;
    Sankey *m_sankey = nullptr;
    SeriesChart *m_chart = nullptr;
    HeatmapView *m_matrix = nullptr;
    std::int64_t m_matrixLayer = -1; ///< the model's own number of the layer of its rows
};

} // namespace expertscope
