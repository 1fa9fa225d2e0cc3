// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Milliseconds from a moved slider to the painted outcome, in the real window on the bundled demo, by length of the text, first edited
// layer and number of edited experts. Run with QT_QPA_PLATFORM=offscreen; the limit is 100 ms for a text of 200 tokens.
#include "tests/bench/bench_window.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <vector>

using namespace expertscope;

namespace {

constexpr int rounds = 15;

/// A text of so many tokens, from the corpus.
void selectText(BenchWindow &bench, std::size_t tokens)
{
    Workbench &workbench = bench.workbench;
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
    bench.settle();
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
Times change(BenchWindow &bench, const Recipe &recipe)
{
    SteeringModel &model = bench.workbench.steering().model();
    const PaintWatch watch{*bench.window.viewArea().activeView()};
    double outcome = -1;
    QObject::connect(&model, &SteeringModel::changed, &watch, [&] {
        if (outcome < 0 && model.state().outcome && model.state().outcome->recipe == recipe)
            outcome = watch.elapsedMs();
    });
    emit model.recipeWished(recipe, true);
    while (outcome < 0 || watch.last < outcome)
        BenchWindow::waitForEvents();
    QApplication::processEvents(); // the other parts of the view
    return {outcome, watch.last};
}

void measure(BenchWindow &bench, const std::vector<int> &layers, int experts)
{
    std::vector<double> outcome, painted;
    for (int round = 0; round < rounds; ++round) {
        const Times times = change(bench, recipeOf(layers, experts, round));
        outcome.push_back(times.outcome);
        painted.push_back(times.painted);
    }
    bench.settle();
    std::sort(outcome.begin(), outcome.end());
    std::sort(painted.begin(), painted.end());
    const OpenTrace &open = *bench.workbench.document().current();
    std::printf("%5lld tokens, %d experts in each of %zu layers from %d on: outcome %6.1f ms, painted %6.1f ms (slowest %6.1f)\n",
        static_cast<long long>(open.trace->meta().sequences.back().range().count()), experts, layers.size(), layers.front(),
        outcome[rounds / 2], painted[rounds / 2], painted.back());
    std::fflush(stdout);
}

} // namespace

int main(int argc, char **argv)
{
    QApplication app(argc, argv);
    BenchWindow bench{QApplication::arguments().mid(1)};
    ViewArea &area = bench.window.viewArea();
    for (View *view : area.views())
        if (view->objectName() == QLatin1String("steering"))
            area.activate(view);
    const ModelConfig &config = bench.workbench.document().model()->config;
    const std::vector<int> layers = config.moeLayers();
    const int experts = config.maxExperts();
    for (const std::size_t tokens : {25u, 50u, 100u, 200u}) {
        selectText(bench, tokens);
        for (const std::size_t first : {std::size_t{0}, layers.size() / 2, layers.size() - 1})
            measure(bench, {layers[first]}, 1);
        if (tokens == 200) {
            for (const int count : {experts / 8, experts / 2, experts})
                measure(bench, layers, count);
        }
    }
    return 0;
}
