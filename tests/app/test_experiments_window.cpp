// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Experiments in the real window on a tiny model: run, stopped in the middle, gone on with, refused; the same bytes in the files as the
// command line's classes write; the guide's plan to a file and back.
#include "app/experiments/evaluation_run.h"
#include "app/experiments/plan_files.h"
#include "app/experiments/sweep_run.h"
#include "engine/experiments/evaluation.h"
#include "io/model_folder.h"
#include "tests/app/app_fixture.h"
#include "views/common/result_pages.h"
#include "views/experiments/evaluate_page.h"
#include "views/experiments/experiments_view.h"
#include "views/experiments/result_panel.h"
#include "views/experiments/sweep_page.h"

#include <QDir>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTest>
#include <QToolButton>

using namespace expertscope;
using expertscope::test::AppFixture;
using expertscope::test::writeTinyCorpus;

namespace {

const ExperimentState &state(AppFixture &app)
{
    return app.workbench->experiments().model().state();
}

ExperimentModel &model(AppFixture &app)
{
    return app.workbench->experiments().model();
}

ExperimentsView *view(AppFixture &app)
{
    return app.find<ExperimentsView>(QStringLiteral("experiments"));
}

/// The window with the tiny model, and the Experiments view to be seen.
void startExperiments(AppFixture &app)
{
    app.start({app.model(), app.corpus()});
    QVERIFY(app.settle());
    app.window->viewArea().activate(view(app));
}

QByteArray read(const QString &path)
{
    QFile file{path};
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray{"absent"};
}

/// Many texts, so that there is a middle to stop in.
QString manyTexts(AppFixture &app, int texts)
{
    const QString file = app.path(QStringLiteral("many.jsonl"));
    writeTinyCorpus(file, texts);
    return file;
}

void choose(AppFixture &app, const QStringList &data, const QString &folder)
{
    EvaluationChoice choice;
    choice.data = data;
    choice.folder = folder;
    choice.values = {{"bootstrap", "20"}, {"permutations", "20"}};
    emit model(app).choiceWished(choice);
}

/// The model of the fixture as a command has it.
class Own final : public ModelAccess {
public:
    explicit Own(const QString &folder)
    {
        const auto files = openModelFolder(folder.toStdString());
        m_tokenizer = Tokenizer::fromJson(files->tokenizerJson);
        m_model = Model::load(files, *m_backend, {});
    }
    void use(const std::function<void(const LentModel &)> &work) override { work({*m_model, *m_backend, *m_tokenizer}); }

private:
    std::unique_ptr<Backend> m_backend = makeCpuBackend();
    std::shared_ptr<const Tokenizer> m_tokenizer;
    std::shared_ptr<const Model> m_model;
};

const std::function<void(const std::string &)> quiet = [](const std::string &) {};

/// Experts of code, judged by the parallel texts.
SweepPlan tinyPlan(AppFixture &app)
{
    const std::string data = manyTexts(app, 24).toStdString();
    SweepPlan plan;
    plan.name = "tiny";
    plan.target = {data, {{"language", {"en"}}}};
    plan.baseline = {data, {{"language", {"hi"}}}};
    plan.parallel = {data, {{"domain", {"news"}}}};
    plan.evaluate = {{data, {{"domain", {"news"}}}}};
    plan.tau = {0.01};
    plan.windows = {"all"};
    plan.strengths = plan.dose = {0.5};
    plan.randomSets = 1;
    plan.bootstrap = plan.permutations = 20;
    return plan;
}

} // namespace

class TestExperimentsWindow : public QObject {
    Q_OBJECT

private slots:
    void withoutAModelItSaysWhatToDo()
    {
        AppFixture app;
        app.start();
        QVERIFY(app.settle());
        QVERIFY(state(app).obstacle.contains(QStringLiteral("open a model")));
        for (const QPushButton *run : view(app)->findChildren<QPushButton *>(QStringLiteral("run")))
            QVERIFY(!run->isEnabled());
    }

