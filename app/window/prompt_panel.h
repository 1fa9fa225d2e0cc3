// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// PromptPanel: a text to be traced as it is, or generated on from with live tokens; the result becomes a sequence of the
// "Prompts" trace.
#pragma once

#include "app/workbench.h"

#include <QStringDecoder>
#include <QWidget>

class QDoubleSpinBox;
class QLabel;
class QPlainTextEdit;
class QPushButton;
class QSpinBox;

namespace expertscope {

class PromptPanel : public QWidget {
    Q_OBJECT
public:
    explicit PromptPanel(Workbench &workbench, QWidget *parent = nullptr);
    void focusPrompt();
    void run();
    void generate();
    QVariantMap saveState() const;
    void restoreState(const QVariantMap &state);

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    void start(std::int64_t maxNewTokens);
    void showGenerated(const QByteArray &bytes);
    void refresh();

    Workbench &m_workbench;
    QPlainTextEdit *m_prompt;
    QPushButton *m_run;
    QPushButton *m_generate;
    QPushButton *m_stop;
    QSpinBox *m_maxTokens;
    QDoubleSpinBox *m_temperature;
    QDoubleSpinBox *m_topP;
    QSpinBox *m_seed;
    QPlainTextEdit *m_output;
    QLabel *m_summary;
    QStringDecoder m_decoder{QStringDecoder::Utf8}; ///< a character may come in several tokens
    bool m_wasRunning = false;
};

} // namespace expertscope
