// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Steering view and what leads to it: cards that make a recipe, an outcome that is shown, and the right-click on experts.
#include "engine/experiments/comparison.h"
#include "view_fixture.h"
#include "views/common/heatmap_view.h"
#include "views/common/series_chart.h"
#include "views/common/steering_actions.h"
#include "views/routing_map/routing_map_view.h"
#include "views/steering/effects_page.h"
#include "views/steering/expert_list.h"
#include "views/steering/recipe_panel.h"
#include "views/steering/steering_view.h"
#include "views/steering/text_difference.h"

#include <QApplication>
#include <QCheckBox>
#include <QComboBox>
#include <QContextMenuEvent>
#include <QImage>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QPainter>
#include <QPushButton>
#include <QSignalSpy>
#include <QSlider>
#include <QTest>
#include <QTextBrowser>
#include <QToolButton>

#include <cmath>

using namespace expertscope;

namespace {

/// What a right-click there offers.
QMenu *menuAt(HeatmapView &map, int row, std::int64_t column)
{
    const QPoint at = map.cellRect(row, column).center().toPoint();
    QContextMenuEvent event(QContextMenuEvent::Mouse, at, map.mapToGlobal(at));
    QApplication::sendEvent(&map, &event);
    const auto menus = map.findChildren<QMenu *>(QStringLiteral("heatmapMenu"));
    return menus.isEmpty() ? nullptr : menus.last();
}

} // namespace

