// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ResultTable: a table of a result on the screen: sort by a click on a header, filter, copy, jump to a row's layer and expert.
#pragma once

#include "views/common/table_item_model.h"

#include <QMenu>
#include <QWidget>

#include <functional>
#include <vector>

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
    /// The table as it was given, without further columns.
    Table ownTable() const;
    /// Columns that are added to every table that is set, and asked for again by refreshFurtherColumns().
    void setFurtherColumns(std::function<std::vector<Column>(const Table &)> columns);
    void refreshFurtherColumns();
    void addTool(QWidget *tool); ///< beside the filter
    void addFootnote(QWidget *note);

Q_SIGNALS:
    void tableSet();
    void rowPicked(qulonglong row); ///< of the table, by click or Enter
    void numbersWished();
    void menuOpened(QMenu *menu, qulonglong row); ///< of the row under the mouse, before it is shown: others may add to it

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    void showMenu(const QPoint &at);
    void showCount();
    void copy() const;
    Table withFurtherColumns(Table own) const;
    void placeFurtherColumns();

    TableItemModel *m_model;
    QTableView *m_view;
    QLineEdit *m_filter;
    QLabel *m_count;
    std::function<std::vector<Column>(const Table &)> m_further;
    std::size_t m_ownColumns = 0;
};

} // namespace expertscope
