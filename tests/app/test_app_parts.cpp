// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The parts behind the window, one by one: threads, jobs, document, history, settings, corpora, going to places, writing files.
#include "app/appending_sink.h"
#include "app/corpus_files.h"
#include "app/demo_files.h"
#include "app/engine_thread.h"
#include "app/export.h"
#include "app/go_to.h"
#include "app/job_runner.h"
#include "app/selection_history.h"
#include "app/settings.h"
#include "app/window/context_bar.h"
#include "app/window/sequence_item_model.h"

#include <QAbstractItemModelTester>
#include <QDir>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <atomic>
#include <semaphore>

using namespace expertscope;

namespace {

/// Two MoE layers numbered 1 and 3, 8 experts, top 2; each sequence has three tokens.
TraceMeta metaOf(int sequences)
{
    TraceMeta meta;
    meta.layers = {1, 3};
    meta.experts = 8;
    meta.slotCount = 2;
    meta.tokens = sequences * 3;
    for (int i = 0; i < sequences; ++i) {
        SequenceInfo info;
        info.id = "s" + std::to_string(i);
        info.language = i % 2 ? "de" : "en";
        info.firstToken = i * 3;
        info.nPrompt = 3;
        meta.sequences.push_back(info);
    }
    return meta;
}

TracePtr traceOf(int sequences, ExpertId first = 0)
{
    MemoryTrace trace;
    TraceMeta meta = metaOf(0);
    trace.begin(meta);
    for (int i = 0; i < sequences; ++i) {
        TraceBlock block;
        block.count = 3;
        block.tokenId = {1, 2, 3};
        block.position = {0, 1, 2};
        block.seqIndex = {i, i, i};
        block.phase.assign(3, Phase::Prefill);
        for (int cell = 0; cell < 2 * 3; ++cell) {
            block.expertId.push_back(static_cast<ExpertId>((first + cell) % 8));
            block.expertId.push_back(static_cast<ExpertId>((first + cell + 1) % 8));
        }
        trace.append(block);
        trace.endSequence(metaOf(i + 1).sequences.back(), {});
    }
    trace.finish({});
    return trace.snapshot();
}

OpenTrace openTrace(const QString &key, int sequences, quint64 recording = 1)
{
    return {key, key, recording, traceOf(sequences), {}, {}, {}};
}

/// The error a signal carried; Error has no default constructor, so QVariant::value() cannot make one.
const Error &errorOf(const QVariant &value)
{
    return *static_cast<const Error *>(value.constData());
}

/// A gate a job waits at until the test lets it through.
struct Gate {
    std::binary_semaphore here{0}, go{0};
    void wait()
    {
        here.release();
        go.acquire();
    }
};

} // namespace

class TestAppParts : public QObject {
    Q_OBJECT

private slots:
    void newestJobOfATagWins()
    {
        JobRunner jobs;
        QObject owner;
        const auto gate = std::make_shared<Gate>();
        QStringList done;
        const auto finish = [&done](const std::any &result) { done << std::any_cast<QString>(result); };
        jobs.run(
            &owner, QStringLiteral("a"),
            [gate](const Progress &) -> std::any {
                gate->wait();
                return QStringLiteral("old");
            },
            finish);
        gate->here.acquire();
        jobs.run(
            &owner, QStringLiteral("a"), [](const Progress &) -> std::any { return QStringLiteral("new"); }, finish);
        jobs.run(
            &owner, QStringLiteral("b"), [](const Progress &) -> std::any { return QStringLiteral("other"); }, finish);
        gate->go.release();
        QTRY_VERIFY(jobs.idle());
        QTest::qWait(0);
        done.sort();
        QCOMPARE(done, (QStringList{QStringLiteral("new"), QStringLiteral("other")}));
    }

