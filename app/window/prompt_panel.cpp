// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/prompt_panel.h"

#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QTextCursor>

namespace expertscope {

namespace {

QLabel *labelFor(QWidget *field, const QString &text, const QString &help)
{
    auto *label = new QLabel{text, field->parentWidget()};
    label->setBuddy(field);
    label->setToolTip(help);
    field->setToolTip(help);
    field->setAccessibleName(text);
    return label;
}

} // namespace

PromptPanel::PromptPanel(Workbench &workbench, QWidget *parent)
    : QWidget{parent}
    , m_workbench{workbench}
    , m_prompt{new QPlainTextEdit{this}}
    , m_run{new QPushButton{tr("&Trace"), this}}
    , m_generate{new QPushButton{tr("&Generate"), this}}
    , m_stop{new QPushButton{tr("Stop"), this}}
    , m_maxTokens{new QSpinBox{this}}
    , m_temperature{new QDoubleSpinBox{this}}
    , m_topP{new QDoubleSpinBox{this}}
    , m_seed{new QSpinBox{this}}
    , m_output{new QPlainTextEdit{this}}
    , m_summary{new QLabel{this}}
{
    m_prompt->setObjectName(QStringLiteral("prompt"));
    m_prompt->setPlaceholderText(tr("Type a prompt in any language. Ctrl+Enter traces it."));
    m_prompt->setAccessibleName(tr("Prompt"));
    m_prompt->setTabChangesFocus(true);
    m_prompt->setMinimumHeight(fontMetrics().height() * 3);
    m_prompt->installEventFilter(this);
    m_run->setObjectName(QStringLiteral("promptRun"));
    m_run->setToolTip(tr("Run the prompt through the model and record its routing (Ctrl+Enter)"));
    m_generate->setObjectName(QStringLiteral("promptGenerate"));
    m_generate->setToolTip(tr("Let the model write on from the prompt, recording every token (Ctrl+Shift+Enter)"));
    m_stop->setObjectName(QStringLiteral("promptStop"));
    m_stop->setToolTip(tr("Stop here and keep what was generated (Esc)"));
    m_maxTokens->setObjectName(QStringLiteral("promptMaxTokens"));
    m_maxTokens->setRange(1, 100000);
    m_maxTokens->setValue(64);
    m_temperature->setObjectName(QStringLiteral("promptTemperature"));
    m_temperature->setRange(0, 5);
    m_temperature->setSingleStep(0.1);
    m_temperature->setValue(0.8);
    m_temperature->setSpecialValueText(tr("greedy"));
    m_topP->setObjectName(QStringLiteral("promptTopP"));
    m_topP->setRange(0.01, 1);
    m_topP->setSingleStep(0.05);
    m_topP->setValue(0.95);
    m_seed->setObjectName(QStringLiteral("promptSeed"));
    m_seed->setRange(0, std::numeric_limits<int>::max());
    m_output->setObjectName(QStringLiteral("promptOutput"));
    m_output->setReadOnly(true);
    m_output->setPlaceholderText(tr("Generated text appears here."));
    m_output->setAccessibleName(tr("Generated text"));
    m_output->setMinimumHeight(fontMetrics().height() * 3);
    m_summary->setObjectName(QStringLiteral("promptSummary"));
    m_summary->setWordWrap(true);
    m_summary->setForegroundRole(QPalette::PlaceholderText);
    m_summary->hide();

    auto *fields = new QGridLayout;
    fields->setHorizontalSpacing(6);
    fields->setVerticalSpacing(4);
    fields->addWidget(labelFor(m_maxTokens, tr("Tokens"), tr("At most so many tokens are generated")), 0, 0);
    fields->addWidget(m_maxTokens, 0, 1);
    fields->addWidget(
        labelFor(m_temperature, tr("Temp."), tr("Temperature: 0 takes the likeliest token, 1 draws from the model's own distribution")), 0,
        2);
    fields->addWidget(m_temperature, 0, 3);
    fields->addWidget(
        labelFor(m_topP, tr("Top-p"), tr("Draws only from the likeliest tokens that together have this probability; 1 = all")), 1, 0);
    fields->addWidget(m_topP, 1, 1);
    fields->addWidget(labelFor(m_seed, tr("Seed"), tr("The same seed, prompt and settings give the same text")), 1, 2);
    fields->addWidget(m_seed, 1, 3);
    fields->setColumnStretch(1, 1);
    fields->setColumnStretch(3, 1);
    for (QWidget *field : {static_cast<QWidget *>(m_maxTokens), static_cast<QWidget *>(m_temperature), static_cast<QWidget *>(m_topP),
             static_cast<QWidget *>(m_seed)})
        field->setMinimumWidth(fontMetrics().horizontalAdvance(QStringLiteral("000000")));

    auto *buttons = new QHBoxLayout;
    buttons->setSpacing(4);
    for (QPushButton *button : {m_run, m_generate, m_stop})
        buttons->addWidget(button);

    auto *layout = new QVBoxLayout{this};
    layout->setContentsMargins(6, 6, 6, 4);
    layout->setSpacing(4);
    layout->addWidget(m_prompt, 2);
    layout->addLayout(buttons);
    layout->addLayout(fields);
    layout->addWidget(m_output, 3);
    layout->addWidget(m_summary);

    connect(m_run, &QPushButton::clicked, this, &PromptPanel::run);
    connect(m_generate, &QPushButton::clicked, this, &PromptPanel::generate);
    connect(m_stop, &QPushButton::clicked, &m_workbench, &Workbench::stop);
    connect(m_prompt, &QPlainTextEdit::textChanged, this, &PromptPanel::refresh);
    connect(&m_workbench, &Workbench::workChanged, this, &PromptPanel::refresh);
    connect(&m_workbench.document(), &Document::modelChanged, this, &PromptPanel::refresh);
    connect(&m_workbench, &Workbench::generated, this, &PromptPanel::showGenerated);
    connect(&m_workbench, &Workbench::promptEnded, this, [this](const QString &summary) {
        m_summary->setText(summary);
        m_summary->show();
    });
    refresh();
}

void PromptPanel::focusPrompt()
{
    m_prompt->setFocus();
}

void PromptPanel::run()
{
    start(0);
}

void PromptPanel::generate()
{
    start(m_maxTokens->value());
}

void PromptPanel::start(std::int64_t maxNewTokens)
{
    if (!m_workbench.canPrompt() || m_prompt->toPlainText().isEmpty())
        return;
    m_decoder.resetState();
    m_output->clear();
    m_summary->hide();
    PromptRequest request;
    request.text = m_prompt->toPlainText();
    request.maxNewTokens = maxNewTokens;
    request.sampling.temperature = static_cast<float>(m_temperature->value());
    request.sampling.topP = static_cast<float>(m_topP->value());
    request.sampling.seed = static_cast<std::uint64_t>(m_seed->value());
    m_prompt->setFocus(); // the buttons are about to be disabled, and the focus would go to some number
    m_workbench.runPrompt(request);
}

void PromptPanel::showGenerated(const QByteArray &bytes)
{
    QTextCursor end{m_output->document()};
    end.movePosition(QTextCursor::End);
    end.insertText(m_decoder.decode(bytes));
    m_output->ensureCursorVisible();
}

void PromptPanel::refresh()
{
    const bool running = m_workbench.promptRunning();
    const bool ready = m_workbench.canPrompt() && !m_prompt->toPlainText().isEmpty();
    m_run->setEnabled(ready && !running);
    m_generate->setEnabled(ready && !running);
    m_stop->setEnabled(running);
    m_prompt->setPlaceholderText(m_workbench.document().model() && !m_workbench.canPrompt()
            ? tr("This model's folder has no tokenizer.json, so it cannot read text.")
            : m_workbench.canPrompt() ? tr("Type a prompt in any language. Ctrl+Enter traces it.")
                                      : tr("Open a model to run a prompt."));
    m_prompt->viewport()->update(); // the text edit does not repaint for a new placeholder
}

bool PromptPanel::eventFilter(QObject *watched, QEvent *event)
{
    if (watched == m_prompt && event->type() == QEvent::KeyPress) {
        const auto *key = static_cast<QKeyEvent *>(event);
        const bool isEnter = key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter;
        if (isEnter && key->modifiers() & Qt::ControlModifier) {
            start(key->modifiers() & Qt::ShiftModifier ? m_maxTokens->value() : 0);
            return true;
        }
    }
    return QWidget::eventFilter(watched, event);
}

QVariantMap PromptPanel::saveState() const
{
    return {{QStringLiteral("prompt"), m_prompt->toPlainText()}, {QStringLiteral("maxTokens"), m_maxTokens->value()},
        {QStringLiteral("temperature"), m_temperature->value()}, {QStringLiteral("topP"), m_topP->value()},
        {QStringLiteral("seed"), m_seed->value()}};
}

void PromptPanel::restoreState(const QVariantMap &state)
{
    if (state.isEmpty())
        return;
    m_prompt->setPlainText(state.value(QStringLiteral("prompt")).toString());
    m_maxTokens->setValue(state.value(QStringLiteral("maxTokens"), m_maxTokens->value()).toInt());
    m_temperature->setValue(state.value(QStringLiteral("temperature"), m_temperature->value()).toDouble());
    m_topP->setValue(state.value(QStringLiteral("topP"), m_topP->value()).toDouble());
    m_seed->setValue(state.value(QStringLiteral("seed"), m_seed->value()).toInt());
}

} // namespace expertscope
