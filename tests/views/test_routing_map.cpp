// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Routing map: the counts it shows, how clicks and brushes become selections, what hovering elsewhere does, CSV.
#include "view_fixture.h"
#include "views/routing_map/routing_map_view.h"

#include <QApplication>
#include <QComboBox>
#include <QMouseEvent>
#include <QSignalSpy>
#include <QTest>

#include <cmath>

using namespace expertscope;

namespace {

void moveTo(QWidget *widget, QPointF at, Qt::MouseButtons buttons = Qt::NoButton)
{
    QMouseEvent move(QEvent::MouseMove, at, widget->mapToGlobal(at), Qt::NoButton, buttons, Qt::NoModifier);
    QApplication::sendEvent(widget, &move);
}

double shareOf(const RoutingTrace &trace, TokenRange range, int layer, int expert)
{
    std::vector<ExpertId> ids(static_cast<std::size_t>(range.count()) * static_cast<std::size_t>(trace.meta().slotCount));
    trace.expertIds(range, layer, ids);
    return static_cast<double>(std::count(ids.begin(), ids.end(), static_cast<ExpertId>(expert))) / static_cast<double>(range.count());
}

} // namespace

class TestRoutingMap : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init()
    {
        m_selection = std::make_unique<SelectionModel>();
        m_jobs = {};
        m_view = std::make_unique<RoutingMapView>(m_jobs.context(*m_selection));
        m_view->resize(800, 480);
        m_view->show();
        m_trace = test::textTrace(test::manyLanguages(2));
        m_view->setSubject(test::subjectOf(m_trace));
    }

    void scopesCountWhatTheySay()
    {
        const auto check = [&](TokenRange range, const char *named) {
            const HeatmapContent &content = m_view->map()->content();
            QVERIFY2(content.caption.contains(QLatin1String(named)), qPrintable(content.caption));
            for (int layer = 0; layer < 6; ++layer) {
                for (int expert = 0; expert < 16; ++expert)
                    QVERIFY(
                        std::abs(static_cast<double>(content.data->at(layer, expert)) - shareOf(*m_trace, range, layer, expert)) < 1e-6);
            }
        };
        check({0, m_trace->meta().tokens}, "whole trace");
        Selection next;
        next.sequence = 3;
        m_selection->set(next);
        check(m_trace->meta().sequences[3].range(), "sequence");
        next.brush = {7, 31};
        m_selection->set(next);
        check({7, 31}, "brushed tokens 7 to 30: n = 24 tokens");
        m_view->findChild<QComboBox *>(QStringLiteral("scope"))->setCurrentIndex(1);
        check({0, m_trace->meta().tokens}, "whole trace");
    }

    void groupsComeFromTheSummary()
    {
        Selection next;
        next.group = QStringLiteral("ar");
        next.grouping = QStringLiteral("language");
        m_selection->set(next);
        std::int64_t tokens = 0;
        double chosen = 0;
        for (const SequenceInfo &info : m_trace->meta().sequences) {
            if (info.language != "ar")
                continue;
            tokens += info.range().count();
            chosen += shareOf(*m_trace, info.range(), 2, 5) * static_cast<double>(info.range().count());
        }
        const HeatmapContent &content = m_view->map()->content();
        QVERIFY(content.title.contains(QStringLiteral("language")));
        QCOMPARE(content.data->at(2, 5), static_cast<float>(chosen / static_cast<double>(tokens)));
    }

    void ratioIsLog2AgainstChance()
    {
        const float share = m_view->map()->content().data->at(1, 3);
        m_view->setValue(QStringLiteral("log2_ratio"));
        const HeatmapContent &content = m_view->map()->content();
        QCOMPARE(content.map, ColourMap::Diverging);
        QVERIFY(std::abs(static_cast<double>(content.data->at(1, 3)) - std::log2(static_cast<double>(share) / (2.0 / 16))) < 1e-5);
        QCOMPARE(m_view->map()->scale().low, -m_view->map()->scale().high);
        QVERIFY(content.caption.contains(QStringLiteral("k/E = 2/16 = 0.125")));
    }

    void neverChosenIsMissingNotZero()
    {
        Selection one;
        one.brush = {4, 5};
        m_selection->set(one);
        std::vector<ExpertId> ids(2);
        m_trace->expertIds({4, 5}, 0, ids);
        const int unused = ids[0] == 0 || ids[1] == 0 ? (ids[0] == 1 || ids[1] == 1 ? 2 : 1) : 0;
        QCOMPARE(m_view->map()->content().data->at(0, unused), 0.0F);
        QCOMPARE(m_view->map()->content().data->at(0, ids[0]), 1.0F);
        for (const char *value : {"log2_ratio", "mean_weight"}) {
            m_view->setValue(QLatin1String(value));
            QVERIFY(std::isnan(m_view->map()->content().data->at(0, unused)));
        }
        std::vector<float> weights(2);
        m_trace->gateWeights({4, 5}, 0, weights);
        QCOMPARE(m_view->map()->content().data->at(0, ids[0]), weights[0]);
    }

    void clickSelectsTheExpert()
    {
        HeatmapView *map = m_view->map();
        QTest::mouseClick(map, Qt::LeftButton, {}, map->cellRect(4, 9).center().toPoint());
        QCOMPARE(m_selection->value().layer, 4);
        QCOMPARE(m_selection->value().experts, std::vector<int>{9});
        QTest::mouseClick(map, Qt::LeftButton, Qt::ControlModifier, map->cellRect(4, 2).center().toPoint());
        QCOMPARE(m_selection->value().experts, (std::vector<int>{2, 9}));
        QTest::mouseClick(map, Qt::LeftButton, Qt::ControlModifier, map->cellRect(4, 9).center().toPoint());
        QCOMPARE(m_selection->value().experts, std::vector<int>{2});
    }

    void brushSelectsExpertsOfOneLayer()
    {
        HeatmapView *map = m_view->map();
        const QPoint from = map->cellRect(2, 3).center().toPoint();
        const QPoint to = map->cellRect(5, 6).center().toPoint();
        QTest::mousePress(map, Qt::LeftButton, {}, from);
        moveTo(map, QPointF(to), Qt::LeftButton);
        QTest::mouseRelease(map, Qt::LeftButton, {}, to);
        QCOMPARE(m_selection->value().layer, 2);
        QCOMPARE(m_selection->value().experts, (std::vector<int>{3, 4, 5, 6}));
    }

    void hoverLinksBothWays()
    {
        HeatmapView *map = m_view->map();
        moveTo(map, map->cellRect(3, 8).center());
        QCOMPARE(m_selection->hover(), (Hover{-1, 3, 8}));
        QEvent leave(QEvent::Leave);
        QApplication::sendEvent(map, &leave);
        QCOMPARE(m_selection->hover(), Hover{});
        const QImage before = map->grab().toImage();
        m_selection->setHover({11, 0, -1}); // a token hovered in the text: its experts show in every layer
        std::vector<ExpertId> ids(2);
        m_trace->expertIds({11, 12}, 5, ids);
        const QRect cell = map->cellRect(5, ids[1]).toAlignedRect();
        QVERIFY(map->grab().toImage().copy(cell) != before.copy(cell));
        m_selection->setHover({});
        QCOMPARE(map->grab().toImage(), before);
    }

    void tokenByLayerShowsMetrics()
    {
        Selection next;
        next.sequence = 4;
        m_selection->set(next);
        m_view->setMode(RoutingMapView::Mode::TokenLayer);
        m_view->setValue(QStringLiteral("entropy"));
        const TokenRange range = m_trace->meta().sequences[4].range();
        const HeatmapContent &content = m_view->map()->content();
        QCOMPARE(content.data->columns(), range.count());
        std::vector<float> values(static_cast<std::size_t>(range.count()));
        tokenMetric("entropy").compute(*m_trace, range, 2, values);
        for (std::int64_t i = 0; i < range.count(); ++i)
            QCOMPARE(content.data->at(2, i), values[static_cast<std::size_t>(i)]);
        QCOMPARE(content.valueLabel(), QStringLiteral("Router entropy [bits]"));
        QVERIFY(content.columnText(0).size() > 0);
    }

    void tokenByLayerSelectsTokens()
    {
        Selection start;
        start.sequence = 1;
        m_selection->set(start);
        m_view->setMode(RoutingMapView::Mode::TokenLayer);
        const std::int64_t first = m_trace->meta().sequences[1].firstToken;
        HeatmapView *map = m_view->map();
        QTest::mouseClick(map, Qt::LeftButton, {}, map->cellRect(3, 6).center().toPoint());
        QCOMPARE(m_selection->value().token, first + 6);
        QCOMPARE(m_selection->value().layer, 3);
        const QPoint from = map->cellRect(0, 2).center().toPoint();
        const QPoint to = map->cellRect(5, 8).center().toPoint();
        QTest::mousePress(map, Qt::LeftButton, {}, from);
        moveTo(map, QPointF(to), Qt::LeftButton);
        QTest::mouseRelease(map, Qt::LeftButton, {}, to);
        QCOMPARE(m_selection->value().brush, (TokenRange{first + 2, first + 9}));
        QCOMPARE(map->content().data->columns(), m_trace->meta().sequences[1].range().count()); // the sequence stays in view
        moveTo(map, map->cellRect(2, 4).center());
        QCOMPARE(m_selection->hover(), (Hover{first + 4, 2, -1}));
    }

    void csvIsTheData()
    {
        QStringList lines = QString::fromStdString(m_view->csv()).split(QStringLiteral("\r\n"), Qt::SkipEmptyParts);
        QCOMPARE(lines.size(), 1 + 6 * 16);
        QCOMPARE(lines[0], QStringLiteral("layer,expert,count,tokens,share,chance,log2_ratio,mean_gate_weight"));
        const QStringList row = lines[1 + 2 * 16 + 5].split(u',');
        QCOMPARE(row[0], QStringLiteral("3"));
        QCOMPARE(row[1], QStringLiteral("5"));
        QCOMPARE(row[4].toFloat(), m_view->map()->content().data->at(2, 5));
        m_view->setMode(RoutingMapView::Mode::TokenLayer);
        lines = QString::fromStdString(m_view->csv()).split(QStringLiteral("\r\n"), Qt::SkipEmptyParts);
        QVERIFY(lines[0].endsWith(QStringLiteral("layer,top_expert")));
        QVERIFY(lines.size() > 6 * m_trace->meta().tokens - 1);
    }

    void growingKeepsZoomAndNothingIsFine()
    {
        m_view->map()->setWindow({2, 8, 1, 4});
        m_view->setSubject(test::subjectOf(test::textTrace(test::manyLanguages(3))));
        QCOMPARE(m_view->map()->window(), (HeatmapWindow{2, 8, 1, 4}));
        m_view->setSubject({});
        QVERIFY(!m_view->map()->content().data);
        QVERIFY(!m_view->grab().isNull());
        QVERIFY(m_view->csv().empty());
    }

    void stateComesBack()
    {
        m_view->setMode(RoutingMapView::Mode::TokenLayer);
        m_view->setValue(QStringLiteral("margin"));
        RoutingMapView other(m_jobs.context(*m_selection));
        other.restoreState(m_view->saveState());
        QCOMPARE(other.mode(), RoutingMapView::Mode::TokenLayer);
        QCOMPARE(other.value(), QStringLiteral("margin"));
    }

    void everyViewOfTheListIsComplete()
    {
        SteeringState steered;
        steered.outcome = test::steeringOutcome(m_trace);
        m_jobs.steering->setState(steered);
        ExperimentState evaluated;
        evaluated.evaluation = std::make_shared<ExperimentResult>(ExperimentResult{steered.outcome->result, analyses().data(), {}, {}});
        m_jobs.experiments->setState(evaluated);
        for (const ViewKind &kind : viewKinds()) {
            QVERIFY(QLatin1String(kind.help).size() > 20);
            const std::unique_ptr<View> view(kind.make(m_jobs.context(*m_selection), nullptr));
            QCOMPARE(view->objectName(), QLatin1String(kind.id));
            view->resize(700, 500);
            view->show();
            view->setSubject(test::subjectOf(m_trace));
            QTRY_VERIFY2(!view->csv().empty(), kind.id);
            QVERIFY(!view->saveState().isEmpty());
            view->setSubject({});
        }
    }

private:
    std::unique_ptr<SelectionModel> m_selection;
    test::Jobs m_jobs;
    std::unique_ptr<RoutingMapView> m_view;
    TracePtr m_trace;
};

QTEST_MAIN(TestRoutingMap)
#include "test_routing_map.moc"
