// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// WorkLine: the right of the status bar: what runs, how far it is, how fast, and the button that stops it; then model, device and its
// memory.
#pragma once

#include "app/workbench.h"

#include <QTimer>
#include <QWidget>

class QLabel;
class QProgressBar;
class QToolButton;

namespace expertscope {

class WorkLine : public QWidget {
    Q_OBJECT
public:
    explicit WorkLine(Workbench &workbench, QWidget *parent = nullptr);

private:
    void showWork(const WorkProgress &progress);
    void showProgress(const WorkProgress &progress);
    void showModel();
    void showMemory(qint64 freeBytes, qint64 totalBytes, const QString &experts);

    Workbench &m_workbench;
    QLabel *m_what;
    QProgressBar *m_bar;
    QToolButton *m_stop;
    QLabel *m_rate;
    QLabel *m_model;
    QLabel *m_memory;
    QTimer m_patience; ///< work that is over at once is not shown
    WorkProgress m_shown;
};

} // namespace expertscope
