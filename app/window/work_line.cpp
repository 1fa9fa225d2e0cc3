// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/work_line.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QProgressBar>
#include <QToolButton>

namespace expertscope {

WorkLine::WorkLine(Workbench &workbench, QWidget *parent)
    : QWidget{parent}
    , m_workbench{workbench}
    , m_what{new QLabel{this}}
    , m_bar{new QProgressBar{this}}
    , m_stop{new QToolButton{this}}
    , m_rate{new QLabel{this}}
    , m_model{new QLabel{this}}
    , m_memory{new QLabel{this}}
{
    m_what->setObjectName(QStringLiteral("workWhat"));
    m_bar->setObjectName(QStringLiteral("workProgress"));
    m_bar->setFixedWidth(120);
    m_bar->setMaximumHeight(fontMetrics().height() + 2);
    m_stop->setObjectName(QStringLiteral("workStop"));
    m_stop->setText(tr("Stop"));
    m_stop->setToolTip(tr("Stop this work and keep what is done (Esc)"));
    m_stop->setAutoRaise(true);
    m_rate->setObjectName(QStringLiteral("workRate"));
    m_model->setObjectName(QStringLiteral("workModel"));
    m_memory->setObjectName(QStringLiteral("workMemory"));
    auto *layout = new QHBoxLayout{this};
    layout->setContentsMargins(0, 0, 4, 0);
    layout->setSpacing(8);
    for (QWidget *part : {static_cast<QWidget *>(m_what), static_cast<QWidget *>(m_bar), static_cast<QWidget *>(m_stop),
             static_cast<QWidget *>(m_rate), static_cast<QWidget *>(m_model), static_cast<QWidget *>(m_memory)})
        layout->addWidget(part);
    connect(m_stop, &QToolButton::clicked, &workbench, &Workbench::stop);
    m_patience.setSingleShot(true);
    m_patience.setInterval(250);
    connect(&m_patience, &QTimer::timeout, this, [this] { showProgress(m_shown); });
    connect(&workbench, &Workbench::progressed, this, &WorkLine::showWork);
    connect(&workbench, &Workbench::workChanged, this, [this] {
        if (!m_workbench.busy())
            showWork({});
        else if (m_shown.what.isEmpty())
            showWork({tr("Working"), 0, 0, {}});
    });
    connect(&workbench, &Workbench::rateChanged, this, [this](double rate, const QString &what) {
        m_rate->setText(tr("%1 tokens/s").arg(QLocale{}.toString(rate, 'f', 0)));
        m_rate->setToolTip(tr("Measured %1").arg(what));
    });
    connect(&workbench, &Workbench::memoryChanged, this, &WorkLine::showMemory);
    connect(&workbench.document(), &Document::modelChanged, this, &WorkLine::showModel);
    showProgress({});
    showModel();
}

void WorkLine::showWork(const WorkProgress &progress)
{
    m_shown = progress;
    if (progress.what.isEmpty())
        m_patience.stop();
    if (progress.what.isEmpty() || !m_what->isHidden())
        showProgress(progress);
    else if (!m_patience.isActive())
        m_patience.start();
}

void WorkLine::showProgress(const WorkProgress &progress)
{
    const bool busy = !progress.what.isEmpty();
    m_what->setVisible(busy);
    m_bar->setVisible(busy);
    m_stop->setVisible(busy);
    if (!busy)
        return;
    const QLocale locale;
    m_what->setText(progress.what);
    if (progress.total <= 0) {
        m_bar->setRange(0, 0);
        m_bar->setToolTip({});
        return;
    }
    m_bar->setRange(0, 1000);
    m_bar->setValue(static_cast<int>(1000.0 * static_cast<double>(progress.done) / static_cast<double>(progress.total)));
    m_bar->setFormat(QStringLiteral("%p%"));
    m_bar->setToolTip(tr("%1 of %2 %3").arg(locale.toString(progress.done), locale.toString(progress.total), progress.unit));
}

void WorkLine::showModel()
{
    const std::optional<OpenModel> &model = m_workbench.document().model();
    if (!model) {
        m_model->setText(tr("No model"));
        m_model->setToolTip({});
        return;
    }
    const ModelInfo &info = model->info;
    const QString family = QString::fromStdString(info.family), device = QString::fromStdString(model->backend.name);
    m_model->setText(QStringLiteral("%1 · %2 · %3").arg(model->title, family, device));
    m_model->setToolTip(tr("%1 layers, %2 with experts; %3 experts, top %4; %5 weights, %6\n%7")
                            .arg(info.nLayers)
                            .arg(model->config.moeLayers().size())
                            .arg(info.nExperts)
                            .arg(info.topK)
                            .arg(QLocale{}.formattedDataSize(model->weightBytes), QString::fromStdString(info.quantisation),
                                QString::fromStdString(model->backend.device))
        + (model->betterMissing.empty() ? QString{} : tr("\nNo faster backend: %1").arg(QString::fromStdString(model->betterMissing))));
}

void WorkLine::showMemory(qint64 freeBytes, qint64 totalBytes, const QString &experts)
{
    if (totalBytes <= 0 || freeBytes <= 0) {
        m_memory->clear();
        return;
    }
    const QLocale locale;
    const auto size = [&locale](qint64 bytes) { return locale.formattedDataSize(bytes, 1, QLocale::DataSizeTraditionalFormat); };
    const QString used = tr("%1 of %2").arg(size(totalBytes - freeBytes), size(totalBytes));
    const QString free = tr("Memory of the device in use, by all programs; %1 are free").arg(size(freeBytes));
    m_memory->setText(experts.isEmpty() ? used : tr("%1, experts come and go").arg(used));
    m_memory->setToolTip(experts.isEmpty() ? free : free + QLatin1Char('\n') + experts);
}

} // namespace expertscope
