// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/experiments/work_bar.h"

#include "views/common/axis.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>

namespace expertscope {

namespace {

constexpr int steps = 1000; ///< of the progress bar

} // namespace

WorkBar::WorkBar(ExperimentModel &model, ExperimentKind kind, const QString &run, QWidget *parent)
    : QWidget{parent}
    , m_model{model}
    , m_kind{kind}
    , m_run{new QPushButton(run, this)}
    , m_stop{new QPushButton(QStringLiteral("Stop"), this)}
    , m_bar{new QProgressBar(this)}
    , m_text{new QLabel(this)}
{
    m_run->setObjectName(QStringLiteral("run"));
    m_stop->setObjectName(QStringLiteral("stop"));
    m_stop->setToolTip(QStringLiteral("What was scored is kept: Run goes on there"));
    m_bar->setTextVisible(false);
    m_text->setObjectName(QStringLiteral("workText"));
    m_text->setWordWrap(true);
    m_text->setTextFormat(Qt::PlainText);
    m_text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    auto *row = new QHBoxLayout;
    row->addWidget(m_run);
    row->addWidget(m_stop);
    row->addWidget(m_bar, 1);
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addLayout(row);
    column->addWidget(m_text);
    connect(m_run, &QPushButton::clicked, this, [this] { emit m_model.runWished(m_kind); });
    connect(m_stop, &QPushButton::clicked, &m_model, &ExperimentModel::stopWished);
    connect(&m_model, &ExperimentModel::changed, this, &WorkBar::showState);
    connect(&m_model, &ExperimentModel::progressed, this, &WorkBar::showProgress);
    showState();
}

void WorkBar::showState()
{
    const ExperimentState &state = m_model.state();
    const bool mine = state.work.running && state.work.kind == m_kind;
    m_run->setEnabled(!state.work.running && state.obstacle.isEmpty());
    m_stop->setVisible(mine);
    m_bar->setVisible(mine);
    showProgress();
}

void WorkBar::showProgress()
{
    const ExperimentState &state = m_model.state();
    const ExperimentWork &work = state.work;
    QString text = state.obstacle;
    if (text.isEmpty() && work.running && work.kind == m_kind) {
        m_bar->setRange(0, work.total > 0 ? steps : 0);
        m_bar->setValue(work.total > 0 ? static_cast<int>(work.done * steps / work.total) : 0);
        QStringList parts;
        if (work.total > 0)
            parts << QStringLiteral("%1 of %2 %3").arg(countText(work.done), countText(work.total), work.unit);
        if (!work.left.isEmpty())
            parts << work.left;
        text = work.stage + (parts.isEmpty() ? QString() : QStringLiteral("\n") + parts.join(QStringLiteral(", ")));
    } else if (text.isEmpty() && work.running) {
        text = QStringLiteral("Another experiment is running: ") + work.stage;
    } else if (text.isEmpty() && work.kind == m_kind) {
        text = work.ending;
    }
    m_text->setText(text);
    m_text->setVisible(!text.isEmpty());
}

} // namespace expertscope
