// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The real window for programs that measure it: settings of its own, and waiting that takes no processor from what is measured.
#pragma once

#include "app/window/main_window.h"
#include "app/workbench.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QTimer>

#include <ctime>

namespace expertscope {

class BenchWindow {
public:
    /// Opens the paths, or the bundled demo, and waits until all is traced.
    explicit BenchWindow(const QStringList &paths)
    {
        window.resize(1500, 940);
        window.show();
        window.start(paths);
        m_wake.start(2);
        settle();
    }

    /// Sleeps until something happens, as the window itself does: a loop that spins would take a core from what is measured.
    static void waitForEvents() { QApplication::processEvents(QEventLoop::WaitForMoreEvents); }
    void settle()
    {
        while (workbench.busy() || !workbench.jobs().idle())
            waitForEvents();
        QApplication::processEvents();
    }

private:
    QTemporaryDir m_own;
    QTimer m_wake; ///< to look again where nothing happens

public:
    Settings settings{m_own.filePath(QStringLiteral("settings.ini"))};
    Workbench workbench;
    MainWindow window{workbench, settings, Dialogs::real()};
};

/// Notes when a view or anything in it is painted, in milliseconds since the watch began; -1 = not yet.
class PaintWatch : public QObject {
public:
    explicit PaintWatch(QWidget &view)
        : m_view{view}
    {
        qApp->installEventFilter(this);
        m_clock.start();
    }
    bool eventFilter(QObject *object, QEvent *event) override
    {
        const auto *widget = qobject_cast<const QWidget *>(object);
        if (event->type() == QEvent::Paint && widget && (widget == &m_view || m_view.isAncestorOf(widget))) {
            last = elapsedMs();
            if (first < 0)
                first = last;
        }
        return false;
    }
    double elapsedMs() const { return static_cast<double>(m_clock.nsecsElapsed()) / 1e6; }
    double first = -1, last = -1;

private:
    QWidget &m_view;
    QElapsedTimer m_clock;
};

/// Processor time of this program so far, on all cores: says most where other programs run.
inline double processorMs()
{
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

} // namespace expertscope
