// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/sequence_item_model.h"

#include <QApplication>
#include <QPalette>
#include <QSet>

#include <algorithm>

namespace expertscope {

namespace {

QStringList distinct(const std::vector<SequenceRow> &rows, QString SequenceRow::*field)
{
    QStringList values;
    QSet<QString> seen;
    for (const SequenceRow &row : rows)
        if (const QString &value = row.*field; !value.isEmpty() && !seen.contains(value)) {
            seen.insert(value);
            values << value;
        }
    return values;
}

} // namespace

void SequenceItemModel::setRows(std::vector<SequenceRow> rows)
{
    const bool sameList = rows.size() == m_rows.size()
        && std::equal(rows.begin(), rows.end(), m_rows.begin(), [](const SequenceRow &a, const SequenceRow &b) { return a.id == b.id; });
    if (!sameList) {
        beginResetModel();
        m_rows = std::move(rows);
        endResetModel();
        return;
    }
    m_rows = std::move(rows);
    if (!m_rows.empty())
        emit dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
}

int SequenceItemModel::rowOf(int sequence) const
{
    // Traced sequences stand first and in order; the search is for lists made otherwise.
    if (sequence < 0)
        return -1;
    if (sequence < rowCount() && row(sequence).sequence == sequence)
        return sequence;
    const auto found = std::find_if(m_rows.begin(), m_rows.end(), [&](const SequenceRow &row) { return row.sequence == sequence; });
    return found == m_rows.end() ? -1 : static_cast<int>(found - m_rows.begin());
}

QStringList SequenceItemModel::languages() const
{
    return distinct(m_rows, &SequenceRow::language);
}

QStringList SequenceItemModel::domains() const
{
    return distinct(m_rows, &SequenceRow::domain);
}

int SequenceItemModel::rowCount(const QModelIndex &parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int SequenceItemModel::columnCount(const QModelIndex &parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant SequenceItemModel::data(const QModelIndex &index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid))
        return {};
    const SequenceRow &of = row(index.row());
    switch (role) {
    case Qt::DisplayRole:
        switch (index.column()) {
        case Text:
            return of.text.isEmpty() ? of.id : of.text;
        case Language:
            return of.language;
        case Domain:
            return of.domain;
        case Tokens:
            return of.tokens < 0 ? QVariant{} : QVariant::fromValue<qlonglong>(of.tokens);
        default:
            return {};
        }
    case Qt::ToolTipRole: {
        QStringList lines{of.text.left(300).toHtmlEscaped(), tr("id %1").arg(of.id.toHtmlEscaped())};
        if (!of.language.isEmpty())
            lines << tr("language %1").arg(of.language.toHtmlEscaped());
        if (!of.domain.isEmpty())
            lines << tr("domain %1").arg(of.domain.toHtmlEscaped());
        if (!of.parallelId.isEmpty())
            lines << tr("text %1 in every language").arg(of.parallelId.toHtmlEscaped());
        lines << (of.sequence < 0 ? tr("not traced yet") : tr("sequence %1, %2 tokens").arg(of.sequence).arg(of.tokens));
        return QStringLiteral("<qt>%1</qt>").arg(lines.join(QStringLiteral("<br>")));
    }
    case Qt::ForegroundRole:
        return of.sequence < 0 ? QVariant{QApplication::palette().placeholderText()} : QVariant{};
    case Qt::TextAlignmentRole:
        return QVariant{(index.column() == Tokens ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter};
    default:
        return {};
    }
}

QVariant SequenceItemModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole)
        return {};
    switch (section) {
    case Text:
        return tr("Text");
    case Language:
        return tr("Lang");
    case Domain:
        return tr("Domain");
    case Tokens:
        return tr("Tokens");
    default:
        return {};
    }
}

Qt::ItemFlags SequenceItemModel::flags(const QModelIndex &index) const
{
    if (!index.isValid())
        return Qt::NoItemFlags;
    const Qt::ItemFlags flags = Qt::ItemIsEnabled | Qt::ItemNeverHasChildren;
    return row(index.row()).sequence < 0 ? flags : flags | Qt::ItemIsSelectable;
}

void SequenceFilter::setWanted(const QString &text, const QString &language, const QString &domain)
{
    m_text = text.trimmed();
    m_language = language;
    m_domain = domain;
    invalidateFilter();
}

bool SequenceFilter::filterAcceptsRow(int sourceRow, const QModelIndex &) const
{
    const SequenceRow &row = static_cast<const SequenceItemModel *>(sourceModel())->row(sourceRow);
    if ((!m_language.isEmpty() && row.language != m_language) || (!m_domain.isEmpty() && row.domain != m_domain))
        return false;
    return m_text.isEmpty() || row.text.contains(m_text, Qt::CaseInsensitive) || row.id.contains(m_text, Qt::CaseInsensitive)
        || row.parallelId.compare(m_text, Qt::CaseInsensitive) == 0;
}

} // namespace expertscope
