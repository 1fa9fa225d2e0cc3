// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// TableItemModel: a table of a result as a Qt model: sorts by numbers, filters by text, units in the header, help as tool tips.
#pragma once

#include "engine/analysis/result.h"

#include <QAbstractTableModel>

#include <vector>

namespace expertscope {

class TableItemModel : public QAbstractTableModel {
    Q_OBJECT
public:
    using QAbstractTableModel::QAbstractTableModel;

    void setTable(Table table);
    /// The same rows with other values: selection, order and filter stay.
    void updateTable(Table table);
    const Table &table() const { return m_table; }
    /// Keeps rows in which any cell contains the text, whatever its case; empty = all.
    void setFilter(const QString &text);
    /// Row of the table behind a row that is shown.
    std::size_t source(int row) const { return m_rows[static_cast<std::size_t>(row)]; }
    /// The cell in full, as CSV would have it.
    QString fullText(int row, int column) const;

    int rowCount(const QModelIndex &parent = {}) const override;
    int columnCount(const QModelIndex &parent = {}) const override;
    QVariant data(const QModelIndex &index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;
    /// Stable; values that are missing come last in either order. Column -1 = as the analysis gave them.
    void sort(int column, Qt::SortOrder order = Qt::AscendingOrder) override;

private:
    QString shortText(std::size_t row, const Column &column) const;
    void fillRows();

    Table m_table;
    std::vector<std::size_t> m_rows; ///< rows of the table that are shown, in order
    QString m_filter;
    int m_sortColumn = -1;
    Qt::SortOrder m_order = Qt::AscendingOrder;
};

} // namespace expertscope
