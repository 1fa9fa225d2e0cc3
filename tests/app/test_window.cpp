// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The real window, offscreen, on a tiny model: opening, selecting, finding, failing, arranging and coming back.
#include "app/window/corpus_panel.h"
#include "app/window/picker.h"
#include "app/window/prompt_panel.h"
#include "io/trace_hdf5.h"
#include "tests/app/app_fixture.h"

#include <QAbstractItemModelTester>
#include <QComboBox>
#include <QDir>
#include <QDropEvent>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QTableView>
#include <QTest>
#include <QToolButton>
#include <QTreeWidget>

using namespace expertscope;
using expertscope::test::AppFixture;

namespace {

constexpr int corpusRows = 17; // 3 texts in 5 languages, and 2 rows of code

QStringList chips(const MainWindow &window)
{
    QStringList texts;
    for (const auto *chip : window.findChildren<QToolButton *>(QStringLiteral("chip")))
        if (chip->isVisible())
            texts << chip->text();
    return texts;
}

/// Opens the picker by an action, types, and takes the first offer.
void pick(AppFixture &app, const QString &action, const QString &text)
{
    app.action(action)->trigger();
    auto *line = app.find<QLineEdit>(QStringLiteral("pickerText"));
    line->setText(text);
    QTest::keyClick(line, Qt::Key_Return);
}

} // namespace

class TestWindow : public QObject {
    Q_OBJECT

private slots:
    void startsOnTheDemo()
    {
        AppFixture app;
        test::writeTinyModel(app.path(QStringLiteral("demo/model")));
        QDir{}.mkpath(app.path(QStringLiteral("demo/corpus")));
        test::writeTinyCorpus(app.path(QStringLiteral("demo/corpus/parallel.jsonl")));
        app.start();
        QTRY_VERIFY(app.document().current());
        // The first thing to be seen is one text in all its languages.
        const TraceMeta first = app.document().current()->trace->meta();
        QVERIFY(first.sequences.size() >= 5);
        for (std::size_t i = 0; i < 5; ++i)
            QCOMPARE(first.sequences[i].parallelId, std::string{"t0"});
        QVERIFY(app.settle());
        const OpenTrace &open = *app.document().current();
        QCOMPARE(open.key, Document::corpusKey);
        QCOMPARE(open.trace->meta().sequences.size(), std::size_t{corpusRows});
        QVERIFY(open.trace->meta().fields.routerLogit);
        QCOMPARE(open.byLanguage->groups.size(), std::size_t{5});
        QCOMPARE(open.byDomain->groups.size(), std::size_t{2});
        QVERIFY(app.find<QLabel>(QStringLiteral("workModel"))->text().contains(QStringLiteral("qwen3_moe")));
        QVERIFY(app.find<QLabel>(QStringLiteral("workRate"))->text().contains(QStringLiteral("tokens/s")));
        QVERIFY(app.bannerText().isEmpty());
    }

    void saysWhereTheDemoShouldBe()
    {
        AppFixture app;
        app.start();
        QVERIFY(app.bannerText().contains(QStringLiteral("EXPERTSCOPE_DATA_DIR")));
    }

    void filtersTheCorpusAndSelectsEverywhere()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        auto *table = app.find<QTableView>(QStringLiteral("corpusTable"));
        const QAbstractItemModelTester tester{table->model(), QAbstractItemModelTester::FailureReportingMode::QtTest};
        QCOMPARE(table->model()->rowCount(), corpusRows);

        auto *search = app.find<QLineEdit>(QStringLiteral("corpusSearch"));
        QTest::keyClicks(search, QStringLiteral("river"));
        QCOMPARE(table->model()->rowCount(), 4); // three English sentences and a line of Python
        search->clear();

        auto *language = app.find<QComboBox>(QStringLiteral("corpusLanguage"));
        language->setCurrentIndex(language->findData(QStringLiteral("ar")));
        QCOMPARE(table->model()->rowCount(), 3);
        QCOMPARE(app.selection().group, QStringLiteral("ar"));
        QCOMPARE(app.selection().grouping, QStringLiteral("language"));
        QCOMPARE(chips(*app.window).size(), 1);

