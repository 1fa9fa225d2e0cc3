// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/help_window.h"

#include "app/demo_files.h"
#include "app/window/actions.h"
#include "views/common/view.h"

#include <QCoreApplication>
#include <QDialog>
#include <QDialogButtonBox>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QMainWindow>
#include <QTextBrowser>
#include <QVBoxLayout>

namespace expertscope {

namespace {

QTextBrowser *openReader(QWidget *parent, const QString &title, const QString &name)
{
    auto *dialog = new QDialog{parent};
    dialog->setObjectName(name);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(title);
    auto *reader = new QTextBrowser{dialog};
    reader->setOpenExternalLinks(true);
    auto *buttons = new QDialogButtonBox{QDialogButtonBox::Close, dialog};
    QObject::connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
    auto *layout = new QVBoxLayout{dialog};
    layout->addWidget(reader);
    layout->addWidget(buttons);
    dialog->resize(620, 600);
    dialog->show();
    return reader;
}

QString tableRow(const QString &keys, const QString &what)
{
    return QStringLiteral("<tr><td style='padding-right: 24px'><b>%1</b></td><td>%2</td></tr>")
        .arg(keys.toHtmlEscaped(), what.toHtmlEscaped());
}

QString tr(const char *text)
{
    return QCoreApplication::translate("Help", text);
}

} // namespace

void showKeys(QWidget *parent)
{
    QString html = QStringLiteral("<h3>%1</h3><table cellpadding='2'>").arg(tr("In every view"));
    for (const KeyHelp &key : viewKeys())
        html += tableRow(QString::fromUtf8(key.keys), QString::fromUtf8(key.what));
    html += QStringLiteral("</table><h3>%1</h3><table cellpadding='2'>").arg(tr("In the window"));
    if (const auto *window = qobject_cast<QMainWindow *>(parent))
        for (const NamedAction &action : menuActions(*window->menuBar()))
            if (!action.keys.isEmpty())
                html += tableRow(action.keys, action.path);
    openReader(parent, tr("Keys and gestures"), QStringLiteral("keysWindow"))->setHtml(html + QStringLiteral("</table>"));
}

void showAbout(QWidget *parent)
{
    openReader(parent, tr("About Expertscope"), QStringLiteral("aboutWindow"))
        ->setHtml(QStringLiteral("<h2>Expertscope %1</h2><p>%2</p><p>%3</p><p>%4</p>")
                      .arg(QStringLiteral(EXPERTSCOPE_VERSION),
                          tr("Opens a Mixture-of-Experts language model, runs it in its own engine, records which experts every token "
                             "takes in every layer, and shows it."),
                          tr("What you see is what the model did: the router's choices are taken from the forward pass itself, before "
                             "anything is drawn, and every figure can be exported with its numbers."),
                          tr("Licensed under the Apache License 2.0. Uses Qt, HDF5, oneDNN, Eigen, ICU, PCRE2 and nlohmann/json under "
                             "their own licences.")));
}

void showDataSources(QWidget *parent, const DemoFiles &demo)
{
    QString text;
    QStringList folders;
    if (!demo.model.isEmpty())
        folders << demo.model;
    if (!demo.corpus.isEmpty())
        folders << QFileInfo{demo.corpus.front()}.absolutePath();
    for (const QString &folder : folders)
        for (const QFileInfo &info : QDir{folder}.entryInfoList({QStringLiteral("*.md")}, QDir::Files, QDir::Name)) {
            QFile file{info.filePath()};
            if (file.open(QIODevice::ReadOnly))
                text += QString::fromUtf8(file.readAll()) + QStringLiteral("\n\n");
        }
    openReader(parent, tr("Where the demo comes from"), QStringLiteral("sourcesWindow"))
        ->setMarkdown(text.isEmpty() ? tr("The bundled demo was not found.") : text);
}

} // namespace expertscope
