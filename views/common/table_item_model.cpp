// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/table_item_model.h"

#include "views/common/axis.h"
#include "views/common/token_text.h"

#include <QLocale>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace expertscope {

namespace {

bool isFlag(const Column &column)
{
    return column.name.ends_with("significant");
}

QString flagText(bool on)
{
    return on ? QStringLiteral("yes") : QStringLiteral("no");
}

bool isMissing(double value)
{
    return std::isnan(value);
}
bool isMissing(std::int64_t)
{
    return false;
}
bool isMissing(const std::string &)
{
    return false;
}

} // namespace

void TableItemModel::setTable(Table table)
{
    beginResetModel();
    m_table = std::move(table);
    if (m_sortColumn >= static_cast<int>(m_table.columns.size()))
        m_sortColumn = -1;
    fillRows();
    endResetModel();
}

void TableItemModel::updateTable(Table table)
{
    const auto namesOf = [](const Table &one) {
        std::vector<std::string> names;
        for (const Column &column : one.columns)
            names.push_back(column.name);
        return names;
    };
    if (table.rows() != m_table.rows() || namesOf(table) != namesOf(m_table)) {
        setTable(std::move(table));
        return;
    }
    m_table = std::move(table);
    const std::vector<std::size_t> before = m_rows;
    fillRows();
    const std::vector<std::size_t> after = std::exchange(m_rows, before);
    const auto inOrder = [](std::vector<std::size_t> rows) {
        std::sort(rows.begin(), rows.end());
        return rows;
    };
    if (inOrder(before) != inOrder(after)) { // new values may pass the filter
        beginResetModel();
        m_rows = after;
        endResetModel();
        return;
    }
    sort(m_sortColumn, m_order);
    if (rowCount() > 0)
        emit dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
    if (columnCount() > 0)
        emit headerDataChanged(Qt::Horizontal, 0, columnCount() - 1);
}

void TableItemModel::setFilter(const QString &text)
{
    if (text == m_filter)
        return;
    beginResetModel();
    m_filter = text;
    fillRows();
    endResetModel();
}

void TableItemModel::fillRows()
{
    m_rows.resize(m_table.rows());
    std::iota(m_rows.begin(), m_rows.end(), std::size_t{0});
    if (!m_filter.isEmpty())
        std::erase_if(m_rows, [&](std::size_t row) {
            return std::none_of(m_table.columns.begin(), m_table.columns.end(),
                [&](const Column &column) { return shortText(row, column).contains(m_filter, Qt::CaseInsensitive); });
        });
    if (m_sortColumn < 0)
        return;
    std::visit(
        [&](const auto &values) {
            std::stable_sort(m_rows.begin(), m_rows.end(), [&](std::size_t a, std::size_t b) {
                if (isMissing(values[a]) || isMissing(values[b]))
                    return !isMissing(values[a]) && isMissing(values[b]);
                return m_order == Qt::AscendingOrder ? values[a] < values[b] : values[b] < values[a];
            });
        },
        m_table.columns[static_cast<std::size_t>(m_sortColumn)].values);
}

void TableItemModel::sort(int column, Qt::SortOrder order)
{
    emit layoutAboutToBeChanged();
    const QModelIndexList before = persistentIndexList();
    std::vector<std::size_t> sources;
    for (const QModelIndex &index : before)
        sources.push_back(source(index.row()));
    m_sortColumn = column < static_cast<int>(m_table.columns.size()) ? column : -1;
    m_order = order;
    fillRows();
    QModelIndexList after;
    for (qsizetype i = 0; i < before.size(); ++i) {
        const auto at = std::find(m_rows.begin(), m_rows.end(), sources[static_cast<std::size_t>(i)]);
        after << index(static_cast<int>(at - m_rows.begin()), before[i].column());
    }
    changePersistentIndexList(before, after);
    emit layoutChanged();
}

int TableItemModel::rowCount(const QModelIndex &parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int TableItemModel::columnCount(const QModelIndex &parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_table.columns.size());
}

QString TableItemModel::shortText(std::size_t row, const Column &column) const
{
    if (const auto *numbers = std::get_if<std::vector<double>>(&column.values))
        return std::isnan((*numbers)[row]) ? QString() : isFlag(column) ? flagText((*numbers)[row] != 0) : numberText((*numbers)[row]);
    if (const auto *integers = std::get_if<std::vector<std::int64_t>>(&column.values)) {
        const std::int64_t value = (*integers)[row];
        return isFlag(column) ? flagText(value != 0) : QString::number(value);
    }
    const std::string &text = std::get<std::vector<std::string>>(column.values)[row];
    return column.name == "token" || column.name == "text" ? plainToken(text, -1) : QString::fromStdString(text);
}

QString TableItemModel::fullText(int row, int column) const
{
    const Column &from = m_table.columns[static_cast<std::size_t>(column)];
    if (const auto *numbers = std::get_if<std::vector<double>>(&from.values)) {
        const double value = (*numbers)[source(row)];
        return std::isnan(value) ? QString() : QString::number(value, 'g', QLocale::FloatingPointShortest);
    }
    return shortText(source(row), from);
}

QVariant TableItemModel::data(const QModelIndex &index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid))
        return {};
    const Column &column = m_table.columns[static_cast<std::size_t>(index.column())];
    switch (role) {
    case Qt::DisplayRole:
        return shortText(source(index.row()), column);
    case Qt::ToolTipRole:
        return fullText(index.row(), index.column());
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(Qt::Alignment(Qt::AlignVCenter
            | (std::holds_alternative<std::vector<std::string>>(column.values) || isFlag(column) ? Qt::AlignLeft : Qt::AlignRight)));
    default:
        return {};
    }
}

QVariant TableItemModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation == Qt::Vertical)
        return role == Qt::DisplayRole ? QVariant(section + 1) : QVariant();
    if (section < 0 || section >= columnCount())
        return {};
    const Column &column = m_table.columns[static_cast<std::size_t>(section)];
    const QString unit =
        column.unit.empty() || column.unit == "1" ? QString() : QStringLiteral(" [%1]").arg(QString::fromStdString(column.unit));
    if (role == Qt::DisplayRole)
        return QString::fromStdString(column.name).replace(u'_', u' ') + unit;
    if (role == Qt::ToolTipRole)
        return QString::fromStdString(column.help);
    return {};
}

} // namespace expertscope
