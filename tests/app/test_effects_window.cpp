// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Measured effects beside rankings and other routes of a token, in the real window on a tiny model: what is measured, what is reused,
// what stops it, and what stands in the way.
#include "engine/experiments/sequence_sample.h"
#include "tests/app/app_fixture.h"
#include "views/analyses/analyses_view.h"
#include "views/common/result_pages.h"
#include "views/common/result_table.h"
#include "views/common/series_chart.h"
#include "views/steering/effects_page.h"
#include "views/steering/routes_page.h"
#include "views/steering/steering_view.h"

#include <QAction>
#include <QFile>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableView>
#include <QTest>
#include <QToolButton>

#include <algorithm>
#include <cmath>

using namespace expertscope;
using expertscope::test::AppFixture;

namespace {

const EffectsState &state(AppFixture &app)
{
    return app.workbench->effects().model().state();
}

std::size_t known(AppFixture &app)
{
    return state(app).effects ? state(app).effects->size() : 0;
}

void wish(AppFixture &app, const std::vector<ExpertPlace> &experts)
{
    emit app.workbench->effects().model().wished(experts);
}

void set(AppFixture &app, ParamValues settings)
{
    emit app.workbench->effects().model().settingsWished(settings);
}

std::vector<ExpertPlace> everyExpert()
{
    std::vector<ExpertPlace> all;
    for (int layer = 0; layer < 3; ++layer)
        for (int expert = 0; expert < 8; ++expert)
            all.push_back({layer, expert});
    return all;
}

void startWithModel(AppFixture &app)
{
    app.start({app.model(), app.corpus()});
    QVERIFY(app.settle());
    QVERIFY2(state(app).obstacle.isEmpty(), qPrintable(state(app).obstacle));
}

/// The Analyses view with a table whose rows are experts.
AnalysesView *showRanking(AppFixture &app)
{
    auto *view = app.find<AnalysesView>(QStringLiteral("analyses"));
    app.window->viewArea().activate(view);
    view->setAnalysis(QStringLiteral("specialisation"));
    auto *pages = view->findChild<ResultPages *>();
    pages->setCurrentIndex(ResultPages::Tables);
    const bool shown = QTest::qWaitFor([view] { return view->result() != nullptr; }, 20000); // it runs once it is seen
    return shown && app.settle() ? view : nullptr;
}

SteeringView *showSteering(AppFixture &app, SteeringView::Page page)
{
    auto *view = app.find<SteeringView>(QStringLiteral("steering"));
    app.window->viewArea().activate(view);
    view->showPage(page);
    return view;
}

void selectToken(AppFixture &app, std::int64_t token, int layer)
{
    Selection selection = app.selection();
    selection.token = token;
    selection.sequence = app.document().current()->trace->meta().sequenceOf(token);
    selection.layer = layer;
    app.document().selection().set(selection);
}

} // namespace

class TestEffectsWindow : public QObject {
    Q_OBJECT

private slots:
    void withoutAModelNothingIsOffered()
    {
        AppFixture app;
        app.start();
        QVERIFY(app.settle());
        QVERIFY(state(app).obstacle.contains(QStringLiteral("open a model")));
        wish(app, everyExpert());
        QVERIFY(!state(app).running && known(app) == 0);
    }

    void effectsAreThoseOfTheEngine()
    {
        AppFixture app;
        startWithModel(app);
        QStringList works;
        connect(app.workbench.get(), &Workbench::progressed, this, [&](const WorkProgress &work) { works << work.what; });
        wish(app, {{1, 3}, {0, 2}, {1, 3}});
        QVERIFY(state(app).running && app.workbench->busy());
        QVERIFY(app.settle());
        QVERIFY(works.contains(QStringLiteral("Measuring the effects of experts")));
        QCOMPARE(known(app), std::size_t{2});
        const RoutingTrace &trace = *app.document().current()->trace;
        std::vector<TokenSequence> sample;
        for (const int sequence : drawnSequences(trace.meta(), 2, 42))
            sample.push_back(sequenceOf(trace, sequence, 64));
        QCOMPARE(sample.size(), std::size_t{12}); // two of each of five languages, and the two of code
        QVERIFY2(state(app).sample.startsWith(QStringLiteral("12 texts of Corpus")), qPrintable(state(app).sample));
        const AblationEffect &effect = state(app).effects->at({1, 3});
        QCOMPARE(effect.loss.units, 12);
        QVERIFY(effect.loss.difference != 0 && !std::isnan(effect.loss.p));
        std::int64_t tokens = 0;
        for (const TokenSequence &text : sample)
            tokens += std::ssize(text.tokens) - 1;
        QCOMPARE(state(app).tokens, tokens);

        // what is known is not measured again; other settings are another measurement
        const auto before = state(app).effects->at({1, 3});
        wish(app, {{1, 3}, {2, 5}});
        QVERIFY(app.settle());
        QCOMPARE(known(app), std::size_t{3});
        QCOMPARE(state(app).effects->at({1, 3}).loss.difference, before.loss.difference);
        set(app, {{"op", "mask"}});
        QCOMPARE(known(app), std::size_t{3}); // until something is measured with them
        wish(app, {{2, 5}});
        QVERIFY(app.settle());
        QCOMPARE(known(app), std::size_t{1});
    }

