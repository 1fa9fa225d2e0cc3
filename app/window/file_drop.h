// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// FileDrop: files dragged onto a window open wherever they are let go, also over text fields, and the window says while they hover what
// they will be opened as. Text that is dragged goes where it is dropped, as always.
#pragma once

#include <QObject>
#include <QPoint>
#include <QStringList>

#include <functional>

class QLabel;
class QMimeData;

namespace expertscope {

class FileDrop : public QObject {
    Q_OBJECT
public:
    /// What files are for that are let go at that point of the window, where that is another thing than opening them: "evaluate on"; else
    /// empty.
    using Purpose = std::function<QString(const QPoint &at)>;

    explicit FileDrop(QWidget *window, Purpose purpose = {});

Q_SIGNALS:
    void dropped(const QStringList &paths, const QPoint &at);

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    void show(const QStringList &paths, const QPoint &at);

    QWidget *m_window;
    Purpose m_purpose;
    QString m_shownFor; ///< purpose that the sign says
    QLabel *m_sign;
};

} // namespace expertscope
