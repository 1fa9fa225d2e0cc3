// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What every result is shown with: charts, matrices, tables, the form of settings, the definition; on the screen and as figures.
#include "engine/analysis/analyses.h"
#include "views/common/definition.h"
#include "views/common/param_form.h"
#include "views/common/result_figure.h"
#include "views/common/result_pages.h"
#include "views/common/result_table.h"
#include "views/common/series_chart.h"

#include <QAbstractItemModelTester>
#include <QApplication>
#include <QBuffer>
#include <QCheckBox>
#include <QComboBox>
#include <QGraphicsScene>
#include <QHeaderView>
#include <QLineEdit>
#include <QMouseEvent>
#include <QPainter>
#include <QSignalSpy>
#include <QSvgGenerator>
#include <QTableView>
#include <QTest>

#include <cmath>

using namespace expertscope;

namespace {

Series lines()
{
    return {.id = "lines",
        .title = "Divergence <by> layer",
        .xTitle = "Layer",
        .yTitle = "Divergence",
        .unit = "nats",
        .x = {1, 2, 3, 5},
        .curves = {{Curve::Role::Data, "de", {0.4, 0.2, noNumber, 0.5}, {0.3, 0.1, noNumber, 0.4}, {0.5, 0.3, noNumber, 0.6}},
            {Curve::Role::Chance, "label permutation", {0.05, 0.05, 0.05, 0.05}, {0.01, 0.01, 0.01, 0.01}, {0.1, 0.1, 0.1, 0.1}},
            {Curve::Role::Data, "zh", {0.8, 0.7, 0.6, 0.9}, {}, {}}},
        .names = {}};
}

Series bars()
{
    return {.id = "bars",
        .title = "Who chooses it",
        .xTitle = "Group",
        .yTitle = "Share",
        .unit = "1",
        .x = {0, 1, 2},
        .curves = {{Curve::Role::Data, "share", {0.1, 0.5, 0.2}, {0.05, 0.4, 0.1}, {0.15, 0.6, 0.3}},
            {Curve::Role::Chance, "even router", {0.25, 0.25, 0.25}, {}, {}}},
        .bars = true,
        .names = {"en", "de", "en"}};
}

Table table()
{
    Table table{.id = "answer", .title = "Answer", .columns = {}};
    table.columns = {{"layer", "", "The model's own number", std::vector<std::int64_t>{3, 1, 2}},
        {"expert", "", "Expert", std::vector<std::int64_t>{7, 8, 9}},
        {"value", "bits", "What it is", std::vector<double>{0.25, noNumber, 1.0 / 3}},
        {"language", "", "Language", std::vector<std::string>{"de", "zh", "\"en\""}},
        {"significant", "", "Flag", std::vector<std::int64_t>{1, 0, 0}}};
    return table;
}

QString svgOf(const std::function<void(QPainter &, const QRectF &)> &paint)
{
    QBuffer buffer;
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setSize({640, 400});
    generator.setResolution(96);
    QPainter painter(&generator);
    paint(painter, QRectF(0, 0, 640, 400));
    painter.end();
    return QString::fromUtf8(buffer.data());
}

constexpr ParamKind params[] = {
    {"count", "Count", "How many", ParamKind::Type::Integer, "10", 1, 100},
    {"share", "Share", "Of all", ParamKind::Type::Real, "0.5", 0, 1},
    {"deep", "Deep", "Look deeper", ParamKind::Type::Flag, "on"},
    {"mode", "Mode", "How", ParamKind::Type::Choice, "fast", 0, 0, "fast|exact"},
    {"name", "Name", "Any text", ParamKind::Type::Text, "en"},
};

void moveTo(QWidget *widget, QPointF at)
{
    QMouseEvent move(QEvent::MouseMove, at, widget->mapToGlobal(at), Qt::NoButton, Qt::NoButton, Qt::NoModifier);
    QApplication::sendEvent(widget, &move);
}

} // namespace

