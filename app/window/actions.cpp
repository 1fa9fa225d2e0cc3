// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/actions.h"

#include <QKeySequence>
#include <QMenu>

namespace expertscope {

namespace {

constexpr char hintProperty[] = "keyHint";

QString plainText(const QAction &action)
{
    QString text = action.text().section(QLatin1Char{'\t'}, 0, 0);
    text.replace(QStringLiteral("&&"), QStringLiteral("\x01"));
    text.remove(QLatin1Char{'&'});
    text.replace(QStringLiteral("\x01"), QStringLiteral("&"));
    if (text.endsWith(QStringLiteral("...")))
        text.chop(3);
    return text;
}

void collect(const QList<QAction *> &actions, const QString &path, std::vector<NamedAction> &into)
{
    for (QAction *action : actions) {
        const QString here = path.isEmpty() ? plainText(*action) : path + QStringLiteral(": ") + plainText(*action);
        if (action->isSeparator() || !action->isVisible() || action->text().isEmpty())
            continue;
        if (const QMenu *menu = action->menu()) {
            collect(menu->actions(), here, into);
            continue;
        }
        QStringList keys;
        for (const QKeySequence &sequence : action->shortcuts())
            keys << sequence.toString(QKeySequence::NativeText);
        if (const QString hint = action->property(hintProperty).toString(); !hint.isEmpty())
            keys << hint;
        into.push_back({action, here, keys.join(QStringLiteral(", "))});
    }
}

} // namespace

std::vector<NamedAction> menuActions(const QMenuBar &bar)
{
    std::vector<NamedAction> actions;
    collect(bar.actions(), {}, actions);
    return actions;
}

std::vector<NamedAction> widgetActions(const QWidget &widget, const QString &title)
{
    std::vector<NamedAction> actions;
    collect(widget.actions(), title, actions);
    return actions;
}

void setKeyHint(QAction &action, const QString &keys)
{
    action.setProperty(hintProperty, keys);
    action.setText(action.text() + QLatin1Char{'\t'} + keys);
}

} // namespace expertscope
