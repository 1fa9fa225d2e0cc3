// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Steering in the real window on a tiny model: wishes become edits, edits are run on the selected text, all of it can be undone, and
// a recipe goes to a file and back.
#include "engine/experiments/comparison.h"
#include "tests/app/app_fixture.h"
#include "views/common/steering_model.h"
#include "views/compare/compare_view.h"
#include "views/steering/steering_view.h"

#include <QAction>
#include <QFile>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

using namespace expertscope;
using expertscope::test::AppFixture;

namespace {

const SteeringState &state(AppFixture &app)
{
    return app.workbench->steering().model().state();
}

/// The window with the tiny model and corpus traced, and the Steering view to be seen.
void startSteering(AppFixture &app)
{
    app.start({app.model(), app.corpus()});
    QVERIFY(app.settle());
    app.window->viewArea().activate(app.find<View>(QStringLiteral("steering")));
    QVERIFY(app.settle());
    QVERIFY2(state(app).outcome, qPrintable(state(app).obstacle + state(app).problem));
}

void wish(AppFixture &app, SteeringWish::Kind kind, int layer, int expert)
{
    emit app.workbench->steering().model().wished({kind, layer, {expert}});
}

double share(const SteeringState &state, std::size_t layer, std::size_t expert)
{
    return state.outcome->result.matrix("difference").at(layer, expert);
}

} // namespace

class TestSteeringWindow : public QObject {
    Q_OBJECT

private slots:
    void withoutAModelItSaysWhatToDo()
    {
        AppFixture app;
        app.start();
        app.window->viewArea().activate(app.find<View>(QStringLiteral("steering")));
        QVERIFY(app.settle());
        QVERIFY(state(app).obstacle.contains(QStringLiteral("open a model")));
    }

    void anEmptyRecipeChangesNothing()
    {
        AppFixture app;
        startSteering(app);
        const Result &result = state(app).outcome->result;
        QCOMPARE(result.number("loss_change").value, 0.0);
        QCOMPARE(result.number("divergence").value, 0.0);
        QCOMPARE(result.number("agreement").value, 1.0);
        QCOMPARE(state(app).outcome->comparison.firstLayer, 3); // there are three: nothing had to be run again
    }

    void wishesAreRunAndUndone()
    {
        AppFixture app;
        startSteering(app);
        wish(app, SteeringWish::Kind::Ablate, 1, 3);
        QVERIFY(app.settle());
        QCOMPARE(state(app).recipe.edits.size(), std::size_t{1});
        QCOMPARE(state(app).outcome->recipe, state(app).recipe);
        QCOMPARE(state(app).outcome->comparison.firstLayer, 1);
        const RoutingTrace &steered = *state(app).outcome->comparison.steered;
        std::vector<ExpertId> ids(static_cast<std::size_t>(steered.meta().tokens * steered.meta().slotCount));
        steered.expertIds({0, steered.meta().tokens}, 1, ids);
        QVERIFY(std::find(ids.begin(), ids.end(), ExpertId{3}) == ids.end());
        for (std::size_t expert = 0; expert < 8; ++expert)
            QCOMPARE(share(state(app), 0, expert), 0.0); // before the edit nothing changes
        QVERIFY(state(app).canUndo && !state(app).canRedo);

        wish(app, SteeringWish::Kind::Boost, 2, 0);
        QVERIFY(app.settle());
        app.workbench->steering().undo();
        app.workbench->steering().undo();
        QVERIFY(app.settle());
        QVERIFY(state(app).recipe.edits.empty() && state(app).canRedo);
        QCOMPARE(state(app).outcome->result.number("divergence").value, 0.0);
        app.workbench->steering().redo();
        QVERIFY(app.settle());
        QCOMPARE(state(app).recipe.edits.size(), std::size_t{1});
        QCOMPARE(state(app).outcome->recipe, state(app).recipe);
    }

    void aDragIsOneStepToUndo()
    {
        AppFixture app;
        startSteering(app);
        wish(app, SteeringWish::Kind::Boost, 1, 2);
        Recipe recipe = state(app).recipe;
        for (const char *strength : {"0.6", "0.8", "1.2"}) {
            recipe.edits.front().settings = {{"strength", strength}};
            emit app.workbench->steering().model().recipeWished(recipe, true);
        }
        QTRY_COMPARE(state(app).outcome->recipe, recipe); // the picture follows, and ends where the drag is
        emit app.workbench->steering().model().recipeWished(recipe, false);
        QVERIFY(app.settle());
        app.workbench->steering().undo();
        QCOMPARE(state(app).recipe.edits.front().settings, ParamValues{});
    }

    void theCorpusIsTracedWithTheRecipeAndCompared()
    {
        AppFixture app;
        startSteering(app);
        QVERIFY(!app.action(QStringLiteral("traceSteeredCorpus"))->isEnabled()); // nothing is changed yet
        wish(app, SteeringWish::Kind::Ablate, 1, 3);
        QVERIFY(app.settle());
        QVERIFY(app.action(QStringLiteral("traceSteeredCorpus"))->isEnabled());
        app.find<QPushButton>(QStringLiteral("traceSteeredCorpus"))->click();
        QVERIFY(app.settle());
        QCOMPARE(app.document().current()->key, Document::steeredKey);
        QCOMPARE(app.document().baseline()->key, Document::corpusKey);
        const auto *compare = qobject_cast<CompareView *>(app.window->viewArea().activeView());
        QVERIFY(compare && compare->result() && compare->result()->analysis == "trace-agreement");
        const RoutingTrace &own = *app.document().baseline()->trace, &steered = *app.document().current()->trace;
        QCOMPARE(steered.meta().tokens, own.meta().tokens);
        QVERIFY(own.meta().routing == RoutingDescription{});
        QVERIFY(steered.meta().routing.interventions == (std::vector<Intervention>{{1, 3, "exclude", 0}}));
        const std::vector<std::int64_t> before = own.load(), after = steered.load();
        QVERIFY(std::equal(before.begin(), before.begin() + 8, after.begin()));
        QVERIFY(before[8 + 3] > 0 && after[8 + 3] == 0);

        app.workbench->openModel(app.model());
        QVERIFY(app.settle());
        QVERIFY(!app.document().trace(Document::steeredKey)); // it was of the model before
        QVERIFY(app.document().trace(Document::corpusKey));
    }