class TestResultParts : public QObject {
    Q_OBJECT
private Q_SLOTS:
    /// However many curves there are, each has its name, none on another or on the plot, and a name brings its curve to the front.
    void everyCurveIsNamed_data()
    {
        QTest::addColumn<int>("curves");
        QTest::addColumn<QSize>("size");
        for (const int curves : {2, 6, 20, 60})
            for (const QSize size : {QSize(420, 260), QSize(360, 420), QSize(1400, 300)})
                QTest::addRow("%d in %d x %d", curves, size.width(), size.height()) << curves << size;
    }

    void everyCurveIsNamed()
    {
        QFETCH(int, curves);
        QFETCH(QSize, size);
        Series series = lines();
        series.curves.clear();
        for (int i = 0; i < curves; ++i)
            series.curves.push_back({Curve::Role::Data, "language " + std::to_string(i), {0.1 * i, 0.2, 0.3, 0.4}, {}, {}});
        SeriesChart chart;
        chart.resize(size);
        chart.setSeries(series);
        chart.show();
        QApplication::processEvents();
        chart.grab();
        const SeriesLegend &names = chart.plot()->names();
        QCOMPARE(names.entries().size(), static_cast<std::size_t>(curves));
        const QRectF all(QPointF(0, 0), chart.plot()->size());
        QVERIFY(chart.plot()->plotArea().width() > 0.25 * all.width());
        for (int i = 0; i < curves; ++i) {
            const QRectF mine = names.rect(i).adjusted(1, 1, -1, -1);
            QVERIFY2(all.contains(mine), qPrintable(QString::number(i)));
            QVERIFY2(!mine.intersects(chart.plot()->plotArea()), qPrintable(QString::number(i)));
            QCOMPARE(chart.plot()->namedAt(mine.center()), i);
        }
        QSignalSpy named(&chart, &SeriesChart::namePicked);
        const QPoint last = names.rect(curves - 1).center().toPoint();
        moveTo(chart.viewport(), last);
        QCOMPARE(chart.plot()->marks().curve, QStringLiteral("language %1").arg(curves - 1));
        QTest::mouseClick(chart.viewport(), Qt::LeftButton, {}, last);
        QCOMPARE(named.size(), 1);
        moveTo(chart.viewport(), chart.plot()->plotArea().center());
        QCOMPARE(chart.plot()->marks().curve, QString());
    }

    /// A picture is painted at once, with no event loop that would make room first.
    void picturesLeaveRoomForTheNames()
    {
        Series series = lines();
        for (int i = 0; i < 14; ++i)
            series.curves.push_back({Curve::Role::Data, "language " + std::to_string(i), {0.1 * i, 0.2, 0.3, 0.4}, {}, {}});
        QGraphicsScene scene;
        auto *plot = new SeriesPlot(series, FigureLook::print(QApplication::font()), false);
        scene.addItem(plot);
        for (const QSizeF size : {QSizeF(700, 300), QSizeF(400, 300)}) {
            plot->resize(size);
            QImage image(size.toSize(), QImage::Format_RGB32);
            QPainter painter(&image);
            scene.render(&painter, QRectF(QPointF(), size), QRectF(QPointF(), size));
            for (int i = 0; i < static_cast<int>(plot->names().entries().size()); ++i)
                QVERIFY(!plot->names().rect(i).adjusted(1, 1, -1, -1).intersects(plot->plotArea()));
        }
    }

    /// Names without an order cannot be guessed from their neighbours: all of them are written where their cells are.
    void everyNamedRowAndColumnIsLabelled_data()
    {
        QTest::addColumn<int>("names");
        QTest::addColumn<int>("labels");
        QTest::newRow("few") << 5 << 10;
        QTest::newRow("many") << 16 << 32;
        QTest::newRow("crowded") << 24 << 48;
        QTest::newRow("numbers are thinned out") << -64 << 30;
    }

