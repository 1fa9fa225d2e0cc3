// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/dialogs.h"

#include <QFileDialog>
#include <QRegularExpression>

namespace expertscope {

Dialogs Dialogs::real()
{
    return {
        [](QWidget *parent, const QString &title) { return QFileDialog::getExistingDirectory(parent, title); },
        [](QWidget *parent, const QString &title, const QString &filter) {
            return QFileDialog::getOpenFileNames(parent, title, {}, filter);
        },
        [](QWidget *parent, const QString &title, const QString &suggestion, const QString &filter) {
            QFileDialog dialog{parent, title, {}, filter};
            dialog.setAcceptMode(QFileDialog::AcceptSave);
            dialog.selectFile(suggestion);
            const auto useSuffixOf = [&dialog](const QString &chosen) {
                static const QRegularExpression suffix{QStringLiteral("\\*\\.(\\w+)")};
                dialog.setDefaultSuffix(suffix.match(chosen).captured(1));
            };
            useSuffixOf(dialog.selectedNameFilter());
            QObject::connect(&dialog, &QFileDialog::filterSelected, &dialog, useSuffixOf);
            return dialog.exec() == QDialog::Accepted ? dialog.selectedFiles().value(0) : QString{};
        },
    };
}

} // namespace expertscope
