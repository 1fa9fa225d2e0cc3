// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Steering view: the recipe as a list of edits and policies, and what it does to one text: routing, loss, next token, continuation.
#pragma once

#include "views/common/heatmap_painter.h"
#include "views/common/view.h"

class QLabel;
class QSpinBox;
class QStackedWidget;
class QTextBrowser;

namespace expertscope {

class HeatmapView;
class RecipePanel;
class SeriesChart;

class SteeringView : public View {
    Q_OBJECT
public:
    explicit SteeringView(ViewContext context, QWidget *parent = nullptr);

    void setSubject(const Subject &subject) override;
    void paintFigure(QPainter &painter, const QRectF &target) override;
    std::string csv() const override; ///< every token
    void fit() override;
    QVariantMap saveState() const override;
    void restoreState(const QVariantMap &state) override;

    RecipePanel *panel() const { return m_panel; }
    HeatmapView *map() const { return m_map; }
    SeriesChart *tokenChart() const { return m_tokens; }
    SeriesChart *layerChart() const { return m_layers; }
    QTextBrowser *text() const { return m_text; }
    QLabel *numbers() const { return m_numbers; }

protected:
    void showEvent(QShowEvent *event) override;
    void hideEvent(QHideEvent *event) override;
    void changeEvent(QEvent *event) override;

private:
    void connectParts();
    void showState();
    void showOutcome();
    void showNumbers();
    void showText();
    void showMarks();
    HeatmapContent mapContent() const;

    Subject m_subject;
    std::shared_ptr<const SteeringOutcome> m_shown;
    RecipePanel *m_panel;
    QLabel *m_where;
    QLabel *m_numbers;
    QSpinBox *m_newTokens;
    QStackedWidget *m_pages; ///< 0 = why there is nothing, 1 = the outcome
    QLabel *m_obstacle;
    HeatmapView *m_map;
    QTextBrowser *m_text;
    SeriesChart *m_tokens;
    SeriesChart *m_layers;
};

} // namespace expertscope
