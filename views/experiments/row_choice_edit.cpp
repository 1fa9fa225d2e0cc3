// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/experiments/row_choice_edit.h"

#include "views/common/experiment_model.h"
#include "views/experiments/plan_text.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace expertscope {

RowChoiceEdit::RowChoiceEdit(ExperimentModel &model, QWidget *parent)
    : QWidget{parent}
    , m_file{new QLineEdit(this)}
    , m_where{new QLineEdit(this)}
    , m_problem{new QLabel(this)}
{
    m_file->setPlaceholderText(QStringLiteral("data file"));
    m_file->setAccessibleName(QStringLiteral("Data file"));
    m_where->setPlaceholderText(QStringLiteral("all rows, or: language = en; domain = prose"));
    m_where->setAccessibleName(QStringLiteral("Rows"));
    m_where->setToolTip(QStringLiteral("Columns and the values that count; empty = all rows"));
    m_problem->setWordWrap(true);
    m_problem->hide();
    auto *browse = new QToolButton(this);
    browse->setText(QStringLiteral("…"));
    browse->setAccessibleName(QStringLiteral("Choose a data file"));
    browse->setToolTip(browse->accessibleName());
    auto *row = new QHBoxLayout;
    row->setSpacing(2);
    row->addWidget(m_file, 1);
    row->addWidget(browse);
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(2);
    column->addLayout(row);
    column->addWidget(m_where);
    column->addWidget(m_problem);
    connect(m_file, &QLineEdit::editingFinished, this, &RowChoiceEdit::take);
    connect(m_where, &QLineEdit::editingFinished, this, &RowChoiceEdit::take);
    connect(browse, &QToolButton::clicked, this, [this, &model] {
        emit model.filesWished(QStringLiteral("Choose a Data File"), dataFilter(), [this](const QStringList &files) {
            m_file->setText(files.first());
            take();
        });
    });
}

void RowChoiceEdit::setValue(const RowChoice &rows)
{
    if (rows == m_value)
        return; // what is being typed stays
    m_value = rows;
    m_file->setText(QString::fromStdString(rows.data));
    m_file->setToolTip(m_file->text());
    m_where->setText(whereText(rows));
    m_problem->hide();
}

void RowChoiceEdit::take()
{
    RowChoice rows = m_value;
    const QString problem = readWhere(m_where->text(), rows);
    m_problem->setText(problem);
    m_problem->setVisible(!problem.isEmpty());
    rows.data = m_file->text().trimmed().toStdString();
    if (!problem.isEmpty() || rows == m_value)
        return;
    m_value = rows;
    m_file->setToolTip(m_file->text());
    emit changed();
}

RowListEdit::RowListEdit(ExperimentModel &model, QWidget *parent)
    : QWidget{parent}
    , m_model{model}
    , m_column{new QVBoxLayout(this)}
{
    m_column->setContentsMargins(0, 0, 0, 0);
    auto *add = new QToolButton(this);
    add->setText(QStringLiteral("Add rows"));
    add->setToolTip(QStringLiteral("Other rows, or another file, scored for the chosen recipe and its controls"));
    m_column->addWidget(add, 0, Qt::AlignLeft);
    connect(add, &QToolButton::clicked, this, [this] { addLine({}); });
}

void RowListEdit::addLine(const RowChoice &rows)
{
    Line line;
    line.whole = new QWidget(this);
    line.edit = new RowChoiceEdit(m_model, line.whole);
    line.edit->setValue(rows);
    auto *remove = new QToolButton(line.whole);
    remove->setText(QStringLiteral("✕"));
    remove->setAccessibleName(QStringLiteral("Remove these rows"));
    remove->setToolTip(remove->accessibleName());
    remove->setAutoRaise(true);
    auto *row = new QHBoxLayout(line.whole);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(2);
    row->addWidget(line.edit, 1);
    row->addWidget(remove, 0, Qt::AlignTop);
    m_column->insertWidget(static_cast<int>(m_lines.size()), line.whole);
    m_lines.push_back(line);
    connect(line.edit, &RowChoiceEdit::changed, this, &RowListEdit::changed);
    connect(remove, &QToolButton::clicked, this, [this, whole = line.whole] {
        this->remove(whole);
        emit changed();
    });
}

void RowListEdit::remove(const QWidget *whole)
{
    const auto at = std::find_if(m_lines.begin(), m_lines.end(), [whole](const Line &line) { return line.whole == whole; });
    at->whole->deleteLater();
    at->whole->hide();
    m_lines.erase(at);
}

void RowListEdit::setValue(const std::vector<RowChoice> &list)
{
    if (list == value())
        return; // a line that is being filled in stays
    while (m_lines.size() > list.size())
        remove(m_lines.back().whole);
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (i == m_lines.size())
            addLine(list[i]);
        m_lines[i].edit->setValue(list[i]);
    }
}

std::vector<RowChoice> RowListEdit::value() const
{
    std::vector<RowChoice> list;
    for (const Line &line : m_lines)
        if (!line.edit->value().data.empty())
            list.push_back(line.edit->value());
    return list;
}

} // namespace expertscope