    void aReplacedJobHearsThatItShouldStop()
    {
        JobRunner jobs;
        QObject owner;
        const auto gate = std::make_shared<Gate>();
        std::atomic<bool> stopped = false;
        jobs.run(
            &owner, QStringLiteral("a"),
            [gate, &stopped](const Progress &progress) -> std::any {
                gate->wait();
                stopped = progress.stopped();
                progress.check();
                return 1;
            },
            [](const std::any &) { QFAIL("a replaced job delivered"); });
        gate->here.acquire();
        jobs.run(&owner, QStringLiteral("a"), [](const Progress &) -> std::any { return 2; }, {});
        gate->go.release();
        QTRY_VERIFY(jobs.idle() && stopped);
    }

    void ownersMayDieFirst()
    {
        JobRunner jobs;
        const auto gate = std::make_shared<Gate>();
        bool called = false;
        auto owner = std::make_unique<QObject>();
        jobs.run(
            owner.get(), QStringLiteral("a"),
            [gate](const Progress &) -> std::any {
                gate->wait();
                return 1;
            },
            [&](const std::any &) { called = true; });
        gate->here.acquire();
        owner.reset();
        QVERIFY(jobs.idle());
        gate->go.release();
        QObject other;
        bool otherCalled = false;
        jobs.run(
            &other, QStringLiteral("a"), [](const Progress &) -> std::any { return 1; }, [&](const std::any &) { otherCalled = true; });
        QTRY_VERIFY(otherCalled);
        QVERIFY(!called);
    }

    void failuresOfJobsAreErrors()
    {
        JobRunner jobs;
        QObject owner;
        QSignalSpy failures{&jobs, &JobRunner::failed};
        jobs.run(&owner, QStringLiteral("a"),
            [](const Progress &) -> std::any {
                throw Error{ErrorKind::Input, "broken", "there", "Mend it"};
            },
            {});
        QVERIFY(failures.wait());
        QCOMPARE(errorOf(failures.front().front()).remedy, std::string{"Mend it"});
        jobs.run(&owner, QStringLiteral("a"), [](const Progress &) -> std::any { throw std::runtime_error{"odd"}; }, {});
        QVERIFY(failures.wait());
        QVERIFY(errorOf(failures.back().front()).message.find("odd") != std::string::npos);
    }

    void theEngineThreadRunsJobsInOrderAndTheNewestOfATag()
    {
        EngineThread engine;
        const auto gate = std::make_shared<Gate>();
        QStringList done;
        const auto job = [&done](const QString &name) {
            return [&done, name](EngineThread::Engine &own, const Progress &, const EngineThread::ToUi &toUi) {
                if (own.backend)
                    toUi([&done, name] { done << name; });
                return EngineThread::Outcome::Done;
            };
        };
        engine.post(QStringLiteral("gate"), [gate](EngineThread::Engine &, const Progress &, const EngineThread::ToUi &) {
            gate->wait();
            return EngineThread::Outcome::Done;
        });
        gate->here.acquire();
        engine.post(QStringLiteral("x"), job(QStringLiteral("x1")));
        engine.post(QStringLiteral("y"), job(QStringLiteral("y")));
        engine.post(QStringLiteral("x"), job(QStringLiteral("x2")));
        gate->go.release();
        QTRY_VERIFY(engine.idle());
        QCOMPARE(done, (QStringList{QStringLiteral("y"), QStringLiteral("x2")}));
    }

    void slicesLetOtherJobsIn()
    {
        EngineThread engine;
        QStringList done;
        const auto gate = std::make_shared<Gate>();
        engine.post(QStringLiteral("long"),
            [&done, gate, slice = 0](EngineThread::Engine &, const Progress &, const EngineThread::ToUi &toUi) mutable {
                if (slice == 0)
                    gate->wait();
                toUi([&done, slice] { done << QStringLiteral("slice %1").arg(slice); });
                return ++slice < 3 ? EngineThread::Outcome::Again : EngineThread::Outcome::Done;
            });
        gate->here.acquire();
        engine.post(QStringLiteral("short"), [&done](EngineThread::Engine &, const Progress &, const EngineThread::ToUi &toUi) {
            toUi([&done] { done << QStringLiteral("short"); });
            return EngineThread::Outcome::Done;
        });
        gate->go.release();
        QTRY_VERIFY(engine.idle());
        QCOMPARE(
            done, (QStringList{QStringLiteral("slice 0"), QStringLiteral("short"), QStringLiteral("slice 1"), QStringLiteral("slice 2")}));
    }

