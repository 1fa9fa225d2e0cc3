// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// FileDrop: files dragged onto a window open wherever they are let go, also over text fields, and the window says while they hover what
// they will be opened as. Text that is dragged goes where it is dropped, as always.
#pragma once

#include <QObject>
#include <QStringList>

class QLabel;
class QMimeData;

namespace expertscope {

class FileDrop : public QObject {
    Q_OBJECT
public:
    explicit FileDrop(QWidget *window);

Q_SIGNALS:
    void dropped(const QStringList &paths);

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    void show(const QStringList &paths);

    QWidget *m_window;
    QLabel *m_sign;
};

} // namespace expertscope
