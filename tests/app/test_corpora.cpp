// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What is run and what was recorded: corpus files, the demo, appended recordings, and the list of sequences.
#include "app/appending_sink.h"
#include "app/corpus_files.h"
#include "app/demo_files.h"
#include "app/window/sequence_item_model.h"
#include "three_token_trace.h"

#include <QAbstractItemModelTester>
#include <QDir>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

using namespace expertscope;
using namespace expertscope::test;

class TestCorpora : public QObject {
    Q_OBJECT

private slots:
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
};

QTEST_MAIN(TestCorpora)
#include "test_corpora.moc"
