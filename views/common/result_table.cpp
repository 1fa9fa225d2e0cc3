// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/result_table.h"

#include "views/common/axis.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace expertscope {

ResultTable::ResultTable(QWidget *parent)
    : QWidget{parent}
    , m_model{new TableItemModel(this)}
    , m_view{new QTableView(this)}
    , m_filter{new QLineEdit(this)}
    , m_count{new QLabel(this)}
{
    setObjectName(QStringLiteral("resultTable"));
    m_filter->setPlaceholderText(QStringLiteral("Filter rows"));
    m_filter->setClearButtonEnabled(true);
    m_filter->setObjectName(QStringLiteral("tableFilter"));
    m_view->setModel(m_model);
    m_view->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_view->setAlternatingRowColors(true);
    m_view->setWordWrap(false);
    m_view->setFrameShape(QFrame::NoFrame);
    m_view->setShowGrid(false);
    m_view->setTabKeyNavigation(false);
    m_view->verticalHeader()->hide();
    m_view->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 6);
    m_view->horizontalHeader()->setHighlightSections(false);
    m_view->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
    m_view->horizontalHeader()->setSortIndicatorClearable(true);
    m_view->setSortingEnabled(true);
    m_view->setContextMenuPolicy(Qt::CustomContextMenu);
    m_view->installEventFilter(this);
    auto *top = new QHBoxLayout;
    top->setContentsMargins(6, 4, 6, 4);
    top->addWidget(m_filter, 1);
    top->addWidget(m_count);
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(top);
    column->addWidget(m_view, 1);
    connect(m_filter, &QLineEdit::textChanged, this, [this](const QString &text) {
        m_model->setFilter(text);
        showCount();
    });
    const auto pick = [this](const QModelIndex &index) { emit rowPicked(m_model->source(index.row())); };
    connect(m_view, &QTableView::clicked, this, pick);
    connect(m_view, &QTableView::activated, this, pick);
    connect(m_view, &QTableView::customContextMenuRequested, this, &ResultTable::showMenu);
}

void ResultTable::setTable(const Table &table)
{
    m_ownColumns = table.columns.size();
    m_model->setTable(withFurtherColumns(table));
    m_view->setAccessibleName(QString::fromStdString(table.title));
    placeFurtherColumns();
    m_view->resizeColumnsToContents();
    showCount();
    emit tableSet();
}

Table ResultTable::ownTable() const
{
    Table own = m_model->table();
    own.columns.resize(m_ownColumns);
    return own;
}

Table ResultTable::withFurtherColumns(Table own) const
{
    if (m_further)
        for (Column &column : m_further(own))
            own.columns.push_back(std::move(column));
    return own;
}

void ResultTable::setFurtherColumns(std::function<std::vector<Column>(const Table &)> columns)
{
    m_further = std::move(columns);
    refreshFurtherColumns();
}

void ResultTable::refreshFurtherColumns()
{
    const int before = m_model->columnCount();
    m_model->updateTable(withFurtherColumns(ownTable()));
    if (m_model->columnCount() != before) {
        placeFurtherColumns();
        m_view->resizeColumnsToContents();
    }
    showCount();
}

/// Beside what the rows are ranked by, not beyond the edge of a wide table.
void ResultTable::placeFurtherColumns()
{
    const std::vector<Column> &columns = m_model->table().columns;
    const auto numberOf = [&](std::string_view name) {
        const auto at = std::find_if(columns.begin(), columns.end(), [&](const Column &column) { return column.name == name; });
        return static_cast<int>(at - columns.begin());
    };
    const int count = m_model->columnCount(), own = static_cast<int>(m_ownColumns);
    const int anchor = std::min(numberOf("value") < own ? numberOf("value") : numberOf("expert"), count - 1);
    QHeaderView *header = m_view->horizontalHeader();
    for (int column = own; column < count; ++column)
        header->moveSection(header->visualIndex(column), header->visualIndex(column == own ? anchor : column - 1) + 1);
}

void ResultTable::addTool(QWidget *tool)
{
    static_cast<QBoxLayout *>(layout()->itemAt(0)->layout())->addWidget(tool);
}

void ResultTable::addFootnote(QWidget *note)
{
    static_cast<QBoxLayout *>(layout())->addWidget(note);
}

void ResultTable::showCount()
{
    const auto all = static_cast<std::int64_t>(m_model->table().rows());
    m_count->setText(m_model->rowCount() == all ? countText(all, "row")
                                                : QStringLiteral("%1 of %2").arg(countText(m_model->rowCount()), countText(all, "row")));
}

QString ResultTable::selectedText() const
{
    std::set<int> rows;
    for (const QModelIndex &index : m_view->selectionModel()->selectedIndexes())
        rows.insert(index.row());
    if (rows.empty())
        for (int row = 0; row < m_model->rowCount(); ++row)
            rows.insert(row);
    QStringList lines, cells;
    for (const Column &column : m_model->table().columns)
        cells << QString::fromStdString(column.name);
    lines << cells.join(u'\t');
    for (const int row : rows) {
        cells.clear();
        for (int column = 0; column < m_model->columnCount(); ++column)
            cells << m_model->fullText(row, column);
        lines << cells.join(u'\t');
    }
    return lines.join(u'\n');
}

void ResultTable::copy() const
{
    QApplication::clipboard()->setText(selectedText());
}

bool ResultTable::eventFilter(QObject *watched, QEvent *event)
{
    if (watched == m_view && event->type() == QEvent::KeyPress && static_cast<QKeyEvent *>(event)->matches(QKeySequence::Copy)) {
        copy();
        return true;
    }
    return QWidget::eventFilter(watched, event);
}

void ResultTable::showMenu(const QPoint &at)
{
    auto *menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(m_view->selectionModel()->hasSelection() ? QStringLiteral("Copy selected rows") : QStringLiteral("Copy all rows"), this,
        &ResultTable::copy);
    menu->addAction(QStringLiteral("Save numbers (CSV)…"), this, &ResultTable::numbersWished);
    if (const QModelIndex under = m_view->indexAt(at); under.isValid())
        emit menuOpened(menu, m_model->source(under.row()));
    menu->popup(m_view->viewport()->mapToGlobal(at));
}

} // namespace expertscope
