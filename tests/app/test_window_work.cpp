// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The work that the window starts, offscreen, on a tiny model: tracing, prompting, analyses, reports, pictures; and how it is stopped.
#include "app/demo_pictures.h"
#include "app/window/corpus_panel.h"
#include "app/window/prompt_panel.h"
#include "app/window/sequence_item_model.h"
#include "io/trace_hdf5.h"
#include "tests/app/app_fixture.h"
#include "views/common/analysis_run.h"

#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QImage>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTest>
#include <QToolButton>

#include <chrono>
#include <thread>

using namespace expertscope;
using expertscope::test::AppFixture;

namespace {

constexpr int corpusRows = 17; // 3 texts in 5 languages, and 2 rows of code

/// Goes on until it is stopped.
AnalysisKind endless()
{
    return {.id = "endless",
        .title = "Endless analysis",
        .help = "When will it end?",
        .definition = "Never.",
        .source = "none",
        .params = {},
        .traces = 1,
        .run = [](const AnalysisInput &, const Params &, const Progress &progress) -> Result {
            for (;;) {
                progress.check();
                progress.report(1, 2, "layers");
                std::this_thread::sleep_for(std::chrono::milliseconds{1});
            }
        }};
}

} // namespace

class TestWindowWork : public QObject {
    Q_OBJECT

private slots:
    void tracesAPromptAndGoesBack()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        app.find<QPlainTextEdit>(QStringLiteral("prompt"))->setPlainText(QString::fromUtf8("Ein schöner Tag"));
        app.find<QPushButton>(QStringLiteral("promptRun"))->click();
        QVERIFY(app.settle());
        QCOMPARE(app.document().current()->key, Document::promptsKey);
        QCOMPARE(app.document().current()->trace->meta().tokens, 16); // bytes
        QCOMPARE(app.selection().sequence, 0);
        auto *chooser = app.find<QComboBox>(QStringLiteral("traceChooser"));
        QCOMPARE(chooser->count(), 2);
        chooser->setCurrentIndex(0);
        emit chooser->activated(0);
        QCOMPARE(app.document().current()->key, Document::corpusKey);
        QVERIFY(app.settle());
        QCOMPARE(app.window->corpusPanel().sequences().rowCount(), corpusRows);
    }

    void generatesWithLiveTokensAndARepeatableSeed()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        app.find<QPlainTextEdit>(QStringLiteral("prompt"))->setPlainText(QStringLiteral("River"));
        app.find<QSpinBox>(QStringLiteral("promptMaxTokens"))->setValue(20);
        QSignalSpy tokens{app.workbench.get(), &Workbench::generated};
        QSignalSpy ends{app.workbench.get(), &Workbench::promptEnded};
        app.find<QPushButton>(QStringLiteral("promptGenerate"))->click();
        QVERIFY(app.settle());
        QCOMPARE(ends.size(), 1);
        const qsizetype first = tokens.size();
        QVERIFY(first >= 1 && first <= 20);
        const SequenceInfo info = app.document().current()->trace->meta().sequences.front();
        QCOMPARE(info.nPrompt, 5);
        QVERIFY(info.nGenerated == first - 1 || info.nGenerated == first);
        QByteArray said;
        for (const QList<QVariant> &token : tokens)
            said += token.front().toByteArray();
        tokens.clear();
        app.window->promptPanel().generate();
        QVERIFY(app.settle());
        QByteArray again;
        for (const QList<QVariant> &token : tokens)
            again += token.front().toByteArray();
        QCOMPARE(again, said);
        QCOMPARE(app.document().current()->trace->meta().sequences.size(), std::size_t{2});
        QCOMPARE(app.selection().sequence, 1);
    }

    void stopsGeneratingAndKeepsWhatIsThere()
    {
        AppFixture app;
        test::writeTinyModel(app.model(), 100000);
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        app.find<QPlainTextEdit>(QStringLiteral("prompt"))->setPlainText(QStringLiteral("River"));
        app.find<QSpinBox>(QStringLiteral("promptMaxTokens"))->setValue(90000);
        QSignalSpy tokens{app.workbench.get(), &Workbench::generated};
        app.window->promptPanel().generate();
        QVERIFY(tokens.wait(20000));
        QVERIFY(app.find<QPushButton>(QStringLiteral("promptStop"))->isEnabled());
        QTest::keyClick(app.window.get(), Qt::Key_Escape);
        QVERIFY(app.settle());
        QVERIFY(tokens.size() < 90000);
        QCOMPARE(app.document().current()->key, Document::promptsKey);
        QVERIFY(app.document().current()->trace->meta().tokens >= 5);
        QVERIFY(app.bannerText().isEmpty());
    }

    /// The status bar shows the analysis of a view and stops it, and so does Escape, which then leaves the selection alone.
    void analysesOfViewsCanBeStopped()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        Selection selection = app.selection();
        selection.layer = 1;
        app.document().selection().set(selection);
        const AnalysisKind kind = endless();
        for (const bool byKey : {true, false}) {
            AnalysisRun run(app.workbench->viewContext(), kind, nullptr);
            run.setInput({{app.document().current()->trace}, {}});
            QVERIFY(!app.workbench->busy());
            run.setSeen(true);
            QVERIFY(app.workbench->busy());
            auto *stop = app.find<QToolButton>(QStringLiteral("workStop"));
            QTRY_VERIFY(stop->isVisible());
            QTRY_COMPARE(app.find<QLabel>(QStringLiteral("workWhat"))->text(), QStringLiteral("Endless analysis"));
            if (byKey)
                QTest::keyClick(app.window.get(), Qt::Key_Escape);
            else
                stop->click();
            QVERIFY(run.stopped() && !run.running());
            QVERIFY(app.settle());
            QVERIFY(!stop->isVisible());
            QCOMPARE(app.selection().layer, 1);
        }
    }

    void writesAReportAndCanBeStopped()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        app.chosenSave = app.path(QStringLiteral("stopped"));
        app.action(QStringLiteral("writeReport"))->trigger();
        QVERIFY(app.workbench->busy());
        QTest::keyClick(app.window.get(), Qt::Key_Escape);
        QVERIFY(app.settle(60));
        const QDir folder{app.path({})};
        QCOMPARE(folder.entryList({QStringLiteral("stopped*")}), QStringList{});
        QVERIFY(app.bannerText().isEmpty());

        app.chosenSave = app.path(QStringLiteral("report"));
        app.action(QStringLiteral("writeReport"))->trigger();
        QVERIFY(app.settle(240));
        QVERIFY2(app.bannerText().contains(QStringLiteral("report.html")), qPrintable(app.bannerText()));
        QCOMPARE(QDir{app.chosenSave}.entryList(QDir::AllEntries | QDir::NoDotAndDotDot | QDir::Hidden, QDir::Name),
            (QStringList{"report.html", "report.json", "report.pdf", "tables", "trace.h5"}));
        QCOMPARE(folder.entryList({QStringLiteral("report*")}), QStringList{"report"});
        app.action(QStringLiteral("writeReport"))->trigger(); // what is there is kept
        QVERIFY(app.settle(60));
        QVERIFY2(app.bannerText().contains(QStringLiteral("exists already")), qPrintable(app.bannerText()));
    }

    void exportsPicturesAndNumbers()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        for (View *view : app.window->viewArea().views()) {
            app.window->viewArea().activate(view);
            const bool wasRun = view->objectName() != QStringLiteral("experiments"); // which begin when a person says so
            if (wasRun)
                QTRY_VERIFY2(!view->csv().empty(), qPrintable(view->objectName())); // analyses begin when they are seen
            QTRY_VERIFY_WITH_TIMEOUT(app.workbench->jobs().idle(), 30000);
            QVERIFY(app.settle());
            app.chosenSave = app.path(view->objectName() + QStringLiteral(".png"));
            app.action(QStringLiteral("exportPicture"))->trigger();
            const QImage picture{app.chosenSave};
            QVERIFY2(picture.width() >= 640, qPrintable(app.bannerText()));
            app.chosenSave = app.path(view->objectName() + QStringLiteral(".svg"));
            app.action(QStringLiteral("exportPicture"))->trigger();
            QFile svg{app.chosenSave};
            QVERIFY(svg.open(QIODevice::ReadOnly));
            QVERIFY(svg.readAll().contains("</svg>"));
            app.chosenSave = app.path(view->objectName() + QStringLiteral(".pdf"));
            app.action(QStringLiteral("exportPicture"))->trigger();
            QFile pdf{app.chosenSave};
            QVERIFY(pdf.open(QIODevice::ReadOnly));
            QVERIFY(pdf.read(5) == "%PDF-");
            app.chosenSave = app.path(view->objectName() + QStringLiteral(".csv"));
            app.action(QStringLiteral("exportNumbers"))->trigger();
            QVERIFY(app.settle());
            if (!wasRun) {
                QVERIFY2(app.bannerText().contains(QStringLiteral("no numbers")), qPrintable(app.bannerText()));
                QVERIFY(!QFile::exists(app.chosenSave));
                continue;
            }
            QFile csv{app.chosenSave};
            QVERIFY(csv.open(QIODevice::ReadOnly));
            QCOMPARE(csv.readAll().toStdString(), view->csv());
        }
        app.chosenSave = app.path(QStringLiteral("nowhere/x.png"));
        app.action(QStringLiteral("exportPicture"))->trigger();
        QVERIFY(app.bannerText().contains(QStringLiteral("nowhere")));
        QVERIFY(!QFile::exists(app.chosenSave));
    }

    void stopsTracingAndKeepsWhatIsTraced()
    {
        AppFixture app;
        test::writeTinyCorpus(app.corpus(), 4000);
        app.start({app.model(), app.corpus()});
        QTRY_VERIFY(app.document().current());
        QVERIFY(app.workbench->busy());
        QTest::keyClick(app.window.get(), Qt::Key_Escape);
        QVERIFY(app.settle());
        const TraceMeta &meta = app.document().current()->trace->meta();
        QVERIFY(meta.tokens > 0);
        QVERIFY(meta.sequences.size() < 20000);
        QVERIFY(app.bannerText().isEmpty());
        // Rows that were not reached are there, but cannot be selected.
        const SequenceItemModel &sequences = app.window->corpusPanel().sequences();
        QCOMPARE(sequences.rowCount(), 20002);
        QCOMPARE(sequences.row(20001).sequence, -1);
        QVERIFY(!(sequences.flags(sequences.index(20001, 0)) & Qt::ItemIsSelectable));
    }

    void promptsGetTheirTurnWhileTheCorpusIsTraced()
    {
        AppFixture app;
        test::writeTinyCorpus(app.corpus(), 4000);
        app.start({app.model(), app.corpus()});
        QTRY_VERIFY(app.document().current());
        QSignalSpy ends{app.workbench.get(), &Workbench::promptEnded};
        app.find<QPlainTextEdit>(QStringLiteral("prompt"))->setPlainText(QStringLiteral("in between"));
        app.window->promptPanel().run();
        QVERIFY(ends.wait(20000));
        QVERIFY(app.workbench->busy()); // the corpus goes on
        QCOMPARE(app.document().current()->key, Document::promptsKey);
        app.workbench->stop();
        QVERIFY(app.settle());
    }

    void paintsTheDemoWithoutAPerson()
    {
        AppFixture app;
        test::writeTinyModel(app.path(QStringLiteral("demo/model")));
        QDir{}.mkpath(app.path(QStringLiteral("demo/corpus")));
        test::writeTinyCorpus(app.path(QStringLiteral("demo/corpus/parallel.jsonl")));
        app.start();
        const DemoPictures pictures{*app.workbench, *app.window, app.path(QStringLiteral("out")), true};
        QCOMPARE(QApplication::exec(), 0);
        const QDir out{app.path(QStringLiteral("out"))};
        const QImage dark{out.filePath(QStringLiteral("window-dark.png"))}, light{out.filePath(QStringLiteral("window-light.png"))};
        QVERIFY(dark.pixelColor(2, dark.height() - 3).lightness() < 100);
        QVERIFY(light.pixelColor(2, light.height() - 3).lightness() > 150);
        for (const View *view : app.window->viewArea().views())
            QVERIFY(!QImage{out.filePath(view->objectName() + QStringLiteral(".png"))}.isNull());
        QCOMPARE(
            openTraceFile(out.filePath(QStringLiteral("demo-trace.h5")).toStdString())->meta().sequences.size(), std::size_t{corpusRows});
    }
};

QTEST_MAIN(TestWindowWork)
#include "test_window_work.moc"
