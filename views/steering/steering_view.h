// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Steering view: the recipe as a list of edits and policies, and what it does to one text: routing, loss, next token, continuation. Two
// more pages measure single changes: other experts for one token, and each expert of a ranking left out.
#pragma once

#include "views/common/heatmap_painter.h"
#include "views/common/view.h"

class QLabel;
class QSpinBox;
class QStackedWidget;
class QTabWidget;
class QTextBrowser;

namespace expertscope {

class EffectsPage;
class HeatmapView;
class RecipePanel;
class RoutesPage;
class SeriesChart;

class SteeringView : public View {
    Q_OBJECT
public:
    explicit SteeringView(ViewContext context, QWidget *parent = nullptr);

    void setSubject(const Subject &subject) override;
    void paintFigure(QPainter &painter, const QRectF &target) override;
    std::string csv() const override; ///< of the page that is shown: every token, every set of experts, or every expert
    void fit() override;
    QVariantMap saveState() const override;
    void restoreState(const QVariantMap &state) override;

    RecipePanel *panel() const { return m_panel; }
    HeatmapView *map() const { return m_map; }
    SeriesChart *tokenChart() const { return m_tokens; }
    SeriesChart *layerChart() const { return m_layers; }
    QTextBrowser *text() const { return m_text; }
    QLabel *numbers() const { return m_numbers; }
    RoutesPage *routes() const { return m_routes; }
    EffectsPage *effects() const { return m_effects; }

    enum Page { Text, Routes, Effects };
    void showPage(Page page);
    Page page() const;

protected:
    void showEvent(QShowEvent *event) override;
    void hideEvent(QHideEvent *event) override;
    void changeEvent(QEvent *event) override;

private:
    QWidget *buildText();
    void connectParts();
    void connectPages();
    void watch(bool visible);
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
    RoutesPage *m_routes;
    EffectsPage *m_effects;
    QTabWidget *m_tabs;
    bool m_watched = false, m_routesWatched = false; ///< as was said last
};

} // namespace expertscope
