// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The seam to dialogs that wait for a person: file choosers. The window gets real ones, tests give answers.
#pragma once

#include <QString>
#include <QStringList>

#include <functional>

class QWidget;

namespace expertscope {

/// Each returns nothing if the person cancelled. Filters are written as for QFileDialog.
struct Dialogs {
    std::function<QString(QWidget *parent, const QString &title)> openFolder;
    std::function<QStringList(QWidget *parent, const QString &title, const QString &filter)> openFiles;
    /// Asks before an existing file would be replaced. The suffix is added where the person gave none.
    std::function<QString(QWidget *parent, const QString &title, const QString &suggestion, const QString &filter)> saveFile;

    static Dialogs real();
};

} // namespace expertscope