    void engineJobsStopAndFail()
    {
        EngineThread engine;
        QSignalSpy ends{&engine, &EngineThread::ended}, failures{&engine, &EngineThread::failed};
        const auto gate = std::make_shared<Gate>();
        engine.post(QStringLiteral("a"), [gate](EngineThread::Engine &, const Progress &progress, const EngineThread::ToUi &) {
            gate->wait();
            progress.check();
            return EngineThread::Outcome::Done;
        });
        gate->here.acquire();
        engine.stop(QStringLiteral("a"));
        gate->go.release();
        QTRY_COMPARE(ends.size(), 1);
        QCOMPARE(ends.front().at(1).toBool(), true);
        QCOMPARE(failures.size(), 0);
        engine.post(QStringLiteral("b"), [](EngineThread::Engine &, const Progress &, const EngineThread::ToUi &) -> EngineThread::Outcome {
            throw Error{ErrorKind::Device, "no memory", "", "Buy some"};
        });
        QTRY_COMPARE(ends.size(), 2);
        QCOMPARE(failures.size(), 1);
        QCOMPARE(errorOf(failures.front().at(1)).kind, ErrorKind::Device);
    }

    void theEngineThreadEndsInTheMiddleOfAJob()
    {
        const auto started = std::make_shared<std::binary_semaphore>(0);
        {
            EngineThread engine;
            engine.post(QStringLiteral("endless"),
                [started](EngineThread::Engine &, const Progress &progress, const EngineThread::ToUi &) -> EngineThread::Outcome {
                    started->release();
                    while (true) {
                        progress.check();
                        std::this_thread::yield();
                    }
                });
            started->acquire();
        }
        QVERIFY(true); // reaching this line is the test: the destructor came back
    }

    void tracesSwitchWithTheirSelections()
    {
        Document document;
        document.setTrace(openTrace(QStringLiteral("a"), 4));
        document.setTrace(openTrace(QStringLiteral("b"), 2));
        QCOMPARE(document.current()->key, QStringLiteral("a"));
        Selection selection;
        selection.sequence = 3;
        selection.token = 10;
        document.selection().set(selection);
        // While a view is told of another trace, the selection never points outside of it.
        connect(&document, &Document::subjectChanged, this, [&] {
            const Selection &now = document.selection().value();
            QVERIFY(fitted(now, document.subject().trace->meta()) == now);
        });
        QVERIFY(document.show(QStringLiteral("b")));
        QCOMPARE(document.selection().value(), Selection{});
        QVERIFY(document.show(QStringLiteral("a")));
        QCOMPARE(document.selection().value(), selection);
        QVERIFY(!document.show(QStringLiteral("c")));

        document.setTrace(openTrace(QStringLiteral("a"), 6)); // more of the same
        QCOMPARE(document.selection().value(), selection);
        document.setTrace(openTrace(QStringLiteral("a"), 6, 2)); // other tokens
        QCOMPARE(document.selection().value(), Selection{});
        document.closeTrace(QStringLiteral("a"));
        QCOMPARE(document.current()->key, QStringLiteral("b"));
        disconnect(&document, &Document::subjectChanged, this, nullptr);
        document.closeTrace(QStringLiteral("b"));
        QVERIFY(!document.current());
        QVERIFY(!document.subject().trace);
    }

    void historyGoesBackAcrossTraces()
    {
        Document document;
        SelectionHistory history{document};
        document.setTrace(openTrace(QStringLiteral("a"), 4));
        document.setTrace(openTrace(QStringLiteral("b"), 4));
        QVERIFY(!history.canGoBack());
        Selection one, two;
        one.sequence = 1;
        two.sequence = 2;
        document.selection().set(one);
        document.selection().set(two);
        document.show(QStringLiteral("b"));
        for (std::int64_t end = 2; end < 9; ++end) { // one drag
            Selection brushed;
            brushed.brush = {1, end};
            document.selection().set(brushed);
        }
        history.goBack();
        QCOMPARE(document.selection().value(), Selection{});
        QCOMPARE(document.current()->key, QStringLiteral("b"));
        history.goBack();
        QCOMPARE(document.current()->key, QStringLiteral("a"));
        QCOMPARE(document.selection().value(), two);
        history.goBack();
        QCOMPARE(document.selection().value(), one);
        history.goForward();
        history.goForward();
        history.goForward();
        QCOMPARE(document.selection().value().brush, (TokenRange{1, 8}));
        QVERIFY(!history.canGoForward());
    }