    void everyNamedRowAndColumnIsLabelled()
    {
        QFETCH(int, names);
        QFETCH(int, labels);
        Matrix matrix{.id = "m",
            .title = "M",
            .valueTitle = "Value",
            .unit = "1",
            .rowTitle = "Row",
            .columnTitle = "Column",
            .rows = {},
            .columns = {},
            .values = {}};
        for (int i = 0; i < std::abs(names); ++i)
            matrix.rows.push_back(names > 0 ? "lang-" + std::to_string(100 + i) : std::to_string(i));
        matrix.columns = matrix.rows;
        for (std::size_t i = 0; i < matrix.rows.size() * matrix.columns.size(); ++i)
            matrix.values.push_back(static_cast<double>(i));
        const QString svg = svgOf([&](QPainter &painter, const QRectF &target) {
            paintMatrix(painter, target, matrix, FigureLook::print(QApplication::font()), {});
        });
        qsizetype found = 0;
        for (const std::string &name : matrix.rows)
            found += svg.count(QStringLiteral(">%1<").arg(QString::fromStdString(name)));
        if (names > 0)
            QCOMPARE(found, labels);
        else
            QVERIFY2(found > 4 && found < std::ssize(matrix.rows), qPrintable(QString::number(found)));
    }

    void figuresHaveTheirTexts()
    {
        const FigureLook look = FigureLook::print(QApplication::font());
        const QString chart =
            svgOf([&](QPainter &painter, const QRectF &target) { paintSeries(painter, target, lines(), look, QStringLiteral("n = 12")); });
        for (const char *text : {"Layer", "Divergence [nats]", "de", "zh", "chance: label permutation", "n = 12"})
            QVERIFY2(chart.contains(QString::fromLatin1(text).toHtmlEscaped()), text);
        QCOMPARE(chart,
            svgOf([&](QPainter &painter, const QRectF &target) { paintSeries(painter, target, lines(), look, QStringLiteral("n = 12")); }));
        const QString barChart = svgOf([&](QPainter &painter, const QRectF &target) { paintSeries(painter, target, bars(), look, {}); });
        for (const char *text : {"Group", "Share", "de", "chance: even router"})
            QVERIFY2(barChart.contains(QLatin1String(text)), text);
        Matrix matrix{.id = "m",
            .title = "Differences",
            .valueTitle = "Delta",
            .unit = "1",
            .rowTitle = "Layer",
            .columnTitle = "Expert",
            .rows = {"4", "5"},
            .columns = {"0", "1"},
            .values = {1.5, 1, noNumber, 0.75},
            .neutral = 1};
        const QString map = svgOf([&](QPainter &painter, const QRectF &target) { paintMatrix(painter, target, matrix, look, {}); });
        for (const char *text : {"Differences", "Layer", "Expert", "Delta", "missing"})
            QVERIFY2(map.contains(QLatin1String(text)), text);
        // The colours are symmetric about the neutral value.
        const HeatmapContent content = matrixContent(matrix);
        const auto range = autoRange(content.data->values(), content.data->extent(), RangeMode::Full, content.map, content.centre);
        QCOMPARE(range.first + range.second, 2.0);
        QCOMPARE(range.second, 1.5);
    }

    void chartTellsAndPicks()
    {
        SeriesChart chart;
        chart.resize(600, 360);
        chart.show();
        chart.setSeries(lines());
        QApplication::processEvents();
        QSignalSpy hovers(&chart, &SeriesChart::hovered), picks(&chart, &SeriesChart::picked), says(&chart, &SeriesChart::status);
        const SeriesPlot &plot = *chart.plot();
        const QPointF place = plot.position({1, 0});
        QVERIFY(plot.plotArea().contains(place));
        moveTo(chart.viewport(), place + QPointF(2, -3));
        QCOMPARE(hovers.last(), (QList<QVariant>{1, 0}));
        const QString said = says.last().front().toString();
        for (const char *part : {"Layer 2", "de: 0.2 nats (0.1 to 0.3)", "chance, label permutation: 0.05 nats (0.01 to 0.1)"})
            QVERIFY2(said.contains(QLatin1String(part)), qPrintable(said));
        QTest::mouseClick(chart.viewport(), Qt::LeftButton, {}, plot.position({3, 2}).toPoint());
        QCOMPARE(picks.last(), (QList<QVariant>{3, 2}));
        // A missing value is no place to be; what is nearest of those that are there is.
        QCOMPARE(plot.nearest(plot.position({2, 2}) + QPointF(0, 60)), (SeriesPlot::Place{2, 2}));
        const QImage before = chart.grab().toImage();
        chart.setMarks({2, QStringLiteral("de")});
        QVERIFY(chart.grab().toImage() != before);
        chart.clear();
        chart.setEmptyText(QStringLiteral("Nothing"), QStringLiteral("Do something"));
        QVERIFY(!chart.plot());
        QVERIFY(!chart.grab().isNull());
    }

