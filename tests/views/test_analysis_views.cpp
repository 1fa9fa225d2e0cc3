// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Views of analyses: when they run and when not, what a click selects, what a selection shows, and what they export.
#include "view_fixture.h"
#include "views/alignment/alignment_view.h"
#include "views/analyses/analyses_view.h"
#include "views/balance/balance_view.h"
#include "views/common/heatmap_view.h"
#include "views/common/result_pages.h"
#include "views/common/result_table.h"
#include "views/common/series_chart.h"
#include "views/compare/compare_view.h"
#include "views/flow/flow_view.h"
#include "views/specialisation/group_map.h"
#include "views/specialisation/specialisation_view.h"

#include <QApplication>
#include <QBuffer>
#include <QComboBox>
#include <QPainter>
#include <QSignalSpy>
#include <QSvgGenerator>
#include <QTest>
#include <QTextBrowser>
#include <QToolButton>

#include <algorithm>
#include <cmath>

using namespace expertscope;

namespace {

int runs = 0; ///< of the analysis below

constexpr ParamKind params[] = {{"add", "Add", "Added to the tokens", ParamKind::Type::Integer, "0", -1000, 1000}};

AnalysisKind tokenCount()
{
    return {.id = "token-count",
        .title = "Token count",
        .help = "How many tokens are there?",
        .definition = "Tokens of the trace.",
        .source = "none",
        .params = params,
        .traces = 1,
        .needs = {.languages = true},
        .run = [](const AnalysisInput &input, const Params &given, const Progress &progress) -> Result {
            progress.check();
            ++runs;
            Result result;
            result.tables.push_back({.id = "tokens", .title = "Tokens", .columns = {}});
            result.tables.front().columns.push_back(
                {"n", "tokens", "Tokens", std::vector<std::int64_t>{input.traces.front()->meta().tokens + given.integer("add")}});
            return result;
        }};
}

std::int64_t countOf(const AnalysisRun &run)
{
    return run.result() ? run.result()->table("tokens").integers("n").front() : -1;
}

AnalysisInput inputOf(const TracePtr &trace)
{
    AnalysisInput input;
    input.traces = {trace};
    return input;
}

void show(View &view, const TracePtr &trace)
{
    view.resize(900, 640);
    view.show();
    view.setSubject(test::subjectOf(trace));
    QApplication::processEvents();
    QApplication::processEvents();
}

QString svgOf(View &view)
{
    QBuffer buffer;
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setSize({900, 640});
    generator.setResolution(96);
    QPainter painter(&generator);
    view.paintFigure(painter, QRectF(0, 0, 900, 640));
    painter.end();
    return QString::fromUtf8(buffer.data());
}

} // namespace

