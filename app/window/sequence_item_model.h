// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// SequenceItemModel: the sequences as a Qt table: text, language, domain, tokens. SequenceFilter: the rows that are wanted.
#pragma once

#include "app/sequence_rows.h"

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>

#include <vector>

namespace expertscope {

class SequenceItemModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Text, Language, Domain, Tokens, ColumnCount };

    using QAbstractTableModel::QAbstractTableModel;

    /// Rows that only learn more (traced by now) change in place; another list resets the model.
    void setRows(std::vector<SequenceRow> rows);
    const SequenceRow &row(int row) const { return m_rows[static_cast<std::size_t>(row)]; }
    /// Row of a sequence of the trace; -1 = none.
    int rowOf(int sequence) const;
    QStringList languages() const; ///< in order of first appearance
    QStringList domains() const;

    int rowCount(const QModelIndex &parent = {}) const override;
    int columnCount(const QModelIndex &parent = {}) const override;
    QVariant data(const QModelIndex &index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;
    Qt::ItemFlags flags(const QModelIndex &index) const override;

private:
    std::vector<SequenceRow> m_rows;
};

class SequenceFilter : public QSortFilterProxyModel {
    Q_OBJECT
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;
    /// Empty = any. The text is looked for in the text, the id and the parallel id.
    void setWanted(const QString &text, const QString &language, const QString &domain);

protected:
    bool filterAcceptsRow(int sourceRow, const QModelIndex &sourceParent) const override;

private:
    QString m_text, m_language, m_domain;
};

} // namespace expertscope
