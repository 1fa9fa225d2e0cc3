// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ResultTable: a table of a result on the screen: sort by a click on a header, filter, copy, jump to a row's layer and expert.
#pragma once

#include "views/common/table_item_model.h"

#include <QMenu>
#include <QWidget>

class QLabel;
class QLineEdit;
class QTableView;

namespace expertscope {

class ResultTable : public QWidget {
    Q_OBJECT
public:
    explicit ResultTable(QWidget *parent = nullptr);

    void setTable(const Table &table);
    const TableItemModel &model() const { return *m_model; }
    QTableView *view() const { return m_view; }
    /// Rows that are selected (all if none is), as lines of tab-separated cells with a header.
    QString selectedText() const;

Q_SIGNALS:
    void rowPicked(qulonglong row); ///< of the table, by click or Enter
    void numbersWished();
    void menuOpened(QMenu *menu, qulonglong row); ///< of the row under the mouse, before it is shown: others may add to it

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    void showMenu(const QPoint &at);
    void showCount();
    void copy() const;

    TableItemModel *m_model;
    QTableView *m_view;
    QLineEdit *m_filter;
    QLabel *m_count;
};

} // namespace expertscope