    void theSameFilesAsTheCommandLine()
    {
        AppFixture app;
        startExperiments(app);
        const QString folder = app.path(QStringLiteral("window")), other = app.path(QStringLiteral("command"));
        choose(app, {app.corpus()}, folder);
        emit model(app).runWished(ExperimentKind::Evaluation);
        QVERIFY(app.settle());
        QVERIFY2(state(app).evaluation, qPrintable(state(app).work.ending));
        EvaluationPlan plan;
        plan.data = {app.corpus().toStdString()};
        plan.params = {{"bootstrap", "20"}, {"permutations", "20"}};
        plan.folder = other.toStdString();
        Own own{app.model()};
        const Result result = runEvaluation(plan, {own, {}, quiet, quiet});
        QCOMPARE(state(app).evaluation->result.table("scores").reals("value"), result.table("scores").reals("value"));
        for (const char *file : {"/scores/1-corpus--baseline.jsonl", "/result.json", "/scores.csv"}) {
            QVERIFY2(read(folder + file) != "absent", file);
            QCOMPARE(read(folder + file), read(other + file));
        }
        QVERIFY(view(app)->evaluatePage()->results()->pages()->table());
        QVERIFY(!view(app)->csv().empty());
    }

    void stoppedInTheMiddleItGoesOnInTheWindowAndOnTheCommandLine()
    {
        AppFixture app;
        startExperiments(app);
        const QString data = manyTexts(app, 800), folder = app.path(QStringLiteral("e")), log = folder + "/scores/1-many--baseline.jsonl";
        choose(app, {data}, folder);
        emit model(app).runWished(ExperimentKind::Evaluation);
        QVERIFY(QTest::qWaitFor([&] { return state(app).work.done > 0; }, 60000));
        emit model(app).stopWished();
        QVERIFY(app.settle());
        QVERIFY(!state(app).evaluation);
        QVERIFY2(state(app).work.ending.startsWith(QStringLiteral("Stopped")), qPrintable(state(app).work.ending));
        const QByteArray part = read(log);
        QVERIFY(part.count('\n') > 1 && part.count('\n') < 4003);

        QVERIFY(QDir{app.path(QString())}.mkpath(QStringLiteral("c/scores")));
        QVERIFY(QFile::copy(log, app.path(QStringLiteral("c/scores/1-many--baseline.jsonl"))));
        emit model(app).runWished(ExperimentKind::Evaluation);
        QVERIFY(app.settle(120));
        QVERIFY2(state(app).evaluation, qPrintable(state(app).work.ending));
        QVERIFY(read(log).startsWith(part));
        QCOMPARE(read(log).count('\n'), 4003);

        EvaluationPlan plan;
        plan.data = {data.toStdString()};
        plan.params = {{"bootstrap", "20"}, {"permutations", "20"}};
        plan.folder = app.path(QStringLiteral("c")).toStdString();
        Own own{app.model()};
        runEvaluation(plan, {own, {}, quiet, quiet});
        QCOMPARE(read(app.path(QStringLiteral("c/scores/1-many--baseline.jsonl"))), read(log));
    }

    void aPromptGetsItsTurn()
    {
        AppFixture app;
        startExperiments(app);
        choose(app, {manyTexts(app, 800)}, app.path(QStringLiteral("e")));
        emit model(app).runWished(ExperimentKind::Evaluation);
        QVERIFY(QTest::qWaitFor([&] { return state(app).work.done > 0; }, 60000));
        bool ended = false;
        connect(app.workbench.get(), &Workbench::promptEnded, this, [&] { ended = true; });
        app.workbench->runPrompt({QStringLiteral("a prompt"), 0, {}});
        QVERIFY(QTest::qWaitFor([&] { return ended; }, 60000));
        QVERIFY(state(app).work.running);
        app.close(); // in the middle: nothing may hang
    }

