// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// EffectsPage: a score of a ranking of experts against the measured effect of ablating each, one dot an expert; and what the effects are
// measured on.
#pragma once

#include "views/common/view.h"

class QComboBox;
class QLabel;
class QPushButton;

namespace expertscope {

class ParamForm;
class SeriesChart;

/// One dot for each expert of a table that was measured, at the score of its first row. Empty where none was. NaN scores have no dot.
Series effectScatter(const ExpertRanking &ranking, const std::string &score, const EffectsState &state);
/// Columns of a ranking that can be a score: numbers that differ.
std::vector<std::string> scoresOf(const Table &ranking);

class EffectsPage : public QWidget {
    Q_OBJECT
public:
    explicit EffectsPage(ViewContext context, QWidget *parent = nullptr);

    void setTrace(TracePtr trace);
    void paintFigure(QPainter &painter, const QRectF &target) const;
    std::string csv() const; ///< a row for each dot
    SeriesChart *chart() const { return m_chart; }
    QString caption() const; ///< correlation with interval and n, and what was measured

Q_SIGNALS:
    void status(const QString &text);
    void pictureWished();
    void numbersWished();

private:
    void showState();
    void showRanking();
    void showScatter();
    void showSelection();
    int layerIndex(int dot) const; ///< in the trace that is shown; -1 = it has no such layer
    void measureOrStop();

    ViewContext m_context;
    TracePtr m_trace;
    std::shared_ptr<const ExpertRanking> m_ranking;
    std::vector<ExpertPlace> m_dots; ///< [dots]
    QComboBox *m_score;
    ParamForm *m_form;
    QPushButton *m_measure;
    QLabel *m_title;
    QLabel *m_caption;
    SeriesChart *m_chart;
};

} // namespace expertscope