    void columnsAppearBesideTheRanking()
    {
        AppFixture app;
        startWithModel(app);
        AnalysesView *view = showRanking(app);
        QVERIFY(view);
        ResultTable *table = view->findChild<ResultPages *>()->rows();
        const int own = table->model().columnCount();
        QVERIFY(columnOf(table->model(), "effect") < 0);
        QVERIFY(view->csv().find("effect") == std::string::npos);
        auto *button = table->findChild<QToolButton *>(QStringLiteral("measureEffects"));
        QVERIFY(!button->isHidden() && button->isEnabled());
        button->click();
        QCOMPARE(button->text(), QStringLiteral("Stop measuring"));
        QVERIFY(app.settle());
        QCOMPARE(button->text(), QStringLiteral("Measure effects"));
        QCOMPARE(known(app), std::size_t{24});
        QCOMPARE(table->model().columnCount(), own + 7);
        const int column = columnOf(table->model(), "effect");
        QCOMPARE(column, own);
        QVERIFY(
            table->model().headerData(column, Qt::Horizontal, Qt::ToolTipRole).toString().contains(QStringLiteral("12 texts of Corpus")));
        QVERIFY(table->findChild<QLabel *>(QStringLiteral("effectsCaption"))->text().contains(QStringLiteral("exclude")));
        QVERIFY(
            view->csv().find(",effect,effect_low,effect_high,effect_p,effect_significant,effect_tokens,effect_n\r\n") != std::string::npos);
        table->view()->sortByColumn(column, Qt::DescendingOrder);
        const std::vector<ExpertPlace> experts = expertsOf(table->model().table());
        for (int row = 1; row < table->model().rowCount(); ++row)
            QVERIFY(state(app).effects->at(experts[table->model().source(row - 1)]).loss.difference
                >= state(app).effects->at(experts[table->model().source(row)]).loss.difference);

        // the same effects in the scatter
        table->findChild<QAction *>(QStringLiteral("effectsScatter"))->trigger();
        QVERIFY(app.settle());
        auto *steering = app.find<SteeringView>(QStringLiteral("steering"));
        QCOMPARE(steering->page(), SteeringView::Effects);
        QVERIFY(steering->isVisible());
        SeriesChart *chart = steering->effects()->chart();
        QCOMPARE(chart->series().x.size(), std::size_t{24});
        QVERIFY2(steering->effects()->caption().contains(QStringLiteral("n = 24 experts")), qPrintable(steering->effects()->caption()));
        emit chart->picked(5, 1);
        const QString name = QString::fromStdString(chart->series().names[5]);
        QCOMPARE(QStringLiteral("layer %1, expert %2").arg(app.selection().layer).arg(app.selection().experts.front()), name);
        QVERIFY(steering->csv().starts_with("layer,expert,"));
        app.chosenSave = app.path(QStringLiteral("scatter.svg"));
        emit steering->pictureWished();
        QVERIFY(QFile::exists(app.chosenSave));

        // another model has other effects
        test::writeTinyModel(app.path(QStringLiteral("other")), 300);
        app.workbench->openModel(app.path(QStringLiteral("other")));
        QVERIFY(app.settle());
        QCOMPARE(known(app), std::size_t{0});
        app.window->viewArea().activate(view);
        QTRY_COMPARE(table->model().columnCount(), own);
    }

    void itCanBeStoppedInTheMiddle()
    {
        AppFixture app;
        startWithModel(app);
        set(app, {{"per_language", "100"}, {"bootstrap", "20000"}});
        wish(app, everyExpert());
        QSignalSpy progressed(app.workbench.get(), &Workbench::progressed);
        QVERIFY(progressed.wait());
        app.action(QStringLiteral("stop"))->trigger();
        QVERIFY(app.settle());
        QVERIFY(!state(app).running);
        const std::size_t some = known(app);
        QVERIFY2(some < 24, qPrintable(QString::number(some)));
        wish(app, everyExpert());
        QVERIFY(app.settle());
        QCOMPARE(known(app), std::size_t{24});
    }

    void steeringGetsItsTurnInBetween()
    {
        AppFixture app;
        startWithModel(app);
        set(app, {{"per_language", "100"}, {"bootstrap", "30000"}});
        wish(app, everyExpert());
        showSteering(app, SteeringView::Text);
        QTRY_VERIFY(app.workbench->steering().model().state().outcome);
        QVERIFY(state(app).running); // not done yet
        QVERIFY(app.settle());
        QCOMPARE(known(app), std::size_t{24});
    }

