// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// WorkBar: run and stop of one kind of experiment, how far it is and what is left, or why it ended.
#pragma once

#include "views/common/experiment_model.h"

#include <QWidget>

class QLabel;
class QProgressBar;
class QPushButton;

namespace expertscope {

class WorkBar : public QWidget {
    Q_OBJECT
public:
    /// The model outlives the bar. run: what the button says.
    WorkBar(ExperimentModel &model, ExperimentKind kind, const QString &run, QWidget *parent = nullptr);

    QPushButton *button() const { return m_run; }

private:
    void showState();
    void showProgress();

    ExperimentModel &m_model;
    ExperimentKind m_kind;
    QPushButton *m_run;
    QPushButton *m_stop;
    QProgressBar *m_bar;
    QLabel *m_text;
};

} // namespace expertscope
