// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The steps of the guide: what each means, and its fields.
#include "views/common/series_chart.h"
#include "views/experiments/plan_text.h"
#include "views/experiments/row_choice_edit.h"
#include "views/experiments/sweep_page.h"
#include "views/experiments/work_bar.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QGroupBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSpinBox>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <optional>

namespace expertscope {

namespace {

constexpr int curveLines = 14; ///< height of the divergence curve, in lines of text

QLabel *wrapped(const QString &text, QWidget *parent, const QString &name = {})
{
    auto *label = new QLabel(text, parent);
    label->setObjectName(name);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    return label;
}

} // namespace

void SweepPage::makeSteps(QVBoxLayout &column)
{
    makeTexts(column);
    makeExperts(column);
    makeWindow(column);
    makeTreatment(column);
    makeJudgement(column);
}

QVBoxLayout *SweepPage::addStep(QVBoxLayout &column, int number, const QString &title, const QString &meaning)
{
    auto *group = new QGroupBox(QStringLiteral("%1  %2").arg(number).arg(title), this);
    auto *inside = new QVBoxLayout(group);
    inside->addWidget(wrapped(meaning, group));
    column.addWidget(group);
    return inside;
}

QFormLayout *SweepPage::addForm(QVBoxLayout &step)
{
    auto *form = new QFormLayout;
    form->setRowWrapPolicy(QFormLayout::WrapLongRows);
    form->setFieldGrowthPolicy(QFormLayout::ExpandingFieldsGrow);
    step.addLayout(form);
    return form;
}

void SweepPage::addLine(QFormLayout &form, const QString &label, const QString &name, const QString &help,
    const std::function<QString(const SweepPlan &)> &write, const std::function<QString(const QString &, SweepPlan &)> &read)
{
    auto *field = new QWidget(this);
    auto *line = new QLineEdit(field);
    line->setObjectName(name);
    line->setAccessibleName(label);
    line->setToolTip(help);
    QLabel *problem = wrapped({}, field, name + QStringLiteral("Problem"));
    problem->hide();
    auto *column = new QVBoxLayout(field);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(line);
    column->addWidget(problem);
    form.addRow(label, field);
    connect(line, &QLineEdit::editingFinished, this, [this, line, problem, read] {
        SweepPlan plan = m_model.state().plan;
        problem->setText(read(line->text(), plan));
        problem->setVisible(!problem->text().isEmpty());
        if (problem->text().isEmpty())
            wish(plan);
    });
    m_shows.push_back([line, problem, write, shown = std::optional<QString>()](const SweepPlan &plan) mutable {
        const QString text = write(plan);
        if (text == shown)
            return; // what is being typed stays
        shown = text;
        line->setText(text);
        problem->hide();
    });
}

template<typename List>
void SweepPage::addList(QFormLayout &form, const QString &label, const QString &name, const QString &help, List SweepPlan::*field)
{
    addLine(
        form, label, name, help, [field](const SweepPlan &plan) { return listText(plan.*field); },
        [field](const QString &text, SweepPlan &plan) { return readList(text, plan.*field); });
}

template<typename Integer>
void SweepPage::addInteger(
    QFormLayout &form, const QString &label, const QString &name, const QString &help, Integer SweepPlan::*field, int most)
{
    auto *box = new QSpinBox(this);
    box->setObjectName(name);
    box->setToolTip(help);
    box->setRange(0, most);
    box->setKeyboardTracking(false);
    form.addRow(label, box);
    connect(box, &QSpinBox::valueChanged, this, [this, field](int value) {
        SweepPlan plan = m_model.state().plan;
        plan.*field = static_cast<Integer>(value);
        wish(plan);
    });
    m_shows.push_back([box, field](const SweepPlan &plan) {
        const QSignalBlocker quiet(box);
        box->setValue(static_cast<int>(std::min<std::int64_t>(static_cast<std::int64_t>(plan.*field), box->maximum())));
    });
}

void SweepPage::addFlag(QVBoxLayout &column, const QString &title, const QString &name, const QString &help, bool SweepPlan::*field)
{
    auto *box = new QCheckBox(title, this);
    box->setObjectName(name);
    box->setToolTip(help);
    column.addWidget(box);
    connect(box, &QCheckBox::toggled, this, [this, field](bool on) {
        SweepPlan plan = m_model.state().plan;
        plan.*field = on;
        wish(plan);
    });
    m_shows.push_back([box, field](const SweepPlan &plan) {
        const QSignalBlocker quiet(box);
        box->setChecked(plan.*field);
    });
}

void SweepPage::addOp(QVBoxLayout &column, const QString &title, const QString &name, const std::string &op)
{
    auto *box = new QCheckBox(title, this);
    box->setObjectName(name);
    column.addWidget(box);
    connect(box, &QCheckBox::toggled, this, [this, op](bool on) {
        SweepPlan plan = m_model.state().plan;
        std::erase(plan.ops, op);
        if (on)
            plan.ops.push_back(op);
        wish(plan);
    });
    m_shows.push_back([box, op](const SweepPlan &plan) {
        const QSignalBlocker quiet(box);
        box->setChecked(std::find(plan.ops.begin(), plan.ops.end(), op) != plan.ops.end());
    });
}

void SweepPage::addRows(QFormLayout &form, const QString &label, const QString &name, RowChoice SweepPlan::*field)
{
    auto *edit = new RowChoiceEdit(m_model, this);
    edit->setObjectName(name);
    form.addRow(label, edit);
    connect(edit, &RowChoiceEdit::changed, this, [this, edit, field] {
        SweepPlan plan = m_model.state().plan;
        plan.*field = edit->value();
        wish(plan);
    });
    m_shows.push_back([edit, field](const SweepPlan &plan) { edit->setValue(plan.*field); });
}

void SweepPage::makeTexts(QVBoxLayout &column)
{
    QVBoxLayout *step = addStep(column, 1, QStringLiteral("Texts"),
        QStringLiteral("Experts are looked for where the pivot language does the task, against texts without it. Translations show where "
                       "the languages share their routing."));
    QFormLayout *form = addForm(*step);
    addLine(
        *form, QStringLiteral("Pivot"), QStringLiteral("planPivot"), QStringLiteral("Language the task is known in, as the data writes it"),
        [](const SweepPlan &plan) { return QString::fromStdString(plan.pivot); },
        [](const QString &text, SweepPlan &plan) {
            plan.pivot = text.trimmed().toStdString();
            return QString();
        });
    addRows(*form, QStringLiteral("Task texts"), QStringLiteral("planTarget"), &SweepPlan::target);
    addRows(*form, QStringLiteral("Baseline"), QStringLiteral("planBaseline"), &SweepPlan::baseline);
    addRows(*form, QStringLiteral("Translations"), QStringLiteral("planParallel"), &SweepPlan::parallel);
    auto *rows = new RowListEdit(m_model, this);
    rows->setObjectName(QStringLiteral("planEvaluate"));
    rows->setToolTip(QStringLiteral("Recipes are chosen by the first, in other languages than the pivot"));
    form->addRow(QStringLiteral("Judged by"), rows);
    connect(rows, &RowListEdit::changed, this, [this, rows] {
        SweepPlan plan = m_model.state().plan;
        plan.evaluate = rows->value();
        wish(plan);
    });
    m_shows.push_back([rows](const SweepPlan &plan) { rows->setValue(plan.evaluate); });
}

void SweepPage::makeExperts(QVBoxLayout &column)
{
    QVBoxLayout *step = addStep(column, 2, QStringLiteral("Experts of the task"),
        QStringLiteral(
            "An expert is one of the task if task texts choose it for a larger share of their tokens than baseline texts do, by more "
            "than τ."));
    QFormLayout *form = addForm(*step);
    auto *method = new QComboBox(this);
    method->setObjectName(QStringLiteral("planMethod"));
    method->addItem(QStringLiteral("Task against baseline"), QStringLiteral("task"));
    method->addItem(QStringLiteral("Any language against the pivot"), QStringLiteral("language"));
    form->addRow(QStringLiteral("Found by"), method);
    connect(method, &QComboBox::activated, this, [this, method] {
        SweepPlan plan = m_model.state().plan;
        plan.method = method->currentData().toString().toStdString();
        wish(plan);
    });
    m_shows.push_back([method](const SweepPlan &plan) { method->setCurrentIndex(method->findData(QString::fromStdString(plan.method))); });
    addList(*form, QStringLiteral("τ"), QStringLiteral("planTau"), QStringLiteral("Thresholds to try, between commas"), &SweepPlan::tau);
    auto *bar = new WorkBar(m_model, ExperimentKind::Finding, QStringLiteral("Find experts"), this);
    bar->setObjectName(QStringLiteral("findBar"));
    step->addWidget(bar);
    m_experts = wrapped({}, this, QStringLiteral("foundExperts"));
    step->addWidget(m_experts);
}

void SweepPage::makeWindow(QVBoxLayout &column)
{
    QVBoxLayout *step = addStep(column, 3, QStringLiteral("Window of layers"),
        QStringLiteral(
            "Languages share most of their routing where their divergence is lowest. The layers around that trough are suggested; "
            "others can be given."));
    m_curve = new SeriesChart(this);
    m_curve->setObjectName(QStringLiteral("divergenceCurve"));
    m_curve->setMinimumHeight(fontMetrics().lineSpacing() * curveLines);
    step->addWidget(m_curve);
    m_window = wrapped({}, this, QStringLiteral("foundWindow"));
    step->addWidget(m_window);
    addList(*addForm(*step), QStringLiteral("Windows"), QStringLiteral("planWindows"),
        QStringLiteral("To try, between commas: suggested, all, or the first and last layer as in 2-5"), &SweepPlan::windows);
}

void SweepPage::makeTreatment(QVBoxLayout &column)
{
    QVBoxLayout *step = addStep(column, 4, QStringLiteral("What is done to them"),
        QStringLiteral(
            "Soft adds the strength times the logits' standard deviation; hard forces them among the chosen. Every combination of "
            "op, strength, τ and window is tried on the open half, and the best one is judged on the other."));
    addOp(*step, QStringLiteral("Soft"), QStringLiteral("planSoft"), "soft");
    addOp(*step, QStringLiteral("Hard"), QStringLiteral("planHard"), "force-max");
    addList(*addForm(*step), QStringLiteral("Strengths"), QStringLiteral("planStrengths"), QStringLiteral("Of soft, between commas"),
        &SweepPlan::strengths);
    m_combinations = wrapped({}, this, QStringLiteral("combinations"));
    step->addWidget(m_combinations);
    m_shows.push_back([this](const SweepPlan &plan) {
        std::size_t treatments = 0;
        for (const std::string &op : plan.ops)
            treatments += op == "soft" ? plan.strengths.size() : 1;
        m_combinations->setText(QStringLiteral("At most %1 recipes to try.").arg(treatments * plan.tau.size() * plan.windows.size()));
    });
}

void SweepPage::makeJudgement(QVBoxLayout &column)
{
    QVBoxLayout *step = addStep(column, 5, QStringLiteral("Held-out texts and controls"),
        QStringLiteral("Texts are held out with all their translations; nothing is chosen by them. Controls say whether it had to be these "
                       "experts."));
    QFormLayout *form = addForm(*step);
    auto *share = new QDoubleSpinBox(this);
    share->setObjectName(QStringLiteral("planHeldOut"));
    share->setRange(0.05, 0.95);
    share->setSingleStep(0.05);
    share->setKeyboardTracking(false);
    share->setToolTip(QStringLiteral("Share of the texts"));
    form->addRow(QStringLiteral("Held out"), share);
    connect(share, &QDoubleSpinBox::valueChanged, this, [this](double value) {
        SweepPlan plan = m_model.state().plan;
        plan.heldOut = value;
        wish(plan);
    });
    m_shows.push_back([share](const SweepPlan &plan) {
        const QSignalBlocker quiet(share);
        share->setValue(plan.heldOut);
    });
    addInteger(*form, QStringLiteral("Seed"), QStringLiteral("planSeed"),
        QStringLiteral("Of the split, the random experts, bootstrap and permutations"), &SweepPlan::seed, 1'000'000'000);
    addInteger(*form, QStringLiteral("Random sets"), QStringLiteral("planRandom"),
        QStringLiteral("Sets of as many random experts in the same layers"), &SweepPlan::randomSets, 1000);
    addFlag(*step, QStringLiteral("Experts of the same load"), QStringLiteral("planSameLoad"),
        QStringLiteral("For each expert the one of the nearest load"), &SweepPlan::sameLoad);
    addFlag(*step, QStringLiteral("Language experts"), QStringLiteral("planLanguage"),
        QStringLiteral("As many of the strongest language experts of the same layers"), &SweepPlan::languageExperts);
    addFlag(*step, QStringLiteral("The same experts pinned to the smallest logit"), QStringLiteral("planDeactivate"),
        QStringLiteral("If they carry the task, this must hurt"), &SweepPlan::deactivate);
    QFormLayout *more = addForm(*step);
    addList(*more, QStringLiteral("Other windows"), QStringLiteral("planOtherWindows"),
        QStringLiteral("The same threshold in other layers, between commas: 0-1, 6-7"), &SweepPlan::otherWindows);
    addList(*more, QStringLiteral("Dose"), QStringLiteral("planDose"),
        QStringLiteral("Strengths of the dose-response on held-out texts, between commas"), &SweepPlan::dose);
    addInteger(*more, QStringLiteral("Bootstrap"), QStringLiteral("planBootstrap"),
        QStringLiteral("Resamplings for the intervals; 0 = none"), &SweepPlan::bootstrap, 100'000);
    addInteger(*more, QStringLiteral("Permutations"), QStringLiteral("planPermutations"), QStringLiteral("Sign flips for p; 0 = none"),
        &SweepPlan::permutations, 1'000'000);
    m_folder = wrapped({}, this, QStringLiteral("sweepFolder"));
    m_folder->setTextFormat(Qt::PlainText);
    auto *choose = new QToolButton(this);
    choose->setText(QStringLiteral("Choose…"));
    choose->setObjectName(QStringLiteral("chooseSweepFolder"));
    choose->setToolTip(QStringLiteral("A folder that expertscope steer sweep goes on in as well"));
    connect(choose, &QToolButton::clicked, this, [this] { emit m_model.folderWished(ExperimentKind::Sweep); });
    step->addWidget(m_folder);
    step->addWidget(choose, 0, Qt::AlignLeft);
}

} // namespace expertscope
