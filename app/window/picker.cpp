// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/picker.h"

#include <QApplication>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLineEdit>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>

namespace expertscope {

Picker::Picker(QWidget *parent)
    : QFrame{parent}
    , m_text{new QLineEdit{this}}
    , m_list{new QTreeWidget{this}}
{
    setObjectName(QStringLiteral("picker"));
    setFrameShape(QFrame::StyledPanel);
    setAutoFillBackground(true);
    m_text->setObjectName(QStringLiteral("pickerText"));
    m_text->setClearButtonEnabled(true);
    m_list->setObjectName(QStringLiteral("pickerList"));
    m_list->setColumnCount(2);
    m_list->setHeaderHidden(true);
    m_list->setRootIsDecorated(false);
    m_list->setUniformRowHeights(true);
    m_list->setFocusPolicy(Qt::NoFocus);
    m_list->setTextElideMode(Qt::ElideMiddle);
    m_list->header()->setStretchLastSection(false);
    m_list->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_list->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    auto *layout = new QVBoxLayout{this};
    layout->setContentsMargins(8, 8, 8, 8);
    layout->addWidget(m_text);
    layout->addWidget(m_list);
    connect(m_text, &QLineEdit::textChanged, this, &Picker::refresh);
    connect(m_text, &QLineEdit::returnPressed, this, &Picker::choose);
    connect(m_list, &QTreeWidget::itemClicked, this, &Picker::choose);
    m_text->installEventFilter(this);
    parent->installEventFilter(this);
    hide();
}

bool Picker::fits(const QString &title, const QString &text)
{
    const QStringList words = text.split(QLatin1Char{' '}, Qt::SkipEmptyParts);
    return std::all_of(words.begin(), words.end(), [&](const QString &word) { return title.contains(word, Qt::CaseInsensitive); });
}

void Picker::open(const QString &placeholder, Provider provider)
{
    m_provider = std::move(provider);
    if (!isVisible())
        m_focusBefore = QApplication::focusWidget();
    m_text->setPlaceholderText(placeholder);
    m_text->setAccessibleName(placeholder);
    m_text->clear();
    refresh();
    place();
    show();
    raise();
    m_text->setFocus();
}

void Picker::refresh()
{
    if (!m_provider)
        return;
    m_offers = m_provider(m_text->text());
    m_list->clear();
    for (const Offer &offer : m_offers) {
        auto *item = new QTreeWidgetItem{m_list, {offer.title, offer.detail}};
        item->setToolTip(0, offer.title);
        item->setForeground(1, palette().placeholderText());
        if (!offer.run)
            item->setFlags(Qt::NoItemFlags);
    }
    for (int i = 0; i < m_list->topLevelItemCount(); ++i)
        if (m_offers[static_cast<std::size_t>(i)].run) {
            m_list->setCurrentItem(m_list->topLevelItem(i));
            break;
        }
}

void Picker::choose()
{
    const int row = m_list->indexOfTopLevelItem(m_list->currentItem());
    if (row < 0 || !m_offers[static_cast<std::size_t>(row)].run)
        return;
    const std::function<void()> run = m_offers[static_cast<std::size_t>(row)].run;
    close();
    run();
}

void Picker::close()
{
    hide();
    m_provider = {};
    m_offers.clear();
    if (m_focusBefore)
        m_focusBefore->setFocus();
    else
        parentWidget()->setFocus();
}

void Picker::place()
{
    const QSize room = parentWidget()->size();
    const int width = std::min(640, room.width() - 40);
    const int height = std::min(380, room.height() - 80);
    setGeometry((room.width() - width) / 2, 40, width, height);
}

bool Picker::eventFilter(QObject *watched, QEvent *event)
{
    if (watched == parentWidget()) {
        if (event->type() == QEvent::Resize && isVisible())
            place();
        return false;
    }
    if (event->type() == QEvent::FocusOut && isVisible() && QApplication::activeWindow() && !m_list->underMouse())
        close();
    if (event->type() != QEvent::KeyPress)
        return false;
    auto *key = static_cast<QKeyEvent *>(event);
    switch (key->key()) {
    case Qt::Key_Escape:
        close();
        return true;
    case Qt::Key_Up:
    case Qt::Key_Down:
    case Qt::Key_PageUp:
    case Qt::Key_PageDown:
        QApplication::sendEvent(m_list, key);
        return true;
    default:
        return false;
    }
}

} // namespace expertscope
