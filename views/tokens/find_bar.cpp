// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/tokens/find_bar.h"

#include "views/common/axis.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QToolButton>

namespace expertscope {

FindBar::FindBar(QWidget *parent)
    : QWidget{parent}
    , m_field{new QLineEdit(this)}
    , m_count{new QLabel(this)}
{
    setObjectName(QStringLiteral("findBar"));
    m_field->setObjectName(QStringLiteral("findField"));
    m_field->setPlaceholderText(QStringLiteral("Find in the text"));
    m_field->setAccessibleName(QStringLiteral("Find in the text"));
    m_field->setClearButtonEnabled(true);
    m_field->installEventFilter(this);
    const auto button = [this](const QString &text, const QString &tip, auto onClick) {
        auto *tool = new QToolButton(this);
        tool->setText(text);
        tool->setToolTip(tip);
        tool->setAccessibleName(tip);
        tool->setAutoRaise(true);
        connect(tool, &QToolButton::clicked, this, onClick);
        return tool;
    };
    auto *row = new QHBoxLayout(this);
    row->setContentsMargins(8, 3, 8, 3);
    row->addWidget(m_field, 1);
    row->addWidget(m_count);
    row->addWidget(button(QStringLiteral("\u2191"), QStringLiteral("Previous (Shift+F3)"), [this] { emit stepped(-1); }));
    row->addWidget(button(QStringLiteral("\u2193"), QStringLiteral("Next (F3)"), [this] { emit stepped(1); }));
    row->addWidget(button(QStringLiteral("\u2715"), QStringLiteral("Close (Esc)"), [this] { emit closed(); }));
    connect(m_field, &QLineEdit::textChanged, this, &FindBar::searched);
    connect(m_field, &QLineEdit::returnPressed, this, [this] { emit stepped(1); });
    hide();
}

void FindBar::open()
{
    show();
    m_field->setFocus();
    m_field->selectAll();
}

QString FindBar::query() const
{
    return m_field->text();
}

void FindBar::setCount(std::size_t count, int current, bool more)
{
    if (m_field->text().isEmpty())
        m_count->clear();
    else if (count == 0)
        m_count->setText(QStringLiteral("not found"));
    else
        m_count->setText(QStringLiteral("%1 of %2%3")
                             .arg(current + 1)
                             .arg(countText(static_cast<std::int64_t>(count)), more ? QStringLiteral("+") : QString()));
}

bool FindBar::eventFilter(QObject *watched, QEvent *event)
{
    if (event->type() == QEvent::KeyPress && static_cast<QKeyEvent *>(event)->key() == Qt::Key_Escape) {
        emit closed();
        return true;
    }
    return QWidget::eventFilter(watched, event);
}

} // namespace expertscope