        const QModelIndex first = table->model()->index(0, 0);
        QTest::mouseClick(table->viewport(), Qt::LeftButton, {}, table->visualRect(first).center());
        const int sequence = app.selection().sequence;
        QVERIFY(sequence >= 0);
        QCOMPARE(app.document().current()->trace->meta().sequences[static_cast<std::size_t>(sequence)].language, std::string{"ar"});
        QCOMPARE(chips(*app.window).size(), 2);

        // A token chosen in any view shows its sequence in the list.
        language->setCurrentIndex(0);
        Selection elsewhere;
        elsewhere.token = app.document().current()->trace->meta().sequences[7].firstToken;
        app.document().selection().set(elsewhere);
        QCOMPARE(app.window->corpusPanel().sequences().row(table->currentIndex().row()).sequence, 7);
    }

    void chipsClearTheirPartAndEscapeClearsAll()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        Selection selection;
        selection.sequence = 2;
        selection.token = app.document().current()->trace->meta().sequences[2].firstToken + 1;
        selection.layer = 1;
        selection.experts = {3, 5};
        app.document().selection().set(selection);
        QCOMPARE(chips(*app.window).size(), 3);
        QVERIFY(chips(*app.window).last().startsWith(QStringLiteral("L1 E3, E5")));
        for (auto *chip : app.window->findChildren<QToolButton *>(QStringLiteral("chip")))
            if (chip->isVisible() && chip->text().startsWith(QStringLiteral("L1")))
                chip->click();
        QVERIFY(app.selection().experts.empty());
        QCOMPARE(app.selection().sequence, 2);
        QTest::keyClick(app.window.get(), Qt::Key_Escape);
        Selection nothing;
        nothing.layer = 1;
        QCOMPARE(app.selection(), nothing);
        app.action(QStringLiteral("stop")); // the same wish has a place in the menu
        QTest::keyClick(app.window.get(), Qt::Key_Left, Qt::AltModifier);
        QCOMPARE(app.selection().sequence, 2);
        QTest::keyClick(app.window.get(), Qt::Key_Right, Qt::AltModifier);
        QCOMPARE(app.selection(), nothing);
    }

    void keepsTheOldModelWhenTheNewOneIsBad()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        const TracePtr before = app.document().current()->trace;
        QDir{}.mkpath(app.path(QStringLiteral("bad")));
        app.chosenFolder = app.path(QStringLiteral("bad"));
        app.action(QStringLiteral("openModel"))->trigger();
        QVERIFY(app.settle());
        QVERIFY(app.bannerText().contains(QStringLiteral("bad")));
        QCOMPARE(app.document().model()->where, app.model());
        QCOMPARE(app.document().current()->trace, before);
        app.find<QPlainTextEdit>(QStringLiteral("prompt"))->setPlainText(QStringLiteral("still here"));
        app.window->promptPanel().run();
        QVERIFY(app.settle());
        QCOMPARE(app.document().current()->key, Document::promptsKey);
        app.find<QToolButton>(QStringLiteral("bannerClose"))->click();
        QVERIFY(app.bannerText().isEmpty());
        app.chosenFiles = QStringList{app.path(QStringLiteral("model/model.safetensors"))};
        app.action(QStringLiteral("openTrace"))->trigger();
        QVERIFY(app.settle());
        QVERIFY(!app.bannerText().isEmpty());
        QCOMPARE(app.document().traces().size(), std::size_t{2});
    }

    void opensATraceWithoutItsModel()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        const TracePtr traced = app.document().current()->trace;
        app.chosenSave = app.path(QStringLiteral("saved.h5"));
        app.action(QStringLiteral("saveTrace"))->trigger();
        QVERIFY(app.settle());
        QVERIFY(QFile::exists(app.chosenSave));
        app.close();
        QFile::remove(app.path(QStringLiteral("settings.ini")));

        app.start({app.chosenSave});
        QVERIFY(app.settle());
        QVERIFY(!app.document().model());
        const OpenTrace &open = *app.document().current();
        QCOMPARE(open.key, app.chosenSave);
        QCOMPARE(open.trace->meta().sequences, traced->meta().sequences);
        std::vector<ExpertId> ours(static_cast<std::size_t>(traced->meta().tokens * traced->meta().slotCount)), saved(ours.size());
        traced->expertIds({0, traced->meta().tokens}, 1, ours);
        open.trace->expertIds({0, traced->meta().tokens}, 1, saved);
        QCOMPARE(saved, ours);
        QCOMPARE(open.byLanguage->groups.size(), std::size_t{5});
        QVERIFY(app.window->corpusPanel().sequences().row(0).text.startsWith(QStringLiteral("The bridge")));
        QVERIFY(!app.find<QPushButton>(QStringLiteral("promptRun"))->isEnabled());
        app.action(QStringLiteral("closeTrace"))->trigger();
        QVERIFY(!app.document().current());
        QVERIFY(!app.action(QStringLiteral("saveTrace"))->isEnabled());
    }

    void comesBackAsItWas()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        Selection selection;
        selection.sequence = 4;
        selection.token = app.document().current()->trace->meta().sequences[4].firstToken + 2;
        selection.layer = 2;
        selection.experts = {1};
        app.document().selection().set(selection);
        app.find<QSpinBox>(QStringLiteral("promptSeed"))->setValue(42);
        app.window->findChild<QWidget *>(QStringLiteral("dock.prompt"))->hide();
        app.close();

        app.start();
        QVERIFY(app.settle());
        QTRY_COMPARE(app.selection(), selection);
        QCOMPARE(app.document().model()->where, app.model());
        QCOMPARE(app.document().corpus()->files, QStringList{app.corpus()});
        QCOMPARE(app.find<QSpinBox>(QStringLiteral("promptSeed"))->value(), 42);
        QVERIFY(app.window->findChild<QWidget *>(QStringLiteral("dock.prompt"))->isHidden());
        QCOMPARE(app.settings->recent(RecentKind::Model), QStringList{app.model()});
        QCOMPARE(app.settings->recent(RecentKind::Corpus), QStringList{app.corpus()});
    }

    void paletteGoToAndFinder()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        pick(app, QStringLiteral("goTo"), QStringLiteral("L2 E5"));
        QCOMPARE(app.selection().layer, 2);
        QCOMPARE(app.selection().experts, std::vector<int>{5});
        pick(app, QStringLiteral("goTo"), QStringLiteral("token 12"));
        QCOMPARE(app.selection().token, 12);
        pick(app, QStringLiteral("goTo"), QStringLiteral("L9"));
        QVERIFY(app.find<QTreeWidget>(QStringLiteral("pickerList"))->topLevelItem(0)->text(0).contains(QStringLiteral("no experts")));
        QTest::keyClick(app.find<QLineEdit>(QStringLiteral("pickerText")), Qt::Key_Escape);
        QVERIFY(!app.window->findChild<Picker *>()->isVisible());

        pick(app, QStringLiteral("findSequence"), QStringLiteral("Brücke 2"));
        QCOMPARE(
            app.document().current()->trace->meta().sequences[static_cast<std::size_t>(app.selection().sequence)].id, std::string{"t2-de"});

        app.action(QStringLiteral("palette"))->trigger();
        auto *list = app.find<QTreeWidget>(QStringLiteral("pickerList"));
        QVERIFY(list->topLevelItemCount() > 20);
        QTest::keyClicks(app.find<QLineEdit>(QStringLiteral("pickerText")), QStringLiteral("layer expert"));
        const QList<QTreeWidgetItem *> found = list->findItems(QStringLiteral("Go: Token, Layer, Expert"), Qt::MatchExactly);
        QCOMPARE(found.size(), 1);
        QCOMPARE(found.front()->text(1), QStringLiteral("Ctrl+G"));
        QTest::keyClick(app.find<QLineEdit>(QStringLiteral("pickerText")), Qt::Key_Escape);
        pick(app, QStringLiteral("palette"), QStringLiteral("theme dark"));
        QCOMPARE(app.settings->theme(), Theme::Dark);
        QVERIFY(QApplication::palette().color(QPalette::Window).lightness() < 100);
        pick(app, QStringLiteral("palette"), QStringLiteral("theme light"));
        QTest::keyClick(app.window.get(), Qt::Key_Question);
        QVERIFY(app.window->findChild<QWidget *>(QStringLiteral("keysWindow")));
    }

    void takesWhatIsDropped()
    {
        AppFixture app;
        app.start({app.model()});
        QVERIFY(app.settle());
        // as the window system sends it: to the window, over whatever widget is there
        auto *prompt = app.window->promptPanel().findChild<QPlainTextEdit *>();
        QVERIFY(prompt && prompt->isVisible());
        const QPoint at = prompt->mapTo(app.window.get(), prompt->rect().center());
        const auto drag = [&](const QString &path) {
            QMimeData dragged;
            dragged.setUrls({QUrl::fromLocalFile(path)});
            QDragEnterEvent enter{at, Qt::CopyAction | Qt::MoveAction, &dragged, Qt::LeftButton, {}};
            QApplication::sendEvent(app.window->windowHandle(), &enter);
            QVERIFY(enter.isAccepted());
            auto *sign = app.window->findChild<QLabel *>(QStringLiteral("dropSign"));
            QVERIFY(sign && sign->isVisible() && sign->text().contains(QFileInfo{path}.fileName()));
            qInfo("%s", qPrintable(sign->text()));
            QDragMoveEvent move{at, Qt::CopyAction | Qt::MoveAction, &dragged, Qt::LeftButton, {}};
            QApplication::sendEvent(app.window->windowHandle(), &move);
            QVERIFY(move.isAccepted());
            QDropEvent drop{QPointF{at}, Qt::CopyAction | Qt::MoveAction, &dragged, Qt::LeftButton, {}};
            QApplication::sendEvent(app.window->windowHandle(), &drop);
            QVERIFY(!sign->isVisible());
            QCOMPARE(drop.dropAction(), Qt::CopyAction);
            QVERIFY(app.settle());
        };
        drag(app.corpus());
        QCOMPARE(app.document().current()->trace->meta().sequences.size(), std::size_t{corpusRows});
        QVERIFY(prompt->toPlainText().isEmpty());
        const QTemporaryDir folder;
        const QString file = folder.filePath(QStringLiteral("t.h5"));
        copyTrace(*app.document().current()->trace, *createTraceFile(file.toStdString(), {}), Progress{});
        drag(file);
        QCOMPARE(app.document().current()->title, QStringLiteral("t.h5"));
        drag(app.model());
        QVERIFY(app.document().model());
        // text still goes where it is dropped
        QMimeData words;
        words.setText(QStringLiteral("words"));
        QDragEnterEvent enter{at, Qt::CopyAction, &words, Qt::LeftButton, {}};
        QApplication::sendEvent(app.window->windowHandle(), &enter);
        QDropEvent drop{QPointF{at}, Qt::CopyAction, &words, Qt::LeftButton, {}};
        QApplication::sendEvent(app.window->windowHandle(), &drop);
        QCOMPARE(prompt->toPlainText(), QStringLiteral("words"));
    }

    void viewsCanBeArranged()
    {
        AppFixture app;
        app.start({app.model(), app.corpus()});
        QVERIFY(app.settle());
        const std::vector<View *> &views = app.window->viewArea().views();
        QVERIFY(views.size() >= 2);
        QVERIFY2(app.window->minimumSizeHint().height() <= 720, qPrintable(QString::number(app.window->minimumSizeHint().height())));
        QTRY_VERIFY(views[0]->y() >= 0 && !views[0]->visibleRegion().isEmpty() && !views[1]->visibleRegion().isEmpty());
        app.action(QStringLiteral("arrangeTabs"))->trigger();
        QTRY_VERIFY(views[1]->visibleRegion().isEmpty());
        app.window->viewArea().activate(views[1]);
        QTRY_COMPARE(app.window->viewArea().activeView(), views[1]);
        app.action(QStringLiteral("arrangeSideBySide"))->trigger();
        QTRY_VERIFY(views[0]->mapToGlobal(QPoint{}).x() < views[1]->mapToGlobal(QPoint{}).x());
    }
};

QTEST_MAIN(TestWindow)
#include "test_window.moc"
