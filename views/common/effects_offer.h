// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a table of experts offers beside its ranking: the measured effect of ablating each, in further columns that fill as they come
// to be known, and the way to the scatter of score and effect.
#pragma once

#include "views/common/view.h"

#include <QObject>

class QLabel;
class QToolButton;

namespace expertscope {

class ResultTable;

class EffectsOffer : public QObject {
    Q_OBJECT
public:
    /// Belongs to the table, which shows the offer while its rows are experts.
    EffectsOffer(ResultTable &table, EffectsModel &effects);

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    void refresh();
    void showState();
    std::vector<ExpertPlace> shownExperts() const; ///< each once, in the order of the rows
    void measureOrStop();
    void setAgainstScores();

    ResultTable &m_table;
    EffectsModel &m_effects;
    QToolButton *m_button;
    QLabel *m_caption;
    bool m_stale = false; ///< the table was hidden when something changed
};

/// Nothing where effects cannot be measured.
void offerEffects(ResultTable &table, const ViewContext &context);

} // namespace expertscope
