// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Milliseconds from choosing a view to the first thing painted and to its first painted result, in the real window: on the bundled demo,
// which is traced first, or on trace files. Run with QT_QPA_PLATFORM=offscreen; the limit on the demo is 200 ms.
#include "tests/bench/bench_window.h"
#include "views/common/analysis_view.h"

#include <cstdio>

using namespace expertscope;

namespace {

void open(BenchWindow &bench, View &view)
{
    const PaintWatch watch(view);
    const double before = processorMs();
    bench.window.viewArea().activate(&view);
    auto *analysis = qobject_cast<AnalysisView *>(&view);
    double ready = -1;
    while (watch.elapsedMs() < 60000) {
        BenchWindow::waitForEvents();
        const bool done = analysis ? analysis->result() || analysis->current()->error() : bench.workbench.jobs().idle();
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
    bench.settle();
}

} // namespace

int main(int argc, char **argv)
{
    QApplication app(argc, argv);
    BenchWindow bench{QApplication::arguments().mid(1)};
    const std::vector<View *> views = bench.window.viewArea().views();
    for (View *view : views)
        open(bench, *view);
    std::printf("again:\n");
    for (View *view : views)
        open(bench, *view);
    return 0;
}
