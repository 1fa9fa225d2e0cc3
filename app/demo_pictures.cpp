// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/demo_pictures.h"

#include "app/export.h"
#include "app/window/theme.h"

#include <QApplication>
#include <QBuffer>
#include <QDir>
#include <QPixmap>

#include <cstdio>

namespace expertscope {

DemoPictures::DemoPictures(Workbench &workbench, MainWindow &window, QString folder)
    : m_workbench{ workbench }
    , m_window{ window }
    , m_folder{ std::move(folder) }
{
    const auto later = [this] { QMetaObject::invokeMethod(this, &DemoPictures::advance, Qt::QueuedConnection); };
    connect(&workbench, &Workbench::workChanged, this, later);
    connect(&workbench.jobs(), &JobRunner::ended, this, later);
    connect(&workbench, &Workbench::failed, this, &DemoPictures::fail);
    connect(&workbench, &Workbench::progressed, this, [](const WorkProgress &progress) {
        if (progress.total > 0)
            std::fprintf(stderr, "\r%s: %lld of %lld %s ", qUtf8Printable(progress.what), progress.done, progress.total,
                qUtf8Printable(progress.unit));
    });
}

void DemoPictures::advance()
{
    if (m_failed || m_workbench.busy() || !m_workbench.jobs().idle())
        return;
    switch (m_stage) {
    case Stage::Tracing:
        if (!m_workbench.document().current()) {
            fail({ ErrorKind::Input, "the demo did not run", "",
                "Set EXPERTSCOPE_DATA_DIR to the folder that holds the demo's model and corpus" });
            return;
        }
        m_stage = Stage::Settling;
        selectSomething();
        QMetaObject::invokeMethod(this, &DemoPictures::advance, Qt::QueuedConnection);
        return;
    case Stage::Settling:
        m_stage = Stage::Saving;
        writePictures();
        if (!m_failed)
            m_workbench.saveTrace(QDir{ m_folder }.filePath(QStringLiteral("demo-trace.h5")));
        return;
    case Stage::Saving:
        std::fputc('\n', stderr);
        std::puts(qUtf8Printable(QDir{ m_folder }.filePath(QStringLiteral("demo-trace.h5"))));
        QApplication::exit(0);
    }
}

/// A word in the middle of the first sequence, at a middle layer.
void DemoPictures::selectSomething()
{
    const TraceMeta &meta = m_workbench.document().current()->trace->meta();
    Selection selection;
    selection.layer = meta.moeLayers() / 2;
    if (!meta.sequences.empty()) {
        const TokenRange range = meta.sequences.front().range();
        selection.token = range.begin + range.count() / 2;
    }
    m_workbench.document().selection().set(selection);
}

void DemoPictures::writePictures()
{
    try {
        if (!QDir{}.mkpath(m_folder))
            throw Error{ ErrorKind::Input, "the folder cannot be made", m_folder.toStdString(), "Choose a folder that you may write to" };
        for (const Theme theme : { Theme::Dark, Theme::Light }) {
            applyTheme(theme, 100);
            QBuffer buffer;
            buffer.open(QIODevice::WriteOnly);
            m_window.grab().save(&buffer, "PNG");
            write(theme == Theme::Dark ? QStringLiteral("window-dark.png") : QStringLiteral("window-light.png"), buffer.data());
        }
        for (View *view : m_window.viewArea().views()) {
            const QString file = QDir{ m_folder }.filePath(view->objectName() + QStringLiteral(".png"));
            exportPicture(*view, file);
            std::puts(qUtf8Printable(file));
        }
    } catch (...) {
        fail(currentError());
    }
}

void DemoPictures::write(const QString &name, const QByteArray &bytes)
{
    const QString file = QDir{ m_folder }.filePath(name);
    writeWhole(file, bytes);
    std::puts(qUtf8Printable(file));
}

void DemoPictures::fail(const Error &error)
{
    m_failed = true;
    std::fprintf(stderr, "\nexpertscope: %s\n", error.what());
    QApplication::exit(static_cast<int>(error.kind));
}

} // namespace expertscope