    void oneTextHasNoInterval()
    {
        AppFixture app;
        startWithModel(app);
        selectToken(app, app.document().current()->trace->meta().sequences[4].firstToken + 1, 0);
        set(app, {{"texts", "selected"}});
        wish(app, {{0, 1}, {0, 2}});
        QVERIFY(app.settle());
        QVERIFY(state(app).sample.contains(QStringLiteral("t0-zh")));
        const AblationEffect &effect = state(app).effects->at({0, 1});
        QCOMPARE(effect.loss.units, 1);
        QVERIFY(std::isfinite(effect.loss.difference) && std::isnan(effect.loss.interval.low) && std::isnan(effect.loss.p));
    }

    void aTraceOfAnotherModelIsRefusedWithTheReason()
    {
        AppFixture app;
        startWithModel(app);
        app.workbench->saveTrace(app.path(QStringLiteral("first.h5")));
        QVERIFY(app.settle());
        test::writeTinyModel(app.path(QStringLiteral("other")), 300);
        app.workbench->openModel(app.path(QStringLiteral("other")));
        QVERIFY(app.settle());
        QVERIFY(state(app).obstacle.isEmpty()); // the corpus was traced again
        app.workbench->openTrace(app.path(QStringLiteral("first.h5")));
        QVERIFY(app.settle());
        QVERIFY2(state(app).obstacle.contains(QStringLiteral("open the model that made it")), qPrintable(state(app).obstacle));
        AnalysesView *view = showRanking(app);
        QVERIFY(view);
        auto *button = view->findChild<QToolButton *>(QStringLiteral("measureEffects"));
        QVERIFY(!button->isEnabled());
        QCOMPARE(button->toolTip(), state(app).obstacle);
    }

    void otherRoutesAreTriedAndTakenIntoTheRecipe()
    {
        AppFixture app;
        startWithModel(app);
        SteeringView *view = showSteering(app, SteeringView::Routes);
        QVERIFY(app.settle());
        const RoutesState &routes = app.workbench->routes().model().state();
        QVERIFY(routes.obstacle.contains(QStringLiteral("Select a token")));
        const SequenceInfo info = app.document().current()->trace->meta().sequences[2];
        selectToken(app, info.range().end - 1, 1);
        QVERIFY(app.settle());
        QVERIFY(routes.obstacle.contains(QStringLiteral("last token")));
        selectToken(app, info.firstToken + 5, 1);
        QVERIFY(app.settle());
        QVERIFY2(routes.outcome && routes.problem.isEmpty(), qPrintable(routes.obstacle + routes.problem));
        const RoutesOutcome outcome = *routes.outcome;
        QCOMPARE(outcome.position, 5);
        QCOMPARE(outcome.layer, 1);
        QVERIFY(outcome.routes.everySet);
        QCOMPARE(outcome.routes.others.size(), std::size_t{27}); // 8 choose 2, less the model's own
        QCOMPARE(view->routes()->table()->model().rowCount(), 28);
        QVERIFY(view->csv().starts_with("experts,chosen,mass,probability,logprob,utility"));
        const float own = app.document().current()->trace->tokens({info.firstToken + 6, info.firstToken + 7}).logprob.front();
        QVERIFY(std::fabs(outcome.routes.own.logprob - static_cast<double>(own)) < 1e-4);

        emit view->routes()->chart()->picked(4, 0);
        view->routes()->findChild<QPushButton *>(QStringLiteral("tryRoute"))->click();
        QCOMPARE(view->page(), SteeringView::Text);
        QVERIFY(app.settle());
        const SteeringState &steered = app.workbench->steering().model().state();
        QCOMPARE(steered.recipe.edits.size(), std::size_t{1});
        QVERIFY2(steered.problem.isEmpty(), qPrintable(steered.problem));
        const RoutingTrace &trace = *steered.outcome->comparison.steered;
        const auto logprob = static_cast<double>(trace.tokens({6, 7}).logprob.front());
        QVERIFY(std::fabs(logprob - outcome.routes.others[3].logprob) < 1e-4);
        std::vector<ExpertId> ids(static_cast<std::size_t>(trace.meta().slotCount));
        trace.expertIds({5, 6}, 1, ids);
        std::sort(ids.begin(), ids.end());
        QVERIFY(std::equal(ids.begin(), ids.end(), outcome.routes.others[3].experts.begin()));
        QCOMPARE(steered.outcome->comparison.baseline->tokens({4, 5}).logprob, trace.tokens({4, 5}).logprob); // no earlier token changes
    }

private:
    static int columnOf(const TableItemModel &model, const std::string &name)
    {
        const auto &columns = model.table().columns;
        const auto at = std::find_if(columns.begin(), columns.end(), [&](const Column &column) { return column.name == name; });
        return at == columns.end() ? -1 : static_cast<int>(at - columns.begin());
    }
};

QTEST_MAIN(TestEffectsWindow)
#include "test_effects_window.moc"
