// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// EvaluatePage: what the model is evaluated on, under which routings and how; and what came out.
#pragma once

#include "views/common/experiment_model.h"

#include <QWidget>

#include <functional>

class QCheckBox;
class QLabel;
class QListWidget;
class QMenu;
class QVBoxLayout;

namespace expertscope {

class ParamForm;
class ResultPanel;
class SteeringModel;

class EvaluatePage : public QWidget {
    Q_OBJECT
public:
    /// Both models outlive the page; steering may be null.
    EvaluatePage(ExperimentModel &model, SteeringModel *steering, QWidget *parent = nullptr);

    ResultPanel *results() const { return m_results; }

private:
    void buildData(QVBoxLayout &column);
    void buildRoutings(QVBoxLayout &column);
    void buildSettings(QVBoxLayout &column);
    void addData(const QStringList &files);
    void fillBundled();
    void showState();
    void showSteering();
    void wish(const std::function<void(EvaluationChoice &)> &change);

    ExperimentModel &m_model;
    SteeringModel *m_steering;
    QListWidget *m_data;
    QMenu *m_bundled;
    QCheckBox *m_ofSteering;
    QListWidget *m_recipes;
    ParamForm *m_settings;
    QLabel *m_folder;
    ResultPanel *m_results;
};

} // namespace expertscope
