// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/experiments/sweep_page.h"

#include "views/common/axis.h"
#include "views/common/result_pages.h"
#include "views/common/series_chart.h"
#include "views/experiments/result_panel.h"
#include "views/experiments/work_bar.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QSplitter>
#include <QTabBar>
#include <QToolButton>
#include <QVBoxLayout>

namespace expertscope {

namespace {

enum Which { Found, Outcome }; ///< what is shown on the right

QToolButton *addButton(QHBoxLayout &row, QWidget *parent, const QString &title, const QString &name, const QString &help)
{
    auto *button = new QToolButton(parent);
    button->setText(title);
    button->setObjectName(name);
    button->setToolTip(help);
    row.addWidget(button);
    return button;
}

} // namespace

SweepPage::SweepPage(ExperimentModel &model, QWidget *parent)
    : QWidget{parent}
    , m_model{model}
{
    auto *inner = new QWidget(this);
    auto *column = new QVBoxLayout(inner);
    column->setContentsMargins(8, 4, 8, 8);
    makeSteps(*column);
    column->addStretch(1);
    auto *scroll = new QScrollArea(this);
    scroll->setObjectName(QStringLiteral("sweepSteps"));
    scroll->setWidget(inner);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto *left = new QWidget(this);
    auto *leftColumn = new QVBoxLayout(left);
    leftColumn->setContentsMargins(0, 0, 0, 0);
    leftColumn->setSpacing(0);
    leftColumn->addWidget(makeHeader());
    leftColumn->addWidget(scroll, 1);
    m_bar = new WorkBar(model, ExperimentKind::Sweep, QStringLiteral("Run the experiment"), this);
    m_bar->setObjectName(QStringLiteral("sweepBar"));
    m_bar->setContentsMargins(8, 4, 8, 8);
    leftColumn->addWidget(m_bar);
    auto *split = new QSplitter(Qt::Horizontal, this);
    split->addWidget(left);
    split->addWidget(makeOutcome());
    split->setChildrenCollapsible(false);
    split->setStretchFactor(1, 1);
    split->setSizes({360, 1000});
    auto *whole = new QVBoxLayout(this);
    whole->setContentsMargins(0, 0, 0, 0);
    whole->addWidget(split);
    connect(&m_model, &ExperimentModel::changed, this, &SweepPage::showState);
    showState();
}

QWidget *SweepPage::makeHeader()
{
    auto *header = new QWidget(this);
    auto *column = new QVBoxLayout(header);
    column->setContentsMargins(8, 6, 8, 2);
    auto *row = new QHBoxLayout;
    QToolButton *open =
        addButton(*row, header, QStringLiteral("Open plan…"), QStringLiteral("openPlan"), QStringLiteral("A plan file of steer sweep"));
    QToolButton *save = addButton(*row, header, QStringLiteral("Save plan…"), QStringLiteral("savePlan"),
        QStringLiteral("As a file that expertscope steer sweep runs, to the same numbers"));
    m_demo = addButton(
        *row, header, QStringLiteral("Demo plan"), QStringLiteral("demoPlan"), QStringLiteral("The plan that comes with the program"));
    row->addStretch(1);
    m_name = new QLabel(header);
    m_name->setObjectName(QStringLiteral("planName"));
    m_name->setWordWrap(true);
    m_name->setTextFormat(Qt::PlainText);
    column->addLayout(row);
    column->addWidget(m_name);
    connect(open, &QToolButton::clicked, &m_model, &ExperimentModel::openPlanWished);
    connect(save, &QToolButton::clicked, &m_model, &ExperimentModel::savePlanWished);
    connect(m_demo, &QToolButton::clicked, &m_model, &ExperimentModel::demoPlanWished);
    return header;
}

QWidget *SweepPage::makeOutcome()
{
    auto *right = new QWidget(this);
    auto *bar = new QHBoxLayout;
    bar->setContentsMargins(6, 6, 6, 0);
    m_which = new QTabBar(right);
    m_which->setObjectName(QStringLiteral("foundOrOutcome"));
    m_which->setDrawBase(false);
    m_which->setExpanding(false);
    m_which->addTab(QStringLiteral("Found"));
    m_which->addTab(QStringLiteral("Outcome"));
    m_which->setTabToolTip(Found, QStringLiteral("The experts and the window"));
    m_which->setTabToolTip(Outcome, QStringLiteral("What held-out texts say of the recipe"));
    connect(m_which, &QTabBar::currentChanged, this, &SweepPage::showOutcome);
    bar->addWidget(m_which);
    bar->addStretch(1);
    m_try = addButton(*bar, right, QStringLiteral("Open in Steering"), QStringLiteral("tryRecipe"),
        QStringLiteral("The chosen recipe in the Steering view; what is there can be brought back by undo"));
    m_save = addButton(*bar, right, QStringLiteral("Save recipe…"), QStringLiteral("saveChosenRecipe"),
        QStringLiteral("The chosen recipe, with how it was found and what it measured"));
    m_results =
        new ResultPanel(QStringLiteral("Do the experts of a task, as one language uses them, help in the others?\n\nFive steps on the "
                                       "left: find the experts, then run the experiment."),
            right);
    auto *column = new QVBoxLayout(right);
    column->setContentsMargins(0, 0, 0, 0);
    column->addLayout(bar);
    column->addWidget(m_results, 1);
    connect(m_try, &QToolButton::clicked, &m_model, &ExperimentModel::tryRecipeWished);
    connect(m_save, &QToolButton::clicked, &m_model, &ExperimentModel::saveRecipeWished);
    return right;
}

void SweepPage::wish(const SweepPlan &plan)
{
    if (plan != m_model.state().plan)
        emit m_model.planWished(plan);
}

void SweepPage::showState()
{
    const ExperimentState &state = m_model.state();
    m_name->setText(QString::fromStdString(state.plan.name));
    m_name->setToolTip(QString::fromStdString(state.plan.notes));
    m_name->setVisible(!state.plan.name.empty());
    m_demo->setVisible(state.hasDemoPlan);
    m_folder->setText(QStringLiteral("Scores are kept in ")
        + (state.sweepFolder.isEmpty() ? QStringLiteral("a folder of the program's own") : state.sweepFolder));
    for (const auto &show : m_shows)
        show(state.plan);
    showFound();
    if (state.sweep != m_outcome) { // a new one comes to the front
        m_outcome = state.sweep;
        const QSignalBlocker quiet(m_which);
        m_which->setTabEnabled(Outcome, m_outcome != nullptr);
        m_which->setCurrentIndex(m_outcome ? Outcome : Found);
    }
    showOutcome();
}

void SweepPage::showFound()
{
    const ExperimentResultPtr &found = m_model.state().findings;
    m_curve->setVisible(found != nullptr);
    if (!found) {
        m_experts->setText(QStringLiteral("Not looked for yet."));
        m_window->setText(QStringLiteral("Suggested when the experts are found."));
    }
    if (!found || found == m_found)
        return;
    m_found = found;
    const Table &sets = found->result.table("sets");
    QStringList lines;
    for (std::size_t row = 0; row < sets.rows(); ++row)
        lines << QStringLiteral("above %1 in layers %2 to %3: <b>%4</b>%5")
                     .arg(numberText(sets.reals("tau")[row]))
                     .arg(sets.integers("first_layer")[row])
                     .arg(sets.integers("last_layer")[row])
                     .arg(sets.integers("experts")[row])
                     .arg(sets.integers("experts")[row] == 0 ? QString()
                                                             : QStringLiteral(" (layer: experts) ")
                                 + QString::fromStdString(sets.texts("layer_experts")[row]).toHtmlEscaped());
    m_experts->setText(lines.join(QStringLiteral("<br/>")));
    m_window->setText(QString::fromStdString(found->result.notes.front()));
    const bool hasCurve = !found->result.series.empty() && found->result.series.front().id == "divergence";
    m_curve->setVisible(hasCurve);
    if (hasCurve)
        m_curve->setSeries(found->result.series.front());
}

void SweepPage::showOutcome()
{
    const ExperimentState &state = m_model.state();
    {
        const QSignalBlocker quiet(m_which);
        m_which->setTabEnabled(Outcome, state.sweep != nullptr);
    }
    m_try->setEnabled(state.hasRecipe);
    m_save->setEnabled(state.hasRecipe);
    m_results->setResult(m_which->currentIndex() == Outcome && state.sweep ? state.sweep : state.findings);
}

} // namespace expertscope
