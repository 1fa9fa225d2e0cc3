// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Milliseconds a frame of the views at the sizes they must stay fluid at: 94 layers x 512 experts, and 100,000 tokens.
// Run with QT_QPA_PLATFORM=offscreen; every frame is a full repaint at Full HD after a change of view (zoom, pan, scroll).
#include "../views/view_fixture.h"
#include "views/routing_map/routing_map_view.h"
#include "views/tokens/tokens_view.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QImage>
#include <QMouseEvent>
#include <QScrollBar>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <vector>

using namespace expertscope;

namespace {

Subject subjectOf(const TracePtr &trace)
{
    Subject subject;
    subject.trace = trace;
    return subject;
}

constexpr int frames = 60;
const QSize fullHd(1920, 1080);

double cpuMs()
{
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

/// Processor time of this thread says what the program costs on a busy machine, wall time what a person waits.
void measure(const char *name, QWidget &widget, const std::function<void(int)> &change)
{
    QImage target(widget.size(), QImage::Format_RGB32);
    std::vector<double> wall;
    std::vector<double> cpu;
    for (int frame = 0; frame < frames; ++frame) {
        QElapsedTimer timer;
        timer.start();
        const double before = cpuMs();
        change(frame);
        widget.render(&target);
        cpu.push_back(cpuMs() - before);
        wall.push_back(static_cast<double>(timer.nsecsElapsed()) / 1e6);
    }
    std::sort(wall.begin(), wall.end());
    std::sort(cpu.begin(), cpu.end());
    std::printf("%-56s CPU median %6.2f ms, 95 %% %6.2f, worst %6.2f   wall median %6.2f\n", name, cpu[frames / 2], cpu[frames * 95 / 100],
        cpu.back(), wall[frames / 2]);
    std::fflush(stdout);
}

void hover(QWidget &widget, QPointF at)
{
    QMouseEvent move(QEvent::MouseMove, at, widget.mapToGlobal(at), Qt::NoButton, Qt::NoButton, Qt::NoModifier);
    QApplication::sendEvent(&widget, &move);
}

void timed(const char *name, const std::function<void()> &work)
{
    QElapsedTimer timer;
    timer.start();
    work();
    std::printf("%-58s %8.1f ms (off the UI thread in the program)\n", name, static_cast<double>(timer.nsecsElapsed()) / 1e6);
    std::fflush(stdout);
}

void benchLayerExpert(const TracePtr &trace)
{
    SelectionModel selection;
    test::Jobs jobs;
    RoutingMapView view(jobs.context(selection));
    view.resize(fullHd);
    view.show();
    timed("routing map 94 x 512: counts", [&] { view.setSubject(subjectOf(trace)); });
    HeatmapView &map = *view.map();
    measure("routing map 94 x 512: everything, pan by a cell", map, [&](int i) {
        map.setWindow({i * 0.5, 480 + i * 0.5, i * 0.1, 80 + i * 0.1});
    });
    measure("routing map 94 x 512: zoom in at a cell", map, [&](int i) {
        if (i == 0)
            map.fit();
        map.zoom(1.05, 1.05, QPointF(900, 500));
    });
    map.fit();
    measure("routing map 94 x 512: hover (crosshair and readout)", map, [&](int i) { hover(map, QPointF(200 + 20 * i, 300 + 5 * i)); });
}

void benchTokenLayer(const TracePtr &trace)
{
    SelectionModel selection;
    test::Jobs jobs;
    RoutingMapView view(jobs.context(selection));
    view.resize(fullHd);
    view.show();
    jobs.hold = true;
    view.setSubject(subjectOf(trace));
    view.setMode(RoutingMapView::Mode::TokenLayer);
    HeatmapView &map = *view.map();
    for (const char *value : {"top_expert", "top_weight"}) {
        view.setValue(QLatin1String(value));
        timed((std::string("token map 100,000 tokens x 94 layers, ") + value + ": build").c_str(), [&] { jobs.run(); });
        measure((std::string("token map, ") + value + ": everything, panning").c_str(), map, [&](int i) {
            map.setWindow({i * 10.0, 99'000.0 + i * 10, 0, 94});
        });
        measure((std::string("token map, ") + value + ": zoom in to single tokens").c_str(), map, [&](int i) {
            if (i == 0)
                map.fit();
            map.zoom(1.12, 1, QPointF(700, 500));
        });
        map.fit();
        measure(
            (std::string("token map, ") + value + ": hover").c_str(), map, [&](int i) { hover(map, QPointF(200 + 20 * i, 300 + 5 * i)); });
    }
}

void benchTokens(const TracePtr &trace)
{
    SelectionModel selection;
    test::Jobs jobs;
    TokensView view(jobs.context(selection));
    view.resize(fullHd);
    view.show();
    timed("tokens 100,000: index and values", [&] { view.setSubject(subjectOf(trace)); });
    TokenCanvas &canvas = *view.canvas();
    QScrollBar &bar = *canvas.verticalScrollBar();
    measure("tokens 100,000: scroll by three lines (wheel)", canvas, [&](int) { bar.setValue(bar.value() + 72); });
    measure("tokens 100,000: scroll by a page", canvas, [&](int) { bar.setValue(bar.value() + 1000); });
    measure("tokens 100,000: jump anywhere", canvas,
        [&](int i) { bar.setValue(static_cast<int>(static_cast<std::int64_t>(bar.maximum()) * ((i * 37) % 60) / 60)); });
    measure("tokens 100,000: hover", canvas, [&](int i) { hover(*canvas.viewport(), QPointF(100 + 25 * i, 200 + 10 * i)); });
    measure("tokens 100,000: change of layer, recoloured", canvas, [&](int i) {
        Selection next;
        next.layer = i % 90;
        selection.set(next);
    });
}

} // namespace

int main(int argc, char **argv)
{
    QApplication app(argc, argv);
    QFont font(QStringLiteral("Noto Sans"));
    font.setPointSize(10);
    QApplication::setFont(font);
    const TracePtr trace = test::largeTrace(100'000, 94, 512, 8);
    std::printf("%dx%d, %d frames each\n", fullHd.width(), fullHd.height(), frames);
    benchLayerExpert(trace);
    benchTokenLayer(trace);
    benchTokens(trace);
    return 0;
}