    void whoWentOnIsNotTakenAwayFromTheirView()
    {
        AppFixture app;
        startSteering(app);
        wish(app, SteeringWish::Kind::Ablate, 1, 3);
        QVERIFY(app.settle());
        const auto views = app.window->viewArea().views();
        const auto balance =
            std::find_if(views.begin(), views.end(), [](const View *view) { return view->objectName() == QLatin1String("balance"); });
        QVERIFY(balance != views.end());
        app.window->viewArea().activate(*balance);
        app.action(QStringLiteral("traceSteeredCorpus"))->trigger();
        QVERIFY(app.settle());
        QCOMPARE(app.window->viewArea().activeView(), *balance);
        QCOMPARE(app.document().current()->key, Document::corpusKey);
        QVERIFY(app.document().trace(Document::steeredKey));
    }

    void aRecipeOpensWhereverItIsGiven()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        QFile file{app.path(QStringLiteral("edit.json"))};
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("{\"expertscope_recipe\": 1, \"edits\": [{\"op\": \"mask\", \"experts\": {\"2\": [4]}}]}");
        file.close();
        QCOMPARE(pathKind(file.fileName()), PathKind::Recipe);
        app.workbench->open(file.fileName());
        QVERIFY(app.settle());
        QCOMPARE(app.window->viewArea().activeView()->objectName(), QStringLiteral("steering"));
        QCOMPARE(state(app).recipe.edits.size(), std::size_t{1});
        QVERIFY(state(app).outcome);
        QCOMPARE(app.document().corpus()->files, QStringList{app.corpus()}); // it was not taken for a corpus
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("{\"expertscope_recipe\": 1, \"edits\": [{\"op\": \"nonsense\"}]}");
        file.close();
        QSignalSpy failed{app.workbench.get(), &Workbench::failed};
        app.workbench->open(file.fileName());
        QVERIFY(app.settle());
        QVERIFY(failed.count() == 1 || !state(app).problem.isEmpty());
        QVERIFY(state(app).canUndo);
    }

    void continuationsStandSideBySide()
    {
        AppFixture app;
        startSteering(app);
        wish(app, SteeringWish::Kind::Ablate, 0, 1);
        emit app.workbench->steering().model().newTokensWished(6);
        QVERIFY(app.settle());
        QCOMPARE(state(app).outcome->comparison.baselineContinuation.size(), std::size_t{6});
        QCOMPARE(state(app).outcome->comparison.steeredContinuation.size(), std::size_t{6});
    }

    void anotherSequenceIsRunWhenSelected()
    {
        AppFixture app;
        startSteering(app);
        const QString first = state(app).outcome->text;
        Selection selection = app.selection();
        selection.sequence = 4;
        app.document().selection().set(selection);
        QVERIFY(app.settle());
        QVERIFY(state(app).outcome->text != first);
        QCOMPARE(state(app).outcome->firstToken, app.document().current()->trace->meta().sequences[4].firstToken);
    }

    void aRecipeThatDoesNotFitSaysSoAndKeepsThePicture()
    {
        AppFixture app;
        startSteering(app);
        const auto before = state(app).outcome;
        wish(app, SteeringWish::Kind::Ablate, 77, 3);
        QVERIFY(app.settle());
        QVERIFY2(state(app).problem.contains(QStringLiteral("77")), qPrintable(state(app).problem));
        QCOMPARE(state(app).outcome, before);
        app.workbench->steering().undo();
        QVERIFY(app.settle());
        QVERIFY(state(app).problem.isEmpty());
    }

    void aRecipeGoesToAFileAndBack()
    {
        AppFixture app;
        startSteering(app);
        wish(app, SteeringWish::Kind::Suppress, 1, 3);
        app.chosenSave = app.path(QStringLiteral("recipe.json"));
        app.action(QStringLiteral("saveRecipe"))->trigger();
        QVERIFY(QFile::exists(app.chosenSave));
        Recipe saved = state(app).recipe;
        app.workbench->steering().undo();
        app.chosenFiles = {app.chosenSave};
        app.action(QStringLiteral("openRecipe"))->trigger();
        QCOMPARE(state(app).recipe.edits, saved.edits);
        QCOMPARE(state(app).recipe.model.experts, 8); // what it was tried on stands in the file
        QVERIFY(app.settle());
        QVERIFY(state(app).problem.isEmpty());

        QFile broken{app.path(QStringLiteral("broken.json"))};
        QVERIFY(broken.open(QIODevice::WriteOnly));
        broken.write("{\"expertscope_recipe\": 1, \"edits\": [{\"op\": 7}]}");
        broken.close();
        app.chosenFiles = {broken.fileName()};
        app.action(QStringLiteral("openRecipe"))->trigger();
        QVERIFY2(app.bannerText().contains(QStringLiteral("op")), qPrintable(app.bannerText()));
        QCOMPARE(state(app).recipe.edits, saved.edits); // nothing is lost
    }
};

QTEST_MAIN(TestSteeringWindow)
#include "test_steering_window.moc"
