// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Milliseconds from a moved slider to the painted outcome, in the real window on the bundled demo, by length of the text, first edited
// layer and number of edited experts. Run with QT_QPA_PLATFORM=offscreen; the limit is 100 ms for a text of 200 tokens.
#include "app/window/main_window.h"
#include "app/workbench.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QTemporaryDir>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <vector>

using namespace expertscope;

namespace {

constexpr int rounds = 15;

void settle(Workbench &workbench)
{
    while (workbench.busy() || !workbench.jobs().idle())
        QApplication::processEvents(QEventLoop::AllEvents, 20);
    QApplication::processEvents();
}

/// Counts paintings of the view or anything in it.
class PaintWatch : public QObject {
public:
    explicit PaintWatch(QWidget &view)
        : m_view{view}
    {
        qApp->installEventFilter(this);
    }
    bool eventFilter(QObject *object, QEvent *event) override
    {
        const auto *widget = qobject_cast<const QWidget *>(object);
        paintings += event->type() == QEvent::Paint && widget && m_view.isAncestorOf(widget);
        return false;
    }
    int paintings = 0;

private:
    QWidget &m_view;
};

/// A text of so many tokens, from the corpus.
void selectText(Workbench &workbench, std::size_t tokens)
{
    const Tokenizer &tokenizer = *workbench.document().model()->tokenizer;
    std::vector<std::int32_t> ids;
    for (const CorpusRow &row : workbench.document().corpus()->corpus->rows) {
        const std::vector<std::int32_t> more = tokenizer.encode(row.prompt, false);
        ids.insert(ids.end(), more.begin(), more.end());
        if (ids.size() >= tokens)
            break;
    }
    ids.resize(std::min(tokens, ids.size()));
    workbench.runPrompt({QString::fromStdString(tokenizer.decode(ids, true)), 0, {}});
    settle(workbench);
}

Recipe recipeOf(const std::vector<int> &layers, int experts, int round)
{
    Edit edit;
    edit.op = "soft";
    edit.settings = {{"strength", std::to_string(0.3 + 0.01 * round)}};
    for (const int layer : layers) {
        LayerExperts at{layer, false, std::vector<int>(static_cast<std::size_t>(experts))};
        std::iota(at.experts.begin(), at.experts.end(), 0);
        edit.experts.push_back(std::move(at));
    }
    Recipe recipe;
    recipe.edits = {edit};
    return recipe;
}

struct Times {
    double outcome = 0, painted = 0; ///< ms since the wish
};

/// From the wish to its outcome in the UI thread, and to the first painting with it.
Times change(Workbench &workbench, const PaintWatch &watch, const Recipe &recipe)
{
    SteeringModel &model = workbench.steering().model();
    QElapsedTimer clock;
    clock.start();
    emit model.recipeWished(recipe, true);
    while (!model.state().outcome || model.state().outcome->recipe != recipe)
        QApplication::processEvents(QEventLoop::WaitForMoreEvents);
    const double outcome = static_cast<double>(clock.nsecsElapsed()) / 1e6;
    for (const int before = watch.paintings; watch.paintings == before;)
        QApplication::processEvents(QEventLoop::WaitForMoreEvents);
    QApplication::processEvents(); // the other parts of the view
    return {outcome, static_cast<double>(clock.nsecsElapsed()) / 1e6};
}

void measure(Workbench &workbench, const PaintWatch &watch, const std::vector<int> &layers, int experts)
{
    std::vector<double> outcome, painted;
    for (int round = 0; round < rounds; ++round) {
        const Times times = change(workbench, watch, recipeOf(layers, experts, round));
        outcome.push_back(times.outcome);
        painted.push_back(times.painted);
    }
    settle(workbench);
    std::sort(outcome.begin(), outcome.end());
    std::sort(painted.begin(), painted.end());
    const OpenTrace &open = *workbench.document().current();
    std::printf("%5lld tokens, %d experts in each of %zu layers from %d on: outcome %6.1f ms, painted %6.1f ms (slowest %6.1f)\n",
        static_cast<long long>(open.trace->meta().sequences.back().range().count()), experts, layers.size(), layers.front(),
        outcome[rounds / 2], painted[rounds / 2], painted.back());
    std::fflush(stdout);
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
    settle(workbench);
    for (View *view : window.viewArea().views())
        if (view->objectName() == QLatin1String("steering"))
            window.viewArea().activate(view);
    const PaintWatch watch{*window.viewArea().activeView()};
    const std::vector<int> layers = workbench.document().model()->config.moeLayers();
    const int experts = workbench.document().model()->config.maxExperts();
    for (const std::size_t tokens : {25u, 50u, 100u, 200u}) {
        selectText(workbench, tokens);
        for (const std::size_t first : {std::size_t{0}, layers.size() / 2, layers.size() - 1})
            measure(workbench, watch, {layers[first]}, 1);
        if (tokens == 200) {
            for (const int count : {experts / 8, experts / 2, experts})
                measure(workbench, watch, layers, count);
        }
    }
    return 0;
}