    void settingsComeBack()
    {
        const QTemporaryDir folder;
        const QString file = folder.filePath(QStringLiteral("s.ini"));
        Session session;
        session.model = QStringLiteral("org/name");
        session.corpus = QStringList{QStringLiteral("a.jsonl"), QStringLiteral("b, c.csv")};
        session.traces = QStringList{QStringLiteral("t.h5")};
        session.current = QStringLiteral("t.h5");
        session.selection.sequence = 3;
        session.selection.token = 1LL << 40;
        session.selection.brush = {4, 9};
        session.selection.layer = 2;
        session.selection.experts = {1, 200};
        session.selection.grouping = QStringLiteral("language");
        session.selection.group = QString::fromUtf8("中文");
        session.views.insert(QStringLiteral("tokens"), QVariantMap{{QStringLiteral("metric"), QStringLiteral("entropy")}});
        {
            Settings settings{file};
            settings.setSession(session);
            settings.setTheme(Theme::Dark);
            settings.setScalePercent(125);
            for (int i = 0; i < 12; ++i)
                settings.addRecent(RecentKind::Trace, QString::number(i));
            settings.addRecent(RecentKind::Trace, QStringLiteral("5"));
        }
        const Settings settings{file};
        const Session back = settings.session();
        QCOMPARE(back.model, session.model);
        QCOMPARE(back.corpus, session.corpus);
        QCOMPARE(back.traces, session.traces);
        QCOMPARE(back.current, session.current);
        QVERIFY(back.selection == session.selection);
        QCOMPARE(back.views, session.views);
        QCOMPARE(settings.theme(), Theme::Dark);
        QCOMPARE(settings.scalePercent(), 125);
        QCOMPARE(settings.recent(RecentKind::Trace).size(), 10);
        QCOMPARE(settings.recent(RecentKind::Trace).front(), QStringLiteral("5"));
        QVERIFY(Settings{folder.filePath(QStringLiteral("other.ini"))}.session().selection == Selection{});
    }