    void aBadFileSaysSoAndTheLastResultStays()
    {
        AppFixture app;
        startExperiments(app);
        const QString folder = app.path(QStringLiteral("e"));
        choose(app, {app.corpus()}, folder);
        emit model(app).runWished(ExperimentKind::Evaluation);
        QVERIFY(app.settle());
        const ExperimentResultPtr before = state(app).evaluation;
        QVERIFY(before);
        const QByteArray scores = read(folder + "/scores/1-corpus--baseline.jsonl");
        QFile bad{app.path(QStringLiteral("bad.jsonl"))};
        QVERIFY(bad.open(QIODevice::WriteOnly));
        bad.write("{\"question\": \"q\", \"choices\": [\"a\"], \"answer\": 0}\n");
        bad.close();
        choose(app, {app.corpus(), bad.fileName()}, folder);
        emit model(app).runWished(ExperimentKind::Evaluation);
        QVERIFY(app.settle());
        QVERIFY2(state(app).work.ending.contains(QStringLiteral("bad.jsonl")), qPrintable(state(app).work.ending));
        QCOMPARE(state(app).evaluation, before);
        QCOMPARE(read(folder + "/scores/1-corpus--baseline.jsonl"), scores);
        QCOMPARE(state(app).choice.data.size(), 2); // nothing that was set up is lost
        bool isSaid = false;
        for (const QLabel *label : view(app)->evaluatePage()->findChildren<QLabel *>(QStringLiteral("workText")))
            isSaid |= label->text().contains(QStringLiteral("bad.jsonl"));
        QVERIFY(isSaid);
    }

    void itsOwnFolderIsTheSameForTheSameThings()
    {
        AppFixture app;
        startExperiments(app);
        choose(app, {app.corpus()}, {});
        emit model(app).runWished(ExperimentKind::Evaluation);
        QVERIFY(app.settle());
        QVERIFY2(state(app).evaluation, qPrintable(state(app).work.ending));
        const QString first = state(app).evaluation->folder;
        QVERIFY(first.startsWith(app.path(QStringLiteral("experiments"))));
        emit model(app).runWished(ExperimentKind::Evaluation);
        QVERIFY(app.settle());
        QCOMPARE(state(app).evaluation->folder, first);
        writeTinyCorpus(app.corpus(), 5);
        emit model(app).runWished(ExperimentKind::Evaluation);
        QVERIFY(app.settle());
        QVERIFY2(state(app).evaluation->folder != first, qPrintable(state(app).work.ending));
    }

    void theRecipeOfTheSteeringViewIsCompared()
    {
        AppFixture app;
        startExperiments(app);
        emit app.workbench->steering().model().wished({SteeringWish::Kind::Ablate, 1, {3}});
        EvaluationChoice choice = state(app).choice;
        choice.data = QStringList{app.corpus()};
        choice.steering = true;
        choice.values = {{"bootstrap", "20"}, {"permutations", "20"}};
        emit model(app).choiceWished(choice);
        emit model(app).runWished(ExperimentKind::Evaluation);
        QVERIFY(app.settle());
        QVERIFY2(state(app).evaluation, qPrintable(state(app).work.ending));
        const Table &differences = state(app).evaluation->result.table("differences");
        QCOMPARE(differences.texts("condition").front(), std::string{"recipe of the Steering view"});
        QVERIFY(differences.reals("value").front() != 0.0);
    }