class TestSteeringView : public QObject {
    Q_OBJECT

private slots:
    void expertListsAreReadAndWritten_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("written");
        QTest::newRow("one") << "L3: 1"
                             << "L3: 1";
        QTest::newRow("many") << "L3: 1, 5; L4: 0-2"
                              << "L3: 1, 5; L4: 0-2";
        QTest::newRow("as the window writes cells") << "L12 E40"
                                                    << "L12: 40";
        QTest::newRow("several cells") << "l3 E1 E2; L4 e9"
                                       << "L3: 1, 2; L4: 9";
        QTest::newRow("every layer") << "L*: 7"
                                     << "L*: 7";
        QTest::newRow("every expert") << "L5: *"
                                      << "L5: *";
        QTest::newRow("twice named once kept, in order") << "L1: 5, 2, 5"
                                                         << "L1: 5, 2";
        QTest::newRow("lines") << "L1: 5\nL2: 6\n"
                               << "L1: 5; L2: 6";
    }
    void expertListsAreReadAndWritten()
    {
        QFETCH(QString, text);
        const ExpertListText read = readExpertList(text);
        QCOMPARE(read.problem, QString());
        QTEST(expertListText(read.experts), "written");
        QCOMPARE(readExpertList(expertListText(read.experts)).experts, read.experts);
    }

    void expertListsThatCannotBeReadSayWhy()
    {
        for (const char *text : {"", "5", "L3:", "L3: x", "L3: 5-2", "L3: 99999", "L999999: 1", "L3: 1; nonsense"})
            QVERIFY2(!readExpertList(QString::fromLatin1(text)).problem.isEmpty(), text);
        QVERIFY(!readLayerList(QStringLiteral("a")).problem.isEmpty());
        QCOMPARE(readLayerList(QStringLiteral("0-2, 7")).layers, (std::vector<int>{0, 1, 2, 7}));
        QCOMPARE(readLayerList(QStringLiteral(" * ")).layers, std::vector<int>{everyLayer});
        QCOMPARE(layerListText({0, 1, 2, 7}), QStringLiteral("0-2, 7"));
    }

    void textDifferenceMarksWhatIsNotInBoth()
    {
        const auto check = [](std::vector<std::int32_t> a, std::vector<std::int32_t> b, std::vector<bool> first, std::vector<bool> second) {
            const TextDifference difference = textDifference(a, b);
            QCOMPARE(difference.first, first);
            QCOMPARE(difference.second, second);
        };
        check({1, 2, 3}, {1, 2, 3}, {false, false, false}, {false, false, false});
        check({1, 2, 3}, {1, 9, 3, 4}, {false, true, false}, {false, true, false, true});
        check({}, {5}, {}, {true});
        check({1, 2}, {2, 1}, {true, false}, {false, true});
    }

    void cardsMakeTheRecipe()
    {
        SteeringModel model;
        RecipePanel panel(model);
        Recipe wished;
        bool wasMoving = true;
        connect(&model, &SteeringModel::recipeWished, &panel, [&](const Recipe &recipe, bool moving) {
            wished = recipe;
            wasMoving = moving;
            SteeringState state = model.state();
            state.recipe = recipe;
            model.setState(state);
        });
        panel.addEdit("soft", {{3, false, {1}}});
        QCOMPARE(panel.editCards().size(), std::size_t{1});
        QCOMPARE(wished.edits.front().op, std::string("soft"));
        QVERIFY(wished.edits.front().enabled);

        RecipeCard *card = panel.editCards().front();
        auto *where = card->findChild<QLineEdit *>(QStringLiteral("where"));
        QCOMPARE(where->text(), QStringLiteral("L3: 1"));
        where->setText(QStringLiteral("L3: 1, 2; L4: 0"));
        QTest::keyClick(where, Qt::Key_Return);
        QCOMPARE(wished.edits.front().experts, (std::vector<LayerExperts>{{3, false, {1, 2}}, {4, false, {0}}}));
        where->setText(QStringLiteral("rubbish"));
        QTest::keyClick(where, Qt::Key_Return);
        QCOMPARE(wished.edits.front().experts.size(), std::size_t{2}); // stays as it was
        auto *problem = card->findChild<QLabel *>(QStringLiteral("problem"));
        QVERIFY(!problem->isHidden() && problem->text().contains(QStringLiteral("rubbish")));
        where->setText(QStringLiteral("L3: 1"));
        QTest::keyClick(where, Qt::Key_Return);
        QVERIFY(problem->isHidden());

        auto *slider = card->findChild<QSlider *>(QStringLiteral("strength"));
        slider->setSliderDown(true);
        slider->setValue(50);
        QVERIFY(wasMoving);
        slider->setSliderDown(false);
        QVERIFY(!wasMoving);
        QCOMPARE(std::stod(wished.edits.front().settings.front().second), 1.0); // half of four times the default 0.5

        card->findChild<QCheckBox *>(QStringLiteral("enabled"))->click();
        QVERIFY(!wished.edits.front().enabled);

        auto *kind = card->findChild<QComboBox *>(QStringLiteral("kind"));
        kind->setCurrentIndex(kind->findData(QStringLiteral("mask")));
        emit kind->activated(kind->currentIndex());
        QCOMPARE(wished.edits.front().op, std::string("mask"));
        QVERIFY(wished.edits.front().settings.empty());
        QVERIFY(slider->parentWidget()->isHidden()); // nothing to set

        panel.addPolicy("top-k");
        QCOMPARE(wished.policies.size(), std::size_t{1});
        card->findChild<QToolButton *>(QStringLiteral("remove"))->click();
        QTRY_COMPARE(wished.edits.size(), std::size_t{0});
        QCOMPARE(wished.policies.size(), std::size_t{1});
    }

    void anEditWithoutExpertsIsOffUntilTheyAreNamed()
    {
        SteeringModel model;
        RecipePanel panel(model);
        QSignalSpy wishes(&model, &SteeringModel::recipeWished);
        panel.addEdit("mask", {});
        QVERIFY(!wishes.last().first().value<Recipe>().edits.front().enabled);
    }

    void outcomeIsShown()
    {
        const TracePtr trace = test::textTrace({{"a", "en", "", {"the ", "cat ", "sat"}, {}}});
        test::Jobs jobs;
        SelectionModel selection;
        SteeringView view(jobs.context(selection));
        view.setSubject(test::subjectOf(trace));
        view.resize(1200, 700);
        QSignalSpy watched(jobs.steering.get(), &SteeringModel::watchedChanged);
        view.show();
        QCOMPARE(watched.size(), 1);
        SteeringState state;
        state.obstacle = QStringLiteral("open a model");
        jobs.steering->setState(state);
        QVERIFY(view.findChild<QLabel *>(QStringLiteral("steeringObstacle"))->text() == state.obstacle);
        QVERIFY(view.csv().empty());

        state.obstacle.clear();
        state.outcome = test::steeringOutcome(trace);
        jobs.steering->setState(state);
        const QString text = view.text()->toPlainText();
        QVERIFY2(text.contains(QStringLiteral("the cat sat")), qPrintable(text));
        QVERIFY(text.contains(QStringLiteral("same old end")));
        QVERIFY(text.contains(QStringLiteral("same <new> end"))); // escaped, not markup
        QVERIFY(view.numbers()->text().contains(QStringLiteral("0.25")));
        QVERIFY(view.map()->content().dotted(1, 3)); // layer 2 is row 1: the trace's layers begin at 1
        QVERIFY(!view.map()->content().dotted(1, 4));
        QVERIFY(view.csv().starts_with("position,token_id,loss_baseline"));
        emit view.text()->anchorClicked(QUrl(QStringLiteral("token:2")));
        QCOMPARE(selection.value().token, 2);

        QImage picture(600, 500, QImage::Format_RGB32);
        picture.fill(Qt::white);
        QPainter painter(&picture);
        view.paintFigure(painter, picture.rect());
        painter.end();
        QImage blank(picture.size(), picture.format());
        blank.fill(Qt::white);
        QVERIFY(picture != blank);
    }

    void effectsStandAgainstTheScoreOfTheFirstRow()
    {
        EffectsState state;
        state.measuredWith = Params{effectsParams()}.all();
        std::map<ExpertPlace, AblationEffect> effects;
        for (int expert = 0; expert < 6; ++expert) {
            AblationEffect effect{{2, expert}, {}, 50};
            effect.loss.difference = 0.01 * expert;
            effect.loss.interval = {0.01 * expert - 0.005, 0.01 * expert + 0.005};
            effects.emplace(effect.expert, effect);
        }
        state.effects = std::make_shared<const std::map<ExpertPlace, AblationEffect>>(effects);
        const Table table{"t", "Top experts",
            {{"layer", "", "", std::vector<std::int64_t>{2, 2, 2, 2, 2, 2, 3}},
                {"expert", "", "", std::vector<std::int64_t>{5, 4, 3, 3, 2, 1, 1}},
                {"value", "1", "", std::vector<double>{5, 4, 3, -9, 2, 1, 7}},
                {"same", "", "", std::vector<std::int64_t>{1, 1, 1, 1, 1, 1, 1}}, {"group", "", "", std::vector<std::string>(7, "de")}}};
        const ExpertRanking ranking{QStringLiteral("Top experts"), table};
        QCOMPARE(scoresOf(table), std::vector<std::string>{"value"}); // what does not differ is no score
        const Series series = effectScatter(ranking, "value", state);
        QCOMPARE(series.x, (std::vector<double>{5, 4, 3, 2, 1})); // twice named once shown; layer 3 was not measured
        QCOMPARE(series.names.front(), std::string("layer 2, expert 5"));
        QCOMPARE(series.curves.back().y, (std::vector<double>{0.05, 0.04, 0.03, 0.02, 0.01}));
        QVERIFY(effectScatter(ranking, "value", {}).x.empty());

        test::Jobs jobs;
        SelectionModel selection;
        EffectsPage page(jobs.context(selection));
        QVERIFY(page.csv().empty() && page.caption().isEmpty());
        state.sample = QStringLiteral("7 texts");
        state.ranking = std::make_shared<const ExpertRanking>(ranking);
        jobs.effects->setState(state);
        page.setTrace(test::textTrace(test::manyLanguages(1))); // its layers begin at 1
        QVERIFY2(page.caption().startsWith(QStringLiteral("Spearman's rank correlation 1")), qPrintable(page.caption()));
        QVERIFY(page.caption().contains(QStringLiteral("7 texts")));
        emit page.chart()->picked(1, 1);
        QCOMPARE(selection.value().layer, 1);
        QCOMPARE(selection.value().experts, std::vector<int>{4});
        QVERIFY(page.csv().starts_with("layer,expert,value,effect,effect_low"));
        std::vector<ExpertPlace> wished;
        connect(jobs.effects.get(), &EffectsModel::wished, &page, [&](const std::vector<ExpertPlace> &experts) { wished = experts; });
        page.findChild<QPushButton *>(QStringLiteral("measureRanking"))->click();
        QCOMPARE(wished.size(), std::size_t{7});
        state.obstacle = QStringLiteral("open the model that made it");
        jobs.effects->setState(state);
        QVERIFY(!page.findChild<QPushButton *>(QStringLiteral("measureRanking"))->isEnabled());
        QVERIFY(measuredColumns(table, state).empty());
    }

    void comparisonOfARunWithItselfIsNoChange()
    {
        const TracePtr trace = test::textTrace(test::manyLanguages(1));
        const Result result = comparisonResult(test::steeringOutcome(trace)->comparison);
        QCOMPARE(result.number("agreement").value, 1.0);
        QCOMPARE(result.number("same_prediction").value, 1.0);
        QCOMPARE(result.number("loss_change").value, 0.0);
        for (double value : result.matrix("difference").values)
            QCOMPARE(value, 0.0);
        for (double value : result.table("layers").reals("replaced"))
            QCOMPARE(value, 0.0);
    }

    void rightClickOnExpertsAsks()
    {
        const TracePtr trace = test::textTrace(test::manyLanguages(1));
        test::Jobs jobs;
        SelectionModel selection;
        RoutingMapView view(jobs.context(selection));
        view.setSubject(test::subjectOf(trace));
        view.resize(900, 500);
        view.show();
        auto *map = view.findChild<HeatmapView *>();
        QVERIFY(map->content().data);
        SteeringWish wish;
        connect(jobs.steering.get(), &SteeringModel::wished, &view, [&](const SteeringWish &asked) { wish = asked; });

        QMenu *menu = menuAt(*map, 2, 5);
        QVERIFY(menu);
        menu->findChild<QAction *>(QStringLiteral("steer2"))->trigger();
        QCOMPARE(wish, (SteeringWish{SteeringWish::Kind::Ablate, 3, {5}})); // row 2 is layer 3
        menu->close();

        // a brushed set is meant as a whole
        Selection brushed;
        brushed.layer = 2;
        brushed.experts = {4, 5, 6};
        selection.set(brushed);
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        menu = menuAt(*map, 2, 5);
        menu->findChild<QAction *>(QStringLiteral("steer0"))->trigger();
        QCOMPARE(wish, (SteeringWish{SteeringWish::Kind::Boost, 3, {4, 5, 6}}));
        menu->close();
    }
};

QTEST_MAIN(TestSteeringView)
#include "test_steering_view.moc"
