// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Banner: one message above the views, with what happened, where, and what to do; it blocks nothing and can be closed.
#pragma once

#include "engine/core/error.h"

#include <QFrame>
#include <QTimer>

class QLabel;

namespace expertscope {

class Banner : public QFrame {
    Q_OBJECT
public:
    explicit Banner(QWidget *parent = nullptr);
    void showError(const Error &error);
    void showNote(const QString &text); ///< goes away by itself after some seconds
    QString text() const; ///< as shown, without markup

private:
    void display(const QString &html, const QString &plain, bool isError);
    bool m_isError = false;
    QTimer m_noteTime;
    QString m_plain;
    QLabel *m_icon;
    QLabel *m_text;
};

} // namespace expertscope
