// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// All that the menus offer as one flat list, for the command palette and the list of keys.
#pragma once

#include <QAction>
#include <QMenuBar>
#include <QString>

#include <vector>

namespace expertscope {

struct NamedAction {
    QAction *action = nullptr;
    QString path; ///< "View: Theme: Dark"
    QString keys; ///< "Ctrl+G"; empty = none
};

/// In menu order; submenus in place, separators and menus without entries left out.
std::vector<NamedAction> menuActions(const QMenuBar &bar);
/// The actions of one widget under a title of their own.
std::vector<NamedAction> widgetActions(const QWidget &widget, const QString &title);

/// Says in menus and lists which key does this, for keys that a widget handles itself and no shortcut may take.
void setKeyHint(QAction &action, const QString &keys);

} // namespace expertscope
