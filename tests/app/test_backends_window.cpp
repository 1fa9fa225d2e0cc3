// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Choosing what computes, in the real window on a tiny model: between the CPU backend and the plain one, which are as different as a CPU
// and a GPU are to the window; and one that cannot be had.
#include "engine/core/error.h"
#include "plain_backend.h"
#include "tests/app/app_fixture.h"
#include "views/compare/compare_view.h"

#include <QAction>
#include <QLabel>
#include <QTest>

using namespace expertscope;
using expertscope::test::AppFixture;

namespace {

std::vector<BackendChoice> twoAndOneThatIsMissing()
{
    return {{"gone", "Gone",
                []() -> std::unique_ptr<Backend> {
                    throw Error{ErrorKind::Device, "there is no such device", "choosing the backend", "Use the CPU"};
                }},
        {"cpu", "CPU", makeCpuBackend}, {"plain", "Plain", [] { return std::make_unique<PlainBackend>(); }}};
}

QString text(const AppFixture &app, const char *label)
{
    return app.find<QLabel>(QString::fromLatin1(label))->text();
}

} // namespace

class TestBackendsWindow : public QObject {
    Q_OBJECT

private slots:
    void theBestThatCanBeHadIsUsed()
    {
        AppFixture app;
        app.backends = twoAndOneThatIsMissing();
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        QCOMPARE(app.workbench->backend(), QStringLiteral("cpu"));
        QVERIFY(app.action(QStringLiteral("computeOn.cpu"))->isChecked());
        QVERIFY(text(app, "workModel").endsWith(QStringLiteral("cpu")));
        QVERIFY(app.find<QLabel>(QStringLiteral("workModel"))->toolTip().contains(QStringLiteral("there is no such device")));
        QVERIFY(text(app, "workMemory").contains(QStringLiteral(" of ")));
        QVERIFY(text(app, "workRate").contains(QStringLiteral("tokens/s")));
    }

    void anotherOneRunsWhatIsShownAgainAndIsCompared()
    {
        AppFixture app;
        app.backends = twoAndOneThatIsMissing();
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        Selection selection;
        selection.sequence = 7;
        selection.layer = 2;
        selection.experts = {3};
        app.document().selection().set(selection);
        const Selection before = app.selection();
        const TracePtr onCpu = app.document().current()->trace;

        app.action(QStringLiteral("computeOn.plain"))->trigger();
        QVERIFY(app.settle());
        QCOMPARE(app.workbench->backend(), QStringLiteral("plain"));
        QVERIFY(app.action(QStringLiteral("computeOn.plain"))->isChecked());
        QVERIFY(text(app, "workModel").endsWith(QStringLiteral("plain")));
        QCOMPARE(app.document().current()->key, Document::corpusKey);
        QCOMPARE(app.document().current()->trace->meta().engine.backend, std::string{"plain"});
        QVERIFY(app.selection() == before);
        QVERIFY(app.document().baseline());
        QCOMPARE(app.document().baseline()->key, Document::otherBackendKey);
        QVERIFY(app.document().baseline()->trace == onCpu);
        QCOMPARE(app.document().baseline()->title, QStringLiteral("Corpus, on cpu"));
        const auto *compare = qobject_cast<CompareView *>(app.window->viewArea().activeView());
        QVERIFY(compare && compare->result());
        QCOMPARE(compare->result()->analysis, std::string{"trace-agreement"});
        QVERIFY(compare->result()->number("mean_agreement").value > 0.999);

        // back, and everything that computes still does
        app.action(QStringLiteral("computeOn.cpu"))->trigger();
        QVERIFY(app.settle());
        QCOMPARE(app.document().current()->trace->meta().engine.backend, std::string{"cpu"});
        QCOMPARE(app.document().baseline()->trace->meta().engine.backend, std::string{"plain"});
        QVERIFY(app.selection() == before);
        app.workbench->runPrompt({QStringLiteral("abc"), 2, {}});
        QVERIFY(app.settle());
        QCOMPARE(app.document().current()->trace->meta().engine.backend, std::string{"cpu"});

        // another corpus or model: what was compared belongs to neither
        app.workbench->openCorpus({app.corpus()});
        QVERIFY(app.settle());
        QVERIFY(!app.document().trace(Document::otherBackendKey));
    }

    void oneThatCannotBeHadChangesNothing()
    {
        AppFixture app;
        app.backends = twoAndOneThatIsMissing();
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        const TracePtr before = app.document().current()->trace;
        app.action(QStringLiteral("computeOn.gone"))->trigger();
        QVERIFY(app.settle());
        QVERIFY2(app.bannerText().contains(QStringLiteral("there is no such device"), Qt::CaseInsensitive), qPrintable(app.bannerText()));
        QCOMPARE(app.workbench->backend(), QStringLiteral("cpu"));
        QVERIFY(app.action(QStringLiteral("computeOn.cpu"))->isChecked());
        QVERIFY(!app.action(QStringLiteral("computeOn.gone"))->isChecked());
        QVERIFY(app.document().current()->trace == before);
        app.workbench->traceCorpus();
        QVERIFY(app.settle());
        QCOMPARE(app.document().current()->trace->meta().engine.backend, std::string{"cpu"});
    }

    void theChoiceComesBackAndTheSessionHoldsFilesOnly()
    {
        AppFixture app;
        app.backends = twoAndOneThatIsMissing();
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        app.action(QStringLiteral("computeOn.plain"))->trigger();
        QVERIFY(app.settle());
        app.close();
        app.start();
        QCOMPARE(app.settings->session().traces, QStringList{});
        QVERIFY(app.settle());
        QCOMPARE(app.workbench->backend(), QStringLiteral("plain"));
        QCOMPARE(app.document().current()->trace->meta().engine.backend, std::string{"plain"});
    }
};

QTEST_MAIN(TestBackendsWindow)
#include "test_backends_window.moc"
