// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/experiments/evaluate_page.h"

#include "engine/experiments/evaluation.h"
#include "views/common/param_form.h"
#include "views/common/steering_model.h"
#include "views/experiments/result_panel.h"
#include "views/experiments/work_bar.h"

#include <QCheckBox>
#include <QFileInfo>
#include <QGroupBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QListWidget>
#include <QMenu>
#include <QScrollArea>
#include <QSplitter>
#include <QToolButton>
#include <QVBoxLayout>

#include <vector>

namespace expertscope {

namespace {

constexpr int listLines = 4;

std::span<const ParamKind> allParams()
{
    static const std::vector<ParamKind> all = [] {
        std::vector<ParamKind> list{scoringParams().begin(), scoringParams().end()};
        list.insert(list.end(), evaluationKind().params.begin(), evaluationKind().params.end());
        return list;
    }();
    return all;
}

QToolButton *toolButton(QWidget *parent, const QString &title, const QString &name, const QString &help)
{
    auto *button = new QToolButton(parent);
    button->setText(title);
    button->setObjectName(name);
    button->setToolTip(help);
    return button;
}

QListWidget *fileList(QWidget *parent, const QString &name, const QString &title)
{
    auto *list = new QListWidget(parent);
    list->setObjectName(name);
    list->setAccessibleName(title);
    list->setSelectionMode(QAbstractItemView::ExtendedSelection);
    list->setFixedHeight(list->fontMetrics().lineSpacing() * listLines + 12);
    return list;
}

void fill(QListWidget *list, const QStringList &files)
{
    list->clear();
    for (const QString &file : files) {
        auto *item = new QListWidgetItem(QFileInfo(file).fileName(), list);
        item->setToolTip(file);
    }
}

/// What is left without the rows that are selected; all of them where none is.
QStringList withoutSelected(const QListWidget *list, const QStringList &files)
{
    QStringList left;
    for (int i = 0; i < static_cast<int>(files.size()); ++i)
        if (!list->item(i)->isSelected())
            left << files[i];
    return left;
}

QLabel *explanation(const QString &text, QWidget *parent)
{
    auto *label = new QLabel(text, parent);
    label->setWordWrap(true);
    return label;
}

} // namespace

EvaluatePage::EvaluatePage(ExperimentModel &model, SteeringModel *steering, QWidget *parent)
    : QWidget{parent}
    , m_model{model}
    , m_steering{steering}
    , m_data{fileList(this, QStringLiteral("evaluationData"), QStringLiteral("Data files"))}
    , m_bundled{new QMenu(this)}
    , m_ofSteering{new QCheckBox(QStringLiteral("The recipe of the Steering view"), this)}
    , m_recipes{fileList(this, QStringLiteral("evaluationRecipes"), QStringLiteral("Recipe files"))}
    , m_settings{new ParamForm(allParams(), this)}
    , m_folder{new QLabel(this)}
    , m_results{
          new ResultPanel(QStringLiteral("How good is the model, and what does a recipe change?\n\nAdd texts (loss in bits per byte), "
                                         "questions with choices, or prompts with answers, and run."),
              this)}
{
    auto *inner = new QWidget(this);
    auto *column = new QVBoxLayout(inner);
    column->setContentsMargins(8, 8, 8, 8);
    buildData(*column);
    buildRoutings(*column);
    buildSettings(*column);
    column->addStretch(1);
    auto *scroll = new QScrollArea(this);
    scroll->setWidget(inner);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto *left = new QWidget(this);
    auto *leftColumn = new QVBoxLayout(left);
    leftColumn->setContentsMargins(0, 0, 0, 0);
    leftColumn->addWidget(scroll, 1);
    auto *bar = new WorkBar(model, ExperimentKind::Evaluation, QStringLiteral("Run"), this);
    bar->setContentsMargins(8, 4, 8, 8);
    leftColumn->addWidget(bar);
    auto *split = new QSplitter(Qt::Horizontal, this);
    split->addWidget(left);
    split->addWidget(m_results);
    split->setChildrenCollapsible(false);
    split->setStretchFactor(1, 1);
    split->setSizes({330, 1000});
    auto *whole = new QVBoxLayout(this);
    whole->setContentsMargins(0, 0, 0, 0);
    whole->addWidget(split);
    connect(&m_model, &ExperimentModel::changed, this, &EvaluatePage::showState);
    if (m_steering)
        connect(m_steering, &SteeringModel::changed, this, &EvaluatePage::showSteering);
    showState();
    showSteering();
}

void EvaluatePage::wish(const std::function<void(EvaluationChoice &)> &change)
{
    EvaluationChoice choice = m_model.state().choice;
    change(choice);
    emit m_model.choiceWished(choice);
}

void EvaluatePage::addData(const QStringList &files)
{
    wish([&files](EvaluationChoice &choice) {
        choice.data << files;
        choice.data.removeDuplicates();
    });
}

void EvaluatePage::buildData(QVBoxLayout &column)
{
    auto *group = new QGroupBox(QStringLiteral("Evaluate on"), this);
    auto *inside = new QVBoxLayout(group);
    inside->addWidget(explanation(QStringLiteral("JSONL, CSV or text: texts, questions with choices, or prompts with answers."), group));
    inside->addWidget(m_data);
    auto *row = new QHBoxLayout;
    auto *add = toolButton(group, QStringLiteral("Add files…"), QStringLiteral("addData"), QStringLiteral("Choose data files"));
    auto *bundled =
        toolButton(group, QStringLiteral("Bundled"), QStringLiteral("addBundled"), QStringLiteral("Data that comes with the program"));
    bundled->setMenu(m_bundled);
    bundled->setPopupMode(QToolButton::InstantPopup);
    m_bundled->setObjectName(QStringLiteral("bundledData"));
    auto *remove =
        toolButton(group, QStringLiteral("Remove"), QStringLiteral("removeData"), QStringLiteral("Take the selected files off the list"));
    row->addWidget(add);
    row->addWidget(bundled);
    row->addWidget(remove);
    row->addStretch(1);
    inside->addLayout(row);
    column.addWidget(group);
    connect(add, &QToolButton::clicked, this, [this] {
        emit m_model.filesWished(QStringLiteral("Add Evaluation Data"), dataFilter(), [this](const QStringList &files) { addData(files); });
    });
    connect(m_bundled, &QMenu::aboutToShow, this, &EvaluatePage::fillBundled);
    connect(remove, &QToolButton::clicked, this,
        [this] { wish([this](EvaluationChoice &choice) { choice.data = withoutSelected(m_data, choice.data); }); });
}

void EvaluatePage::fillBundled()
{
    m_bundled->clear();
    for (const QString &file : m_model.state().bundledData)
        m_bundled->addAction(QFileInfo(file).fileName(), this, [this, file] { addData({file}); });
    if (m_bundled->isEmpty())
        m_bundled->addAction(QStringLiteral("The bundled demo was not found"))->setEnabled(false);
}

void EvaluatePage::buildRoutings(QVBoxLayout &column)
{
    auto *group = new QGroupBox(QStringLiteral("Compare the model's own routing with"), this);
    auto *inside = new QVBoxLayout(group);
    m_ofSteering->setObjectName(QStringLiteral("ofSteering"));
    inside->addWidget(m_ofSteering);
    inside->addWidget(m_recipes);
    auto *row = new QHBoxLayout;
    auto *add = toolButton(group, QStringLiteral("Add recipes…"), QStringLiteral("addRecipes"), QStringLiteral("Choose recipe files"));
    auto *remove = toolButton(
        group, QStringLiteral("Remove"), QStringLiteral("removeRecipes"), QStringLiteral("Take the selected recipes off the list"));
    row->addWidget(add);
    row->addWidget(remove);
    row->addStretch(1);
    inside->addLayout(row);
    column.addWidget(group);
    connect(m_ofSteering, &QCheckBox::toggled, this, [this](bool on) { wish([on](EvaluationChoice &choice) { choice.steering = on; }); });
    connect(add, &QToolButton::clicked, this, [this] {
        emit m_model.filesWished(
            QStringLiteral("Add Recipes"), QStringLiteral("Recipes (*.json);;All files (*)"), [this](const QStringList &files) {
                wish([&files](EvaluationChoice &choice) {
                    choice.recipes << files;
                    choice.recipes.removeDuplicates();
                });
            });
    });
    connect(remove, &QToolButton::clicked, this,
        [this] { wish([this](EvaluationChoice &choice) { choice.recipes = withoutSelected(m_recipes, choice.recipes); }); });
}

void EvaluatePage::buildSettings(QVBoxLayout &column)
{
    auto *group = new QGroupBox(QStringLiteral("Settings"), this);
    auto *inside = new QVBoxLayout(group);
    inside->addWidget(m_settings);
    connect(m_settings, &ParamForm::changed, this,
        [this] { wish([this](EvaluationChoice &choice) { choice.values = m_settings->values(); }); });
    column.addWidget(group);
    auto *kept = new QGroupBox(QStringLiteral("Scores are kept in"), this);
    auto *keptColumn = new QVBoxLayout(kept);
    m_folder->setWordWrap(true);
    m_folder->setTextFormat(Qt::PlainText);
    m_folder->setObjectName(QStringLiteral("evaluationFolder"));
    auto *row = new QHBoxLayout;
    auto *choose = toolButton(kept, QStringLiteral("Choose…"), QStringLiteral("chooseEvaluationFolder"),
        QStringLiteral("A folder that expertscope eval goes on in as well"));
    auto *own = toolButton(kept, QStringLiteral("Automatic"), QStringLiteral("ownEvaluationFolder"),
        QStringLiteral("A folder of the program's own: the same for the same model, data and recipes"));
    row->addWidget(choose);
    row->addWidget(own);
    row->addStretch(1);
    keptColumn->addWidget(m_folder);
    keptColumn->addLayout(row);
    column.addWidget(kept);
    connect(choose, &QToolButton::clicked, this, [this] { emit m_model.folderWished(ExperimentKind::Evaluation); });
    connect(own, &QToolButton::clicked, this, [this] { wish([](EvaluationChoice &choice) { choice.folder.clear(); }); });
}

void EvaluatePage::showState()
{
    const ExperimentState &state = m_model.state();
    fill(m_data, state.choice.data);
    fill(m_recipes, state.choice.recipes);
    {
        const QSignalBlocker quiet(m_ofSteering);
        m_ofSteering->setChecked(state.choice.steering);
    }
    m_settings->setValues(state.choice.values);
    m_folder->setText(state.choice.folder.isEmpty() ? QStringLiteral("a folder of the program's own") : state.choice.folder);
    m_results->setResult(state.evaluation);
}

void EvaluatePage::showSteering()
{
    const std::size_t parts = m_steering ? m_steering->state().recipe.edits.size() + m_steering->state().recipe.policies.size() : 0;
    m_ofSteering->setToolTip(parts == 0 ? QStringLiteral("Nothing is edited there yet: it would change nothing")
                                        : QStringLiteral("As it is there when the run begins"));
}

} // namespace expertscope
