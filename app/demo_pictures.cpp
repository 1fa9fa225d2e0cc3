// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/demo_pictures.h"

#include "app/export.h"
#include "app/window/theme.h"

#include <QApplication>
#include <QBuffer>
#include <QDir>
#include <QPixmap>
#include <QTimer>

#include <cstdio>
#include <utility>

namespace expertscope {

DemoPictures::DemoPictures(Workbench &workbench, MainWindow &window, QString folder, bool saveTrace)
    : m_workbench{workbench}
    , m_window{window}
    , m_folder{std::move(folder)}
    , m_saveTrace{saveTrace}
{
    connect(&workbench, &Workbench::workChanged, this, &DemoPictures::later);
    connect(&workbench.jobs(), &JobRunner::ended, this, &DemoPictures::later);
    connect(&workbench, &Workbench::failed, this, &DemoPictures::fail);
    connect(&workbench, &Workbench::progressed, this, [](const WorkProgress &progress) {
        if (progress.total > 0)
            std::fprintf(stderr, "\r%s: %lld of %lld %s ", qUtf8Printable(progress.what), progress.done, progress.total,
                qUtf8Printable(progress.unit));
    });
}

/// By way of the event queue, so that new colours and results have reached every widget by then.
void DemoPictures::later()
{
    if (!std::exchange(m_queued, true))
        QMetaObject::invokeMethod(this, &DemoPictures::advance, Qt::QueuedConnection);
}

void DemoPictures::advance()
{
    m_queued = false;
    if (m_failed || m_waits || m_workbench.busy() || !m_workbench.jobs().idle())
        return;
    try {
        switch (m_stage) {
        case Stage::Tracing:
            if (!m_workbench.document().current())
                throw m_saveTrace ? Error{ErrorKind::Input, "the demo did not run", "",
                    "Set EXPERTSCOPE_DATA_DIR to the folder that holds the demo's model and corpus"}
                                  : Error{ErrorKind::Input, "no trace was opened", "", "Give a trace file that exists"};
            if (!QDir{}.mkpath(m_folder))
                throw Error{ErrorKind::Input, "the folder cannot be made", m_folder.toStdString(), "Choose a folder that you may write to"};
            m_stage = Stage::Dark;
            selectSomething();
            applyTheme(Theme::Dark, 100);
            return showNext();
        case Stage::Dark:
            pictureWindow(QStringLiteral("dark"));
            if (m_view == views().size()) {
                m_stage = Stage::Light;
                m_view = 0;
                applyTheme(Theme::Light, 100);
            }
            return showNext();
        case Stage::Light:
            pictureWindow(QStringLiteral("light"));
            pictureView();
            if (m_view < views().size())
                return showNext();
            m_stage = Stage::Saving;
            return m_saveTrace ? m_workbench.saveTrace(traceFile()) : later();
        case Stage::Saving:
            m_stage = Stage::Done;
            std::fputc('\n', stderr);
            if (m_saveTrace)
                std::puts(qUtf8Printable(traceFile()));
            QApplication::exit(0);
            return;
        case Stage::Done:
            return;
        }
    } catch (...) {
        fail(currentError());
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

const std::vector<View *> &DemoPictures::views() const
{
    return m_window.viewArea().views();
}

void DemoPictures::showNext()
{
    m_window.viewArea().activate(views()[m_view++]);
    // A view begins its work when it is painted; only then is there something to wait for.
    constexpr int untilPaintedMs = 300;
    m_waits = true;
    QTimer::singleShot(untilPaintedMs, this, [this] {
        m_waits = false;
        later();
    });
}

/// The first view's is the picture of the window.
void DemoPictures::pictureWindow(const QString &theme)
{
    const QString name = m_view == 1 ? QStringLiteral("window-%1.png").arg(theme)
                                     : QStringLiteral("window-%1-%2.png").arg(views()[m_view - 1]->objectName(), theme);
    QBuffer buffer;
    buffer.open(QIODevice::WriteOnly);
    m_window.grab().save(&buffer, "PNG");
    const QString file = QDir{m_folder}.filePath(name);
    writeWhole(file, buffer.data());
    std::puts(qUtf8Printable(file));
}

void DemoPictures::pictureView()
{
    View *view = views()[m_view - 1];
    const QString file = QDir{m_folder}.filePath(view->objectName() + QStringLiteral(".png"));
    exportPicture(*view, file);
    std::puts(qUtf8Printable(file));
}

QString DemoPictures::traceFile() const
{
    return QDir{m_folder}.filePath(QStringLiteral("demo-trace.h5"));
}

void DemoPictures::fail(const Error &error)
{
    m_failed = true;
    std::fprintf(stderr, "\nexpertscope: %s\n", error.what());
    QApplication::exit(static_cast<int>(error.kind));
}

} // namespace expertscope
