// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the window remembers and how it is found again: open traces, history, settings, going to places, chips, whole files.
#include "app/export.h"
#include "app/go_to.h"
#include "app/selection_history.h"
#include "app/settings.h"
#include "app/window/context_bar.h"
#include "three_token_trace.h"

#include <QDir>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

using namespace expertscope;
using namespace expertscope::test;

class TestDocument : public QObject {
    Q_OBJECT

private slots:
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

QTEST_MAIN(TestDocument)
#include "test_document.moc"