    void barsOfTheSameNameStayApart()
    {
        SeriesChart chart;
        chart.resize(500, 300);
        chart.show();
        chart.setSeries(bars());
        QApplication::processEvents();
        const SeriesPlot &plot = *chart.plot();
        QVERIFY(plot.position({0, 0}).x() < plot.position({1, 0}).x());
        QVERIFY(plot.position({1, 0}).x() < plot.position({2, 0}).x());
        QCOMPARE(plot.nearest(plot.position({2, 0}) + QPointF(0, 5)).x, 2);
        QVERIFY(plot.describe({1, 0}).join(u' ').contains(QStringLiteral("chance, even router: 0.25")));
    }

    void chartSurvivesAnything()
    {
        SeriesChart chart;
        chart.resize(300, 200);
        chart.show();
        chart.setSeries({.id = "x",
            .title = "one point",
            .xTitle = "Layer",
            .yTitle = "y",
            .unit = "",
            .x = {4},
            .curves = {{Curve::Role::Data, "a", {1}, {}, {}}},
            .names = {}});
        QVERIFY(!chart.grab().isNull());
        chart.setSeries({.id = "x",
            .title = "nothing known",
            .xTitle = "Layer",
            .yTitle = "y",
            .unit = "",
            .x = {1, 2},
            .curves = {{Curve::Role::Data, "a", {noNumber, noNumber}, {}, {}}},
            .names = {}});
        QVERIFY(!chart.grab().isNull());
        QCOMPARE(chart.plot()->nearest(QPointF(150, 80)), SeriesPlot::Place{});
    }

    void tableSortsFiltersAndCopies()
    {
        ResultTable widget;
        widget.resize(500, 300);
        widget.show();
        widget.setTable(table());
        auto *model = const_cast<TableItemModel *>(&widget.model());
        const QAbstractItemModelTester tester{model, QAbstractItemModelTester::FailureReportingMode::QtTest};
        const auto column = [&](int c) {
            QStringList texts;
            for (int row = 0; row < model->rowCount(); ++row)
                texts << model->index(row, c).data().toString();
            return texts;
        };
        QCOMPARE(column(0), (QStringList{QStringLiteral("3"), QStringLiteral("1"), QStringLiteral("2")}));
        model->sort(2, Qt::DescendingOrder);
        QCOMPARE(column(0), (QStringList{QStringLiteral("2"), QStringLiteral("3"), QStringLiteral("1")})); // what is missing comes last
        model->sort(2, Qt::AscendingOrder);
        QCOMPARE(column(0), (QStringList{QStringLiteral("3"), QStringLiteral("2"), QStringLiteral("1")}));
        QCOMPARE(model->headerData(2, Qt::Horizontal).toString(), QStringLiteral("value [bits]"));
        QCOMPARE(model->headerData(2, Qt::Horizontal, Qt::ToolTipRole).toString(), QStringLiteral("What it is"));
        QCOMPARE(column(4).first(), QStringLiteral("yes"));
        widget.findChild<QLineEdit *>(QStringLiteral("tableFilter"))->setText(QStringLiteral("ZH"));
        QCOMPARE(column(3), QStringList{QStringLiteral("zh")});
        QVERIFY(widget.selectedText().endsWith(QStringLiteral("1\t8\t\tzh\tno")));
        widget.findChild<QLineEdit *>(QStringLiteral("tableFilter"))->clear();
        QVERIFY(widget.selectedText().contains(QStringLiteral("0.3333333333333333")));
        QSignalSpy picks(&widget, &ResultTable::rowPicked);
        QTest::mouseClick(widget.view()->viewport(), Qt::LeftButton, {}, widget.view()->visualRect(model->index(1, 0)).center());
        QCOMPARE(picks.last().front().toULongLong(), 2ULL); // of the table, not of the order
    }

