// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Milliseconds from choosing a view to the first thing painted and to its first painted result, in the real window: on the bundled demo,
// which is traced first, or on trace files. Run with QT_QPA_PLATFORM=offscreen; the limit on the demo is 200 ms.
#include "app/window/main_window.h"
#include "app/workbench.h"
#include "views/common/analysis_view.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QTimer>

#include <cstdio>
#include <ctime>

using namespace expertscope;

namespace {

/// Notes when the view or anything in it was painted last.
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

/// Sleeps until something happens, as the window itself does: a loop that spins would take a core from what is measured. Needs a timer
/// that runs, to look again where nothing happens.
void waitForEvents()
{
    QApplication::processEvents(QEventLoop::WaitForMoreEvents);
}

/// Processor time of this program so far, on all cores: says most where other programs run.
double processorMs()
{
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

void settle(Workbench &workbench)
{
    while (workbench.busy() || !workbench.jobs().idle())
        waitForEvents();
    QApplication::processEvents();
}

void open(ViewArea &area, View &view, Workbench &workbench)
{
    const PaintWatch watch(view);
    const double before = processorMs();
    area.activate(&view);
    auto *analysis = qobject_cast<AnalysisView *>(&view);
    double ready = -1;
    while (watch.elapsedMs() < 60000) {
        waitForEvents();
        const bool done = analysis ? analysis->result() || analysis->current()->error() : workbench.jobs().idle();
        if (ready < 0 && done)
            ready = watch.elapsedMs();
        if (ready >= 0 && watch.last >= ready)
            break;
        if (!analysis && ready >= 0 && watch.first >= 0 && watch.elapsedMs() > ready + 50)
            break; // nothing had to be computed: what was painted first is the result
    }
    const double result = watch.last >= ready ? watch.last : watch.first;
    std::printf("%-16s first painted %7.1f ms, result painted %7.1f ms, processor %7.1f ms%s\n", qPrintable(view.objectName()), watch.first,
        result, processorMs() - before, analysis && analysis->current()->error() ? " (cannot run here)" : "");
    std::fflush(stdout);
    settle(workbench);
}

} // namespace

int main(int argc, char **argv)
{
    QApplication app(argc, argv);
    const QTemporaryDir own;
    Settings settings{own.filePath(QStringLiteral("settings.ini"))};
    Workbench workbench;
    MainWindow window{workbench, settings, Dialogs::real()};
    window.resize(1500, 940);
    window.show();
    window.start(QApplication::arguments().mid(1));
    QTimer wake;
    wake.start(2);
    settle(workbench);
    ViewArea &area = window.viewArea();
    for (View *view : area.views())
        open(area, *view, workbench);
    std::printf("again:\n");
    for (View *view : area.views())
        open(area, *view, workbench);
    return 0;
}
