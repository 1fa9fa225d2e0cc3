// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RoutesPage: what other experts would have done for the selected token in the selected layer: a dot and a row for each set of experts,
// and a way to try one in the recipe.
#pragma once

#include "views/common/view.h"

class QLabel;
class QPushButton;
class QSpinBox;
class QStackedWidget;

namespace expertscope {

class ResultTable;
class SeriesChart;

/// Makes the model take that route: the layer's other experts are excluded for the token at that position.
Edit editOf(const RoutesOutcome &outcome, const Route &route);

class RoutesPage : public QWidget {
    Q_OBJECT
public:
    explicit RoutesPage(ViewContext context, QWidget *parent = nullptr);

    void paintFigure(QPainter &painter, const QRectF &target) const;
    std::string csv() const;
    SeriesChart *chart() const { return m_chart; }
    ResultTable *table() const { return m_table; }

Q_SIGNALS:
    void status(const QString &text);
    void pictureWished();
    void numbersWished();
    void tried(); ///< a set of experts went into the recipe

private:
    void showState();
    void showOutcome();
    void showRoute(int row);
    void tryRoute();
    QString caption() const;

    ViewContext m_context;
    std::shared_ptr<const RoutesOutcome> m_shown;
    int m_route = -1; ///< row that is chosen, 0 = the model's own
    QLabel *m_where;
    QLabel *m_numbers;
    QSpinBox *m_routes;
    QPushButton *m_try;
    QStackedWidget *m_pages; ///< 0 = why there is nothing, 1 = the outcome
    QLabel *m_obstacle;
    SeriesChart *m_chart;
    ResultTable *m_table;
};

} // namespace expertscope