    void furtherColumnsComeWithoutLosingTheRow()
    {
        ResultTable widget;
        const QAbstractItemModelTester tester{
            const_cast<TableItemModel *>(&widget.model()), QAbstractItemModelTester::FailureReportingMode::QtTest};
        double known = noNumber;
        widget.setFurtherColumns([&](const Table &) {
            if (std::isnan(known))
                return std::vector<Column>{};
            return std::vector<Column>{{"effect", "nats", "help", std::vector<double>{known, 0.5, noNumber}},
                {"effect_significant", "1", "help", std::vector<double>{1, 0, noNumber}}};
        });
        widget.setTable(table());
        QCOMPARE(widget.model().columnCount(), 5);
        known = 0.25;
        widget.refreshFurtherColumns();
        QCOMPARE(widget.model().columnCount(), 7);
        QCOMPARE(widget.ownTable().columns.size(), std::size_t{5});
        const QHeaderView *header = widget.view()->horizontalHeader();
        QCOMPARE(header->visualIndex(2), 2); // beside the value, in their order
        QCOMPARE(header->visualIndex(5), 3);
        QCOMPARE(header->visualIndex(6), 4);
        QCOMPARE(header->visualIndex(4), 6);
        QCOMPARE(widget.model().data(widget.model().index(0, 6)).toString(), QStringLiteral("yes"));
        QCOMPARE(widget.model().data(widget.model().index(2, 6)).toString(), QString()); // not known: neither yes nor no
        widget.view()->sortByColumn(5, Qt::DescendingOrder);
        QCOMPARE(widget.model().source(0), std::size_t{1});
        widget.view()->selectRow(1); // the first row of the table
        known = 0.75;
        widget.refreshFurtherColumns();
        QCOMPARE(widget.model().source(0), std::size_t{0}); // the order follows the values, the selection its row
        QCOMPARE(widget.view()->selectionModel()->selectedRows().front().row(), 0);
        QVERIFY(widget.selectedText().contains(QStringLiteral("0.75")));
        widget.setTable(table()); // again the same: they come with it
        QCOMPARE(widget.model().columnCount(), 7);
        known = noNumber;
        widget.refreshFurtherColumns();
        QCOMPARE(widget.model().columnCount(), 5);
    }

    void dotsAreFoundByPlace()
    {
        Series dots{.id = "dots",
            .title = "Score and effect",
            .xTitle = "value",
            .yTitle = "effect",
            .unit = "nats",
            .x = {0.3, -0.2, 0.9, -INFINITY},
            .curves = {{Curve::Role::Chance, "no effect", {0, 0, 0, 0}, {}, {}},
                {Curve::Role::Data, "others", {0.1, noNumber, 0.2, 0.1}, {0.0, noNumber, 0.1, 0.0}, {0.2, noNumber, 0.4, 0.2}},
                {Curve::Role::Data, "own", {noNumber, -0.1, noNumber, noNumber}, {}, {}}},
            .dots = true,
            .names = {"expert 1", "expert 2", "expert 3", "expert 4"}};
        SeriesChart chart;
        chart.resize(600, 400);
        chart.setSeries(dots);
        chart.show();
        QVERIFY(QTest::qWaitForWindowExposed(&chart));
        const SeriesPlot &plot = *chart.plot();
        for (const SeriesPlot::Place place : {SeriesPlot::Place{0, 1}, SeriesPlot::Place{1, 2}, SeriesPlot::Place{2, 1}})
            QCOMPARE(plot.nearest(plot.position(place) + QPointF(3, -3)), place);
        QCOMPARE(plot.nearest(plot.position({0, 1}) + QPointF(60, 60)), SeriesPlot::Place{}); // a dot is meant from nearby alone
        QCOMPARE(plot.describe({1, 2}).front(), QStringLiteral("expert 2"));
        const QImage before = chart.grab().toImage();
        PlotMarks marks;
        marks.dot = 2;
        chart.setMarks(marks);
        QTRY_VERIFY(chart.grab().toImage() != before); // a ring
    }

