// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// SweepPage: a guide through the multilingual recipe as an experiment. Five steps, each with what it means, its settings and what was
// found; together they are a plan, which is opened, saved and run here as on the command line.
#pragma once

#include "views/common/experiment_model.h"

#include <QWidget>

#include <functional>
#include <vector>

class QFormLayout;
class QLabel;
class QTabBar;
class QToolButton;
class QVBoxLayout;

namespace expertscope {

class ResultPanel;
class SeriesChart;
class WorkBar;

class SweepPage : public QWidget {
    Q_OBJECT
public:
    /// The model outlives the page.
    explicit SweepPage(ExperimentModel &model, QWidget *parent = nullptr);

    ResultPanel *results() const { return m_results; }

private:
    // sweep_page.cpp: parts, and what there is now
    QWidget *makeHeader();
    QWidget *makeOutcome();
    void showState();
    void showFound();
    void showOutcome();
    void wish(const SweepPlan &plan);

    // sweep_steps.cpp: the steps and their fields
    QVBoxLayout *addStep(QVBoxLayout &column, int number, const QString &title, const QString &meaning);
    QFormLayout *addForm(QVBoxLayout &step);
    void makeSteps(QVBoxLayout &column);
    void makeTexts(QVBoxLayout &column);
    void makeExperts(QVBoxLayout &column);
    void makeWindow(QVBoxLayout &column);
    void makeTreatment(QVBoxLayout &column);
    void makeJudgement(QVBoxLayout &column);
    /// A line of text and how it is written and read. read returns what is wrong, and changes nothing then; empty = nothing is wrong.
    void addLine(QFormLayout &form, const QString &label, const QString &name, const QString &help,
        const std::function<QString(const SweepPlan &)> &write, const std::function<QString(const QString &, SweepPlan &)> &read);
    template<typename List>
    void addList(QFormLayout &form, const QString &label, const QString &name, const QString &help, List SweepPlan::*field);
    template<typename Integer>
    void addInteger(QFormLayout &form, const QString &label, const QString &name, const QString &help, Integer SweepPlan::*field, int most);
    void addFlag(QVBoxLayout &column, const QString &title, const QString &name, const QString &help, bool SweepPlan::*field);
    void addOp(QVBoxLayout &column, const QString &title, const QString &name, const std::string &op);
    void addRows(QFormLayout &form, const QString &label, const QString &name, RowChoice SweepPlan::*field);

    ExperimentModel &m_model;
    std::vector<std::function<void(const SweepPlan &)>> m_shows; ///< each puts its field as the plan has it
    ExperimentResultPtr m_found, m_outcome; ///< that were seen
    QLabel *m_name = nullptr;
    QToolButton *m_demo = nullptr;
    QLabel *m_folder = nullptr;
    QLabel *m_experts = nullptr; ///< found in step 2
    QLabel *m_window = nullptr; ///< found in step 3
    SeriesChart *m_curve = nullptr;
    QLabel *m_combinations = nullptr;
    WorkBar *m_bar = nullptr;
    QTabBar *m_which = nullptr; ///< found, or the outcome
    QToolButton *m_try = nullptr;
    QToolButton *m_save = nullptr;
    ResultPanel *m_results = nullptr;
};

} // namespace expertscope