    void aSweepGivesTheNumbersOfTheCommandLine()
    {
        AppFixture app;
        startExperiments(app);
        const SweepPlan plan = tinyPlan(app);
        emit model(app).planWished(plan);
        const QString folder = app.path(QStringLiteral("window")), other = app.path(QStringLiteral("command"));
        app.workbench->experiments().setFolder(ExperimentKind::Sweep, folder);
        emit model(app).runWished(ExperimentKind::Sweep);
        QVERIFY(app.settle(120));
        QVERIFY2(state(app).sweep, qPrintable(state(app).work.ending));
        QVERIFY(state(app).findings && state(app).hasRecipe);

        app.chosenSave = app.path(QStringLiteral("plan.json"));
        emit model(app).savePlanWished();
        const SweepPlan saved = readPlan(app.chosenSave.toStdString());
        QVERIFY(saved == plan);
        Own own{app.model()};
        const SweepReport report = runSweep(saved, other.toStdString(), {own, {}, quiet, quiet});
        QCOMPARE(read(folder + "/result.json"), read(other + "/result.json"));
        QCOMPARE(read(folder + "/recipe.json"), read(other + "/recipe.json"));
        QCOMPARE(readPlan((folder + "/plan.json").toStdString()) == plan, true); // it can be run from there

        emit model(app).tryRecipeWished();
        QCOMPARE(app.workbench->steering().recipe().edits, report.recipe.edits);
    }

    void theGuideWritesThePlan()
    {
        AppFixture app;
        startExperiments(app);
        emit model(app).planWished(tinyPlan(app));
        view(app)->showSweep();
        const auto line = [&](const char *name) { return view(app)->findChild<QLineEdit *>(QLatin1String{name}); };
        QCOMPARE(line("planTau")->text(), QStringLiteral("0.01"));
        line("planTau")->clear();
        QTest::keyClicks(line("planTau"), QStringLiteral("0.2,0.5"));
        QTest::keyClick(line("planTau"), Qt::Key_Return);
        QCOMPARE(state(app).plan.tau, (std::vector<double>{0.2, 0.5}));
        line("planTau")->clear();
        QTest::keyClicks(line("planTau"), QStringLiteral("nonsense"));
        QTest::keyClick(line("planTau"), Qt::Key_Return);
        QCOMPARE(state(app).plan.tau, (std::vector<double>{0.2, 0.5})); // what cannot be read changes nothing
        QVERIFY(view(app)->findChild<QLabel *>(QStringLiteral("planTauProblem"))->text().contains(QStringLiteral("nonsense")));
    }

    void findingShowsExpertsAndWindow()
    {
        AppFixture app;
        startExperiments(app);
        emit model(app).planWished(tinyPlan(app));
        view(app)->showSweep();
        emit model(app).runWished(ExperimentKind::Finding);
        QVERIFY(app.settle(60));
        QVERIFY2(state(app).findings, qPrintable(state(app).work.ending));
        QVERIFY(view(app)->findChild<QLabel *>(QStringLiteral("foundExperts"))->text().contains(QStringLiteral("0.01")));
        QCOMPARE(state(app).findings->result.series.front().id, std::string{"divergence"});
        QVERIFY(view(app)->findChild<QLabel *>(QStringLiteral("foundWindow"))->text().contains(QStringLiteral("layer")));
    }

    void aPlanThatMakesNoSenseSaysWhichField()
    {
        AppFixture app;
        startExperiments(app);
        SweepPlan plan = tinyPlan(app);
        plan.ops.clear();
        emit model(app).planWished(plan);
        emit model(app).runWished(ExperimentKind::Sweep);
        QVERIFY(!state(app).work.running);
        QVERIFY2(state(app).work.ending.contains(QStringLiteral("sweep")), qPrintable(state(app).work.ending));
        plan = tinyPlan(app);
        plan.evaluate.front().data = app.path(QStringLiteral("gone.jsonl")).toStdString();
        emit model(app).planWished(plan);
        emit model(app).runWished(ExperimentKind::Sweep);
        QVERIFY(app.settle());
        QVERIFY2(state(app).work.ending.contains(QStringLiteral("gone.jsonl")), qPrintable(state(app).work.ending));
        app.chosenFiles = {app.corpus()};
        emit model(app).openPlanWished();
        QVERIFY(app.bannerText().contains(QStringLiteral("corpus.jsonl")));
        QVERIFY(state(app).plan == plan);
    }
};

QTEST_MAIN(TestExperimentsWindow)
#include "test_experiments_window.moc"