    void formComesFromTheDeclaration()
    {
        ParamForm form(params);
        QSignalSpy changes(&form, &ParamForm::changed);
        QCOMPARE(form.values(), (ParamValues{{"count", "10"}, {"share", "0.5"}, {"deep", "on"}, {"mode", "fast"}, {"name", "en"}}));
        form.setValues({{"count", "20"}, {"mode", "exact"}, {"share", "7"}, {"unknown", "x"}});
        QCOMPARE(form.values(), (ParamValues{{"count", "20"}, {"share", "0.5"}, {"deep", "on"}, {"mode", "exact"}, {"name", "en"}}));
        QCOMPARE(changes.size(), 0);
        form.show();
        auto *count = form.findChild<QLineEdit *>(QStringLiteral("param.count"));
        QVERIFY(count->toolTip().contains(QStringLiteral("How many")));
        count->selectAll();
        QTest::keyClicks(count, QStringLiteral("3x3"));
        QTest::keyClick(count, Qt::Key_Return);
        QCOMPARE(form.values().front().second, std::string{"33"});
        QCOMPARE(changes.size(), 1);
        count->selectAll();
        QTest::keyClicks(count, QStringLiteral("500"));
        QTest::keyClick(count, Qt::Key_Return);
        QCOMPARE(form.values().front().second, std::string{"10"}); // out of range: the default
        form.findChild<QCheckBox *>(QStringLiteral("param.deep"))->click();
        QCOMPARE(form.values()[2].second, std::string{"off"});
        QCOMPARE(changes.size(), 3);
        Params checked(params, form.values());
        QCOMPARE(checked.text("mode"), std::string{"exact"});
    }

    void everyAnalysisHasAFormAndADefinition()
    {
        for (const AnalysisKind &kind : analyses()) {
            const ParamForm form(kind.params);
            const Params defaults(kind.params, form.values());
            QCOMPARE(defaults.all(), Params(kind.params).all());
            Result result;
            result.notes = {"Something <was> left out."};
            const QString html = definitionHtml(kind, &result);
            QVERIFY(html.contains(QString::fromStdString(std::string{kind.source}).toHtmlEscaped()));
            QVERIFY(html.contains(QStringLiteral("Something &lt;was&gt; left out.")));
        }
    }

    void pagesShowAnyResult()
    {
        auto result = std::make_shared<Result>();
        result->title = "Anything";
        result->numbers = {
            {.id = "x", .title = "Mean", .unit = "bits", .value = 2, .low = 1, .high = 3, .chance = 0.5, .n = 1200, .of = "tokens"}};
        result->series = {lines(), bars()};
        result->tables = {table()};
        ResultPages pages;
        pages.resize(600, 400);
        pages.show();
        pages.setResult(result);
        QVERIFY(pages.isTabVisible(ResultPages::Charts));
        QVERIFY(!pages.isTabVisible(ResultPages::Maps));
        QVERIFY(summaryHtml(*result).contains(QStringLiteral("95 % interval 1 to 3; chance 0.5; n = 1,200 tokens")));
        QSignalSpy layers(&pages, &ResultPages::layerPicked), experts(&pages, &ResultPages::expertPicked);
        pages.setCurrentIndex(ResultPages::Charts);
        QApplication::processEvents();
        emit pages.chart()->picked(3, 0);
        QCOMPARE(layers.last().front().toLongLong(), 5);
        pages.setLayer(5);
        QCOMPARE(pages.chart()->plot()->marks().x, 5.0);
        emit pages.rows()->rowPicked(1);
        QCOMPARE(experts.last(), (QList<QVariant>{1, 8}));
        // The chart that was chosen stays.
        pages.findChild<QComboBox *>(QStringLiteral("seriesBox"))->setCurrentIndex(1);
        pages.setResult(std::make_shared<Result>(*result));
        QCOMPARE(pages.series()->id, std::string{"bars"});
    }
};

QTEST_MAIN(TestResultParts)
#include "test_result_parts.moc"