class TestAnalysisViews : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase() { m_trace = test::textTrace(test::manyLanguages(4)); }
    void init()
    {
        m_selection = std::make_unique<SelectionModel>();
        m_jobs = {};
        runs = 0;
    }

    void runsOnlyWhenSeen()
    {
        const AnalysisKind kind = tokenCount();
        AnalysisRun run(m_jobs.context(*m_selection), kind, nullptr);
        run.setInput(inputOf(m_trace));
        run.setValue("add", "5");
        QCOMPARE(m_jobs.posted, 0);
        run.setSeen(true);
        QCOMPARE(countOf(run), m_trace->meta().tokens + 5);
        run.setSeen(false);
        run.setValue("add", "7");
        QCOMPARE(runs, 1);
        run.setSeen(true);
        QCOMPARE(countOf(run), m_trace->meta().tokens + 7);
        run.setSeen(true);
        run.setValue("add", "7");
        QCOMPARE(runs, 2); // nothing changed
    }

    void theNewestWinsAndAStoppedOneIsSilent()
    {
        const AnalysisKind kind = tokenCount();
        AnalysisRun run(m_jobs.context(*m_selection), kind, nullptr);
        run.setSeen(true);
        m_jobs.hold = true;
        run.setInput(inputOf(m_trace));
        run.setValue("add", "1");
        run.setValue("add", "2");
        QVERIFY(run.running());
        m_jobs.run();
        QCOMPARE(runs, 1);
        QCOMPARE(countOf(run), m_trace->meta().tokens + 2);
        run.setValue("add", "3");
        run.stop();
        QCOMPARE(m_jobs.stopped, 1);
        QVERIFY(run.stopped() && !run.running());
        m_jobs.run();
        QCOMPARE(countOf(run), m_trace->meta().tokens + 2); // what was there stays
        run.start();
        m_jobs.run();
        QCOMPARE(countOf(run), m_trace->meta().tokens + 3);
    }

    void growingDoesNotStopARun()
    {
        const AnalysisKind kind = tokenCount();
        AnalysisRun run(m_jobs.context(*m_selection), kind, nullptr);
        run.setSeen(true);
        m_jobs.hold = true;
        const TracePtr more = test::textTrace(test::manyLanguages(6)), most = test::textTrace(test::manyLanguages(8));
        run.setInput(inputOf(m_trace));
        QCOMPARE(m_jobs.posted, 1);
        run.setInput(inputOf(more));
        run.setInput(inputOf(most));
        QCOMPARE(m_jobs.posted, 1);
        QSignalSpy changes(&run, &AnalysisRun::changed);
        m_jobs.run();
        QCOMPARE(runs, 2); // the first one and the newest
        QVERIFY(changes.size() >= 2);
        QCOMPARE(countOf(run), most->meta().tokens);
        // Another trace is another matter.
        run.setInput(inputOf(test::textTrace(test::manyLanguages(1), {3, 8, 2, true})));
        QVERIFY(!run.result());
    }

    void saysWhatIsMissing()
    {
        const AnalysisKind kind = tokenCount();
        AnalysisRun run(m_jobs.context(*m_selection), kind, nullptr);
        run.setSeen(true);
        run.setInput(inputOf(test::textTrace({{"a", "", "x", {"one"}}})));
        QVERIFY(!run.result() && run.error());
        QCOMPARE(run.error()->remedy, std::string{"No sequence names its language: give the corpus a language column"});
        run.setInput({});
        QVERIFY(!run.running() && !run.error());
    }

    void everyViewWaitsShowsAndExports()
    {
        for (const ViewKind &kind : viewKinds()) {
            m_jobs = {};
            const std::unique_ptr<View> view(kind.make(m_jobs.context(*m_selection), nullptr));
            auto *analysis = qobject_cast<AnalysisView *>(view.get());
            if (!analysis || analysis->current()->kind().traces > 1)
                continue;
            view->setSubject(test::subjectOf(m_trace));
            QApplication::processEvents();
            QCOMPARE(m_jobs.posted, 0); // not shown yet
            show(*view, m_trace);
            QTRY_VERIFY2(analysis->result(), kind.id);
            QVERIFY(m_jobs.posted > 0);
            const QString svg = svgOf(*view);
            QVERIFY2(svg.count(QStringLiteral("<text")) > 15, kind.id);
            QVERIFY2(svg.contains(QStringLiteral("Layer")), kind.id);
            QVERIFY(!view->csv().empty());
            QCOMPARE(view->csvWork()(), view->csv());
            analysis->setSideShown(1);
            const QString definition = analysis->findChild<QTextBrowser *>(QStringLiteral("definition"))->toPlainText();
            QVERIFY(definition.contains(QString::fromStdString(std::string{analysis->current()->kind().source}).left(30)));
            QVERIFY(!view->grab().isNull());
            view->hide();
            const int posted = m_jobs.posted;
            view->setSubject(test::subjectOf(test::textTrace(test::manyLanguages(2), {4, 8, 2, true})));
            QApplication::processEvents();
            QCOMPARE(m_jobs.posted, posted); // hidden views do nothing
            view->setSubject({});
            QVERIFY(view->csv().empty());
            QVERIFY(!view->grab().isNull());
        }
    }

    void statesComeBack()
    {
        BalanceView view(m_jobs.context(*m_selection));
        view.setMeasure(QStringLiteral("gini"));
        view.current()->setValue("batch", "128");
        BalanceView other(m_jobs.context(*m_selection));
        other.restoreState(view.saveState());
        QCOMPARE(other.current()->value("batch"), std::string{"128"});
        QCOMPARE(other.saveState(), view.saveState());
        QVariantMap nonsense{{QStringLiteral("load-balance"), QVariantMap{{QStringLiteral("batch"), QStringLiteral("many")}}}};
        other.restoreState(nonsense);
        QCOMPARE(other.current()->value("batch"), std::string{"64"});
    }

    void balanceSelectsBothWays()
    {
        BalanceView view(m_jobs.context(*m_selection));
        show(view, m_trace);
        QTRY_VERIFY(view.result());
        const Table &table = view.result()->table("balance");
        QCOMPARE(view.measures()->series().curves.front().y, table.reals("cv"));
        view.setMeasure(QStringLiteral("gini"));
        QCOMPARE(view.measures()->series().curves.front().y, table.reals("gini"));
        emit view.measures()->picked(3, 0); // layers are numbered from 1
        QCOMPARE(m_selection->value().layer, 3);
        QCOMPARE(view.measures()->plot()->marks().x, 4.0);
        QTest::mouseClick(view.map(), Qt::LeftButton, {}, view.map()->cellRect(2, 5).center().toPoint());
        QCOMPARE(m_selection->value().layer, 2);
        QCOMPARE(m_selection->value().experts, std::vector<int>{5});
        Selection elsewhere = m_selection->value();
        elsewhere.layer = 5;
        m_selection->set(elsewhere);
        QCOMPARE(view.measures()->plot()->marks().x, 6.0);
        // A measure the settings leave out is said to be so.
        view.current()->setValue("batch", "0");
        view.setMeasure(QStringLiteral("max_vio_batch"));
        QVERIFY(!view.measures()->plot());
    }

    void specialisationShowsTheTable()
    {
        SpecialisationView view(m_jobs.context(*m_selection));
        view.run("specialisation")->setValues({{"grouping", "language"}, {"permutations", "100"}, {"bootstrap", "50"}});
        show(view, m_trace);
        QTRY_VERIFY(view.result());
        const auto first = view.result(); // lives on when there is a newer one
        const Table &table = first->table("specialisation");
        view.setGroup(QStringLiteral("zh"));
        const GroupMap map = groupMap(table, "zh", GroupValue::Difference);
        for (std::size_t i = 0; i < table.rows(); ++i) {
            if (table.texts("group")[i] != "zh")
                continue;
            const auto row = static_cast<std::size_t>(table.integers("layer")[i] - 1);
            const auto column = static_cast<std::size_t>(table.integers("expert")[i]);
            QCOMPARE(map.matrix.at(row, column), table.reals("value")[i] - table.reals("load")[i]);
            QCOMPARE(static_cast<bool>(map.significant[row * 16 + column]), table.integers("significant")[i] != 0);
        }
        // The same cells as the analysis' own map of that group.
        view.run("specialisation")->setValue("group", "zh");
        const Matrix &own = view.result()->matrix("specialisation-map");
        const Matrix lifts = groupMap(view.result()->table("specialisation"), "zh", GroupValue::Log2Lift).matrix;
        QCOMPARE(lifts.values.size(), own.values.size());
        for (std::size_t i = 0; i < own.values.size(); ++i)
            QVERIFY(std::isnan(own.values[i]) ? std::isnan(lifts.values[i]) : std::abs(lifts.values[i] - own.values[i]) < 1e-9);
        QCOMPARE(lifts.reach, own.reach);
        QCOMPARE(lifts.emptyMeans, own.emptyMeans);

        QTest::mouseClick(view.map(), Qt::LeftButton, {}, view.map()->cellRect(1, 7).center().toPoint());
        QCOMPARE(m_selection->value().experts, std::vector<int>{7});
        QCOMPARE(view.bars()->series().names, groupsOf(table));
        QVERIFY(view.bars()->series().title.find("Layer 2, expert 7") == 0);
        emit view.bars()->picked(1, 0); // a bar is a language
        QCOMPARE(m_selection->value().grouping, QStringLiteral("language"));
        QCOMPARE(m_selection->value().group, view.group());
        Selection elsewhere = m_selection->value();
        elsewhere.group = QStringLiteral("ar");
        m_selection->set(elsewhere);
        QCOMPARE(view.group(), QStringLiteral("ar"));
        emit view.top()->rowPicked(0);
        QCOMPARE(m_selection->value().experts.front(), static_cast<int>(view.result()->table("top-experts").integers("expert").front()));
    }

    void alignmentLinksLanguagesAndLayers()
    {
        AlignmentView view(m_jobs.context(*m_selection));
        view.current()->setValues({{"bootstrap", "50"}, {"null", "50"}});
        show(view, m_trace);
        QTRY_VERIFY(view.result());
        const Series &lines = view.chart()->series();
        QCOMPARE(lines.curves.size(), std::size_t{7 + 1 + 1}); // languages, chance, mean
        QCOMPARE(view.map()->content().points.size(), std::size_t{8});
        const auto curveOf = [&](const char *name) {
            const auto at = std::find_if(lines.curves.begin(), lines.curves.end(), [&](const Curve &curve) { return curve.name == name; });
            return static_cast<int>(at - lines.curves.begin());
        };
        emit view.chart()->picked(4, curveOf("hi"));
        QCOMPARE(m_selection->value().layer, 4);
        QCOMPARE(m_selection->value().group, QStringLiteral("hi"));
        QCOMPARE(m_selection->value().grouping, QStringLiteral("language"));
        QCOMPARE(view.chart()->plot()->marks().curve, QStringLiteral("hi"));
        QCOMPARE(view.matrix()->content().title, QStringLiteral("Layer 5"));
        emit view.chart()->hovered(1, 0); // the matrix follows the cursor
        QCOMPARE(view.matrix()->content().title, QStringLiteral("Layer 2"));
        emit view.chart()->hovered(-1, -1);
        QCOMPARE(view.matrix()->content().title, QStringLiteral("Layer 5"));
        QTRY_VERIFY(!view.map()->placeOf(QStringLiteral("zh")).point.isEmpty()); // once it is painted
        const QRectF zh = view.map()->placeOf(QStringLiteral("zh")).point;
        QTest::mouseClick(view.map(), Qt::LeftButton, {}, zh.center().toPoint());
        QCOMPARE(m_selection->value().group, QStringLiteral("zh"));
        emit view.chart()->picked(0, 0); // the mean is no language
        QCOMPARE(m_selection->value().layer, 0);
        QCOMPARE(m_selection->value().group, QStringLiteral("zh"));
        view.findChild<QComboBox *>(QStringLiteral("mapBox"))->setCurrentIndex(1);
        QVERIFY(view.map()->content().tree);
        QTRY_VERIFY(!view.map()->placeOf(QStringLiteral("th")).point.isEmpty());
        auto *pivot = view.findChild<QComboBox *>(QStringLiteral("pivot"));
        pivot->setCurrentText(QStringLiteral("de"));
        emit pivot->activated(pivot->currentIndex());
        QTRY_VERIFY(view.result() && view.chart()->series().title == "Routing divergence from de");
    }

    /// Languages that lie on one another keep names that can be read, and a wheel tells the points apart.
    void namesOfNearLanguagesDoNotOverlap()
    {
        LanguageMapContent content{.title = QStringLiteral("Map"), .points = {}, .merges = {}, .unit = QStringLiteral("divergence")};
        for (int i = 0; i < 20; ++i)
            content.points.push_back(
                {QStringLiteral("lang%1").arg(i), i < 12 ? 0.5 + 0.0005 * i : -0.1 * i, i < 12 ? 0.2 : 0.05 * i, Qt::blue});
        LanguageMap map;
        map.resize(420, 320);
        map.setContent(content);
        map.show();
        map.grab();
        for (const LanguagePoint &one : content.points) {
            const LanguagePlace mine = map.placeOf(one.name);
            QVERIFY2(QRectF(map.rect()).contains(mine.name), qPrintable(one.name));
            for (const LanguagePoint &other : content.points)
                if (other.name != one.name)
                    QVERIFY2(!mine.name.intersects(map.placeOf(other.name).name), qPrintable(one.name + u' ' + other.name));
        }
        QSignalSpy picked(&map, &LanguageMap::picked);
        QTest::mouseClick(&map, Qt::LeftButton, {}, map.placeOf(QStringLiteral("lang7")).name.center().toPoint());
        QCOMPARE(picked.back().front().toString(), QStringLiteral("lang7"));
        const auto apart = [&] {
            return map.placeOf(QStringLiteral("lang1")).point.center().x() - map.placeOf(QStringLiteral("lang0")).point.center().x();
        };
        const double before = apart();
        const QPointF fixed = map.placeOf(QStringLiteral("lang0")).point.center();
        map.zoom(20, fixed);
        map.grab();
        QVERIFY(std::abs(apart() - 20 * before) < 1e-6);
        QVERIFY((map.placeOf(QStringLiteral("lang0")).point.center() - fixed).manhattanLength() < 1e-6);
        map.fit();
        map.grab();
        QVERIFY(std::abs(apart() - before) < 1e-6);
    }

    void flowShowsWhereTokensGo()
    {
        FlowView view(m_jobs.context(*m_selection));
        show(view, m_trace);
        QTRY_VERIFY(view.result());
        const SankeyContent &content = view.sankey()->content();
        QCOMPARE(content.layers.size(), std::size_t{4}); // the band is four layers unless it is asked for
        const auto &nodes = view.sankey()->layoutNow().nodes();
        QVERIFY(nodes.size() > 10);
        for (std::size_t i = 1; i < nodes.size(); ++i)
            QVERIFY(nodes[i].column > nodes[i - 1].column || nodes[i].rect.top() >= nodes[i - 1].rect.bottom() - 0.01);
        const auto widest = std::max_element(nodes.begin(), nodes.end(), [](const auto &a, const auto &b) { return a.share < b.share; });
        QTest::mouseClick(view.sankey(), Qt::LeftButton, {}, widest->rect.center().toPoint());
        QCOMPARE(m_selection->value().experts, std::vector<int>{widest->expert});
        QCOMPARE(m_selection->value().layer, widest->column);
        view.setMode(FlowView::CoActivation);
        QTRY_VERIFY(view.result() && view.matrix()->content().data);
        QCOMPARE(view.matrix()->content().data->rows(), 16);
        QVERIFY(!view.csv().empty());
        view.setMode(FlowView::Transitions);
        QVERIFY(view.sankey()->isVisible());
    }

    void ribbonsAreThoseOfTheirPaths()
    {
        for (const double scale : {1.0, 2.0}) {
            std::vector<ColouredRibbon> ribbons;
            for (int i = 0; i < 12; ++i)
                ribbons.push_back({{QPointF(20, 10 + 14 * i), QPointF(220, 10 + 14 * ((i * 7 + 5) % 12)), i % 4 == 0 ? 0.4 : 1.0 + i},
                    QColor(20 * i, 255 - 20 * i, 128, 95)});
            const QSize size(qRound(240 * scale), qRound(220 * scale));
            QImage fast(size, QImage::Format_ARGB32_Premultiplied), exact(size, QImage::Format_ARGB32_Premultiplied);
            fast.fill(Qt::white);
            exact.fill(Qt::white);
            QPainter toFast(&fast), toExact(&exact);
            toFast.scale(scale, scale);
            toExact.scale(scale, scale);
            toExact.setRenderHint(QPainter::Antialiasing);
            fillRibbons(toFast, ribbons);
            for (const ColouredRibbon &one : ribbons)
                toExact.fillPath(one.ribbon.path(), one.colour);
            toFast.end();
            toExact.end();
            double sum = 0;
            int most = 0;
            for (int y = 0; y < size.height(); ++y)
                for (int x = 0; x < size.width(); ++x) {
                    const int off = std::abs(qGreen(fast.pixel(x, y)) - qGreen(exact.pixel(x, y)));
                    sum += off;
                    most = std::max(most, off);
                }
            QVERIFY2(sum / (size.width() * size.height()) < 0.5, QByteArray::number(sum / (size.width() * size.height())));
            QVERIFY2(most < 32, QByteArray::number(most));
            for (const ColouredRibbon &one : ribbons)
                for (int y = 0; y < 220; ++y) {
                    const QPointF at(97.3, y + 0.37);
                    QCOMPARE(one.ribbon.contains(at), one.ribbon.path().contains(at));
                }
        }
    }

    void compareNeedsASecondTraceOrTwoGroups()
    {
        CompareView view(m_jobs.context(*m_selection));
        QSignalSpy wishes(&view, &View::baselineWished);
        Subject subject = test::subjectOf(m_trace);
        subject.title = QStringLiteral("now");
        view.resize(900, 640);
        view.show();
        view.run("expert-contrast")->setValues({{"bootstrap", "50"}, {"permutations", "50"}});
        view.setSubject(subject);
        QTRY_VERIFY(view.result());
        QCOMPARE(view.run("expert-contrast")->value("baseline"), std::string{"en"});
        const Table &table = view.result()->tables.front();
        QCOMPARE(view.map()->content().data->rows(), 6);
        QCOMPARE(view.map()->content().data->at(0, 3), static_cast<float>(view.result()->matrix("contrast-map").at(0, 3)));
        QCOMPARE(view.map()->content().dotted(2, 5), table.integers("significant")[2 * 16 + 5] != 0);
        QTest::mouseClick(view.map(), Qt::LeftButton, {}, view.map()->cellRect(4, 11).center().toPoint());
        QCOMPARE(m_selection->value().layer, 4);
        QCOMPARE(m_selection->value().experts, std::vector<int>{11});

        view.setMode(CompareView::Traces);
        QVERIFY(!view.result() && view.csv().empty());
        subject.others = {{QStringLiteral("b"), QStringLiteral("before")}};
        view.setSubject(subject);
        auto *box = view.findChild<QComboBox *>(QStringLiteral("baselineTrace"));
        box->setCurrentIndex(1);
        emit box->activated(1);
        QCOMPARE(wishes.last().front().toString(), QStringLiteral("b"));
        subject.baseline = m_trace;
        subject.baselineKey = QStringLiteral("b");
        view.setSubject(subject);
        QTRY_VERIFY(view.result());
        for (const double value : view.result()->matrices.front().values)
            QCOMPARE(value, 0.0); // a trace agrees with itself
        QCOMPARE(view.chart()->series().curves.front().y.front(), 1.0);
        QVERIFY(svgOf(view).contains(QStringLiteral("now minus before")));
    }

    void analysesReachesThemAll()
    {
        AnalysesView view(m_jobs.context(*m_selection));
        show(view, m_trace);
        auto *box = view.findChild<QComboBox *>(QStringLiteral("analysis"));
        QCOMPARE(box->count(), static_cast<int>(analyses().size()));
        for (const AnalysisKind &kind : analyses()) {
            view.setAnalysis(QString::fromUtf8(kind.id.data(), static_cast<qsizetype>(kind.id.size())));
            QCOMPARE(view.current()->kind().id, kind.id);
            if (kind.traces == 1) // there is no second one here, and the view says so
                QTRY_VERIFY2(view.result() || view.current()->error(), kind.id.data());
            QVERIFY(!view.grab().isNull());
            if (view.result())
                QVERIFY(!svgOf(view).isEmpty() && !view.csv().empty());
        }
        view.setAnalysis(QStringLiteral("load-balance"));
        auto *stop = view.findChild<QToolButton *>(QStringLiteral("analysisStop"));
        QCOMPARE(stop->text(), QStringLiteral("Run again"));
        const int posted = m_jobs.posted;
        stop->click();
        QCOMPARE(m_jobs.posted, posted + 1);
        AnalysesView other(m_jobs.context(*m_selection));
        other.restoreState(view.saveState());
        QCOMPARE(other.current()->kind().id, std::string_view{"load-balance"});
    }

private:
    TracePtr m_trace;
    std::unique_ptr<SelectionModel> m_selection;
    test::Jobs m_jobs;
};

QTEST_MAIN(TestAnalysisViews)
#include "test_analysis_views.moc"