    void goTo_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<bool>("valid");
        QTest::addColumn<int>("token");
        QTest::addColumn<int>("layer");
        QTest::addColumn<int>("expert");
        QTest::addColumn<int>("sequence");
        QTest::newRow("token") << "token 7" << true << 7 << 0 << -1 << 2;
        QTest::newRow("number") << " 7 " << true << 7 << 0 << -1 << 2;
        QTest::newRow("layer and expert") << "L3 E5" << true << -1 << 1 << 5 << -1;
        QTest::newRow("words") << "layer 3, expert 5" << true << -1 << 1 << 5 << -1;
        QTest::newRow("all") << "seq 1 L1 E0" << true << -1 << 0 << 0 << 1;
        QTest::newRow("dense layer") << "L2" << false << 0 << 0 << 0 << 0;
        QTest::newRow("token beyond") << "token 12" << false << 0 << 0 << 0 << 0;
        QTest::newRow("expert beyond") << "E8" << false << 0 << 0 << 0 << 0;
        QTest::newRow("sequence beyond") << "seq 4" << false << 0 << 0 << 0 << 0;
        QTest::newRow("absurd") << "token 99999999999999999999999" << false << 0 << 0 << 0 << 0;
        QTest::newRow("nothing") << "" << false << 0 << 0 << 0 << 0;
        QTest::newRow("prose") << "the bridge" << false << 0 << 0 << 0 << 0;
    }
    void goTo()
    {
        QFETCH(QString, text);
        QFETCH(bool, valid);
        const GoTo place = readGoTo(text, metaOf(4), {});
        QCOMPARE(place.valid, valid);
        QVERIFY(!place.description.isEmpty());
        if (!valid)
            return;
        QTEST(static_cast<int>(place.selection.token), "token");
        QTEST(place.selection.layer, "layer");
        QTEST(place.selection.experts.empty() ? -1 : place.selection.experts.front(), "expert");
        QTEST(place.selection.sequence, "sequence");
    }

    void recordingsAreAppended()
    {
        MemoryTrace all;
        all.begin(metaOf(0));
        for (const ExpertId first : {ExpertId{0}, ExpertId{3}}) {
            AppendingSink sink{all};
            copyTrace(*traceOf(2, first), sink, Progress{});
        }
        QCOMPARE(all.meta().tokens, 12);
        QCOMPARE(all.meta().sequences.size(), std::size_t{4});
        QCOMPARE(all.meta().sequences[3].firstToken, 9);
        QCOMPARE(all.tokens({0, 12}).seqIndex, (std::vector<std::int32_t>{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}));
        std::vector<ExpertId> ids(2);
        all.expertIds({6, 7}, 0, ids);
        QCOMPARE(ids, (std::vector<ExpertId>{3, 4}));
        TraceMeta other = metaOf(0);
        other.experts = 9;
        AppendingSink sink{all};
        QVERIFY_EXCEPTION_THROWN(sink.begin(other), Error);
    }

    void corporaAreJoinedAndInterleaved()
    {
        const QTemporaryDir folder;
        const auto write = [&](const char *name, const QByteArray &text) {
            QFile file{folder.filePath(QLatin1String{name})};
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write(text);
        };
        write("a.jsonl",
            "{\"id\":\"1\",\"text\":\"x\",\"parallel_id\":\"p\",\"mood\":\"calm\"}\n{\"id\":\"2\",\"text\":\"y\",\"parallel_id\":\"q\","
            "\"mood\":\"wild\"}\n");
        write("b.jsonl",
            "{\"id\":\"1\",\"text\":\"z\",\"kind\":\"k\"}\n{\"id\":\"3\",\"text\":\"w\",\"parallel_id\":\"p\",\"kind\":\"l\"}\n");
        Corpus corpus = readCorpora({folder.filePath(QStringLiteral("a.jsonl")), folder.filePath(QStringLiteral("b.jsonl"))});
        QCOMPARE(corpus.rows.size(), std::size_t{4});
        QCOMPARE(corpus.labelColumns, (std::vector<std::string>{"mood", "kind"}));
        QCOMPARE(corpus.rows[0].labels, (std::vector<std::string>{"calm", ""}));
        QCOMPARE(corpus.rows[3].labels, (std::vector<std::string>{"", "l"}));
        QCOMPARE(corpus.rows[2].id, std::string{"b/1"});
        interleaveParallelRows(corpus);
        std::vector<std::string> ids;
        for (const CorpusRow &row : corpus.rows)
            ids.push_back(row.id);
        QCOMPARE(ids, (std::vector<std::string>{"1", "3", "2", "b/1"}));
    }

    void findsTheDemo()
    {
        const QTemporaryDir folder;
        qputenv("EXPERTSCOPE_DATA_DIR", folder.path().toUtf8());
        QDir{folder.path()}.mkpath(QStringLiteral("model"));
        QDir{folder.path()}.mkpath(QStringLiteral("corpus"));
        for (const char *name : {"model/config.json", "corpus/domains.jsonl", "corpus/parallel.jsonl"}) {
            QFile file{folder.filePath(QLatin1String{name})};
            QVERIFY(file.open(QIODevice::WriteOnly));
        }
        const DemoFiles demo = findDemo();
        QCOMPARE(demo.model, folder.filePath(QStringLiteral("model")));
        QCOMPARE(demo.corpus.size(), 2);
        QVERIFY(demo.corpus.front().endsWith(QStringLiteral("parallel.jsonl")));
    }

    void sequencesAsAnItemModel()
    {
        SequenceItemModel model;
        SequenceFilter filter;
        filter.setSourceModel(&model);
        const QAbstractItemModelTester tester{&model, QAbstractItemModelTester::FailureReportingMode::QtTest};
        const QAbstractItemModelTester filterTester{&filter, QAbstractItemModelTester::FailureReportingMode::QtTest};
        Corpus corpus;
        for (int i = 0; i < 4; ++i)
            corpus.rows.push_back({"s" + std::to_string(i), "line\none " + std::to_string(i), "", i % 2 ? "de" : "en", "", "", {}});
        model.setRows(sequenceRows(nullptr, &corpus));
        QCOMPARE(model.row(0).text, QStringLiteral("line one 0"));
        QCOMPARE(model.rowOf(0), -1);
        QSignalSpy resets{&model, &QAbstractItemModel::modelReset};
        model.setRows(sequenceRows(traceOf(2).get(), &corpus));
        QCOMPARE(resets.size(), 0); // the list is the same: nobody loses the place in it
        QCOMPARE(model.rowOf(1), 1);
        QCOMPARE(model.row(1).tokens, 3);
        QCOMPARE(model.row(2).sequence, -1);
        QCOMPARE(model.languages(), (QStringList{QStringLiteral("en"), QStringLiteral("de")}));
        filter.setWanted(QStringLiteral("ONE"), QStringLiteral("de"), {});
        QCOMPARE(filter.rowCount(), 2);
        filter.setWanted(QStringLiteral("S3"), {}, {});
        QCOMPARE(filter.rowCount(), 1);
        model.setRows({});
        QCOMPARE(filter.rowCount(), 0);
    }

    void rowsOfATraceShowItsText()
    {
        TraceMeta meta = metaOf(0);
        meta.fields.tokenText = true;
        MemoryTrace trace;
        trace.begin(meta);
        TraceBlock block;
        block.count = 3;
        block.tokenId = {0, 1, 2};
        block.position = {0, 1, 2};
        block.seqIndex = {0, 0, 0};
        block.phase.assign(3, Phase::Prefill);
        block.expertId.assign(2 * 3 * 2, 0);
        block.bytes = {"<s>", "a\n", "<b>"};
        trace.append(block);
        trace.endSequence(metaOf(1).sequences.front(), {});
        std::vector<SequenceRow> rows = sequenceRows(&trace, nullptr);
        readTexts(trace, rows, Progress{});
        QCOMPARE(rows.front().text, QStringLiteral("a <b>"));
    }

    void everyPartOfASelectionHasItsChip()
    {
        Selection selection;
        selection.sequence = 1;
        selection.token = 4;
        selection.brush = {3, 6};
        selection.layer = 1;
        selection.experts = {0, 1, 2, 3, 4, 5};
        selection.grouping = QStringLiteral("language");
        selection.group = QStringLiteral("de");
        std::vector<SelectionPart> parts = selectionParts(selection, metaOf(4));
        QCOMPARE(parts.size(), std::size_t{5});
        QVERIFY(parts.back().text.startsWith(QStringLiteral("L3 E0, E1")));
        while (!parts.empty()) {
            const std::size_t count = parts.size();
            selection = parts.front().without;
            parts = selectionParts(selection, metaOf(4));
            QVERIFY(parts.size() < count);
        }
        QCOMPARE(selection, nothingSelected(selection));
    }

    void filesAreWrittenWhole()
    {
        const QTemporaryDir folder;
        const QString file = folder.filePath(QStringLiteral("x.csv"));
        writeWhole(file, "first");
        writeWhole(file, "second");
        QFile back{file};
        QVERIFY(back.open(QIODevice::ReadOnly));
        QCOMPARE(back.readAll(), QByteArray{"second"});
        QVERIFY_EXCEPTION_THROWN(writeWhole(folder.filePath(QStringLiteral("no/x.csv")), "x"), Error);
        QCOMPARE(QDir{folder.path()}.entryList(QDir::Files), QStringList{QStringLiteral("x.csv")});
    }
};

QTEST_MAIN(TestAppParts)
#include "test_app_parts.moc"
