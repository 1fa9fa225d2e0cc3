// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// FindBar: the search field under the text: what to find, how many there are, next and previous.
#pragma once

#include <QWidget>

class QLabel;
class QLineEdit;

namespace expertscope {

class FindBar : public QWidget {
    Q_OBJECT
public:
    explicit FindBar(QWidget *parent = nullptr);
    void open(); ///< shows the bar with the field focused and its text selected
    QString query() const;
    /// current: 0-based, -1 = none yet; more: there are hits beyond the count.
    void setCount(std::size_t count, int current, bool more);

Q_SIGNALS:
    void searched(const QString &query);
    void stepped(int direction); ///< 1 = next, -1 = previous
    void closed();

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    QLineEdit *m_field;
    QLabel *m_count;
};

} // namespace expertscope
