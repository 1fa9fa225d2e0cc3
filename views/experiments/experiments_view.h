// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Experiments view: is the model good, does a recipe help? A page to evaluate, and a guide through the multilingual recipe.
#pragma once

#include "views/common/view.h"

class QTabWidget;

namespace expertscope {

class EvaluatePage;
class ResultPanel;
class SweepPage;

class ExperimentsView : public View {
    Q_OBJECT
public:
    /// context.experiments is not null.
    explicit ExperimentsView(ViewContext context, QWidget *parent = nullptr);

    void setSubject(const Subject &subject) override;
    void paintFigure(QPainter &painter, const QRectF &target) override;
    std::string csv() const override; ///< the table that is chosen
    void fit() override;
    QVariantMap saveState() const override;
    void restoreState(const QVariantMap &state) override;

    EvaluatePage *evaluatePage() const { return m_evaluate; }
    SweepPage *sweepPage() const { return m_sweep; }
    void showSweep() const; ///< the guide

private:
    ResultPanel *results() const; ///< of the page that is shown
    void connectResults(ResultPanel *panel);

    QTabWidget *m_tabs;
    EvaluatePage *m_evaluate;
    SweepPage *m_sweep;
};

} // namespace expertscope
