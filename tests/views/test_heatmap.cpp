// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The heatmap under real mouse and keys: zoom, pan, brush, box, cell cursor, colour range, figure.
#include "views/common/heatmap_view.h"

#include <QApplication>
#include <QBuffer>
#include <QContextMenuEvent>
#include <QMenu>
#include <QPainter>
#include <QSignalSpy>
#include <QSvgGenerator>
#include <QTest>
#include <QWheelEvent>

#include <cmath>

using namespace expertscope;

namespace {

HeatmapContent content(int rows, std::int64_t columns)
{
    HeatmapContent made;
    std::vector<float> values(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(i % 97);
    values.back() = std::nanf("");
    made.data = std::make_shared<HeatmapData>(rows, columns, std::move(values));
    made.title = QStringLiteral("A title");
    made.caption = QStringLiteral("n = 5 tokens");
    made.columnTitle = QStringLiteral("Expert");
    made.rowTitle = QStringLiteral("Layer");
    made.valueTitle = QStringLiteral("Router entropy");
    made.unit = QStringLiteral("bits");
    return made;
}

void wheel(QWidget &widget, QPointF at, int notches, Qt::KeyboardModifiers modifiers = Qt::NoModifier)
{
    QWheelEvent event(at, widget.mapToGlobal(at), {}, QPoint(0, 120 * notches), Qt::NoButton, modifiers, Qt::NoScrollPhase, false);
    QApplication::sendEvent(&widget, &event);
}

void drag(
    QWidget &widget, QPoint from, QPoint to, Qt::MouseButton button = Qt::LeftButton, Qt::KeyboardModifiers modifiers = Qt::NoModifier)
{
    QTest::mousePress(&widget, button, modifiers, from);
    const QPoint middle = (from + to) / 2;
    for (const QPoint at : {middle, to}) {
        QMouseEvent move(QEvent::MouseMove, QPointF(at), QPointF(widget.mapToGlobal(at)), Qt::NoButton, button, modifiers);
        QApplication::sendEvent(&widget, &move);
    }
    QTest::mouseRelease(&widget, button, modifiers, to);
}

bool differs(const HeatmapWindow &a, const HeatmapWindow &b)
{
    return !(a == b);
}

} // namespace

class TestHeatmap : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init()
    {
        m_view = std::make_unique<HeatmapView>();
        m_view->resize(700, 420);
        m_view->setContent(content(12, 64));
        m_view->show();
        m_view->setFocus();
    }

    void wheelZoomsAtTheCursor()
    {
        const QPointF at = m_view->cellRect(4, 40).center();
        wheel(*m_view, at, 3);
        QVERIFY(m_view->window().columns() < 64 / 1.6);
        QVERIFY(m_view->window().rows() < 12 / 1.6);
        // What was under the cursor still is.
        QVERIFY(m_view->cellRect(4, 40).contains(at));
        wheel(*m_view, at, -30);
        QCOMPARE(m_view->window(), HeatmapWindow::whole(*m_view->content().data));
    }

    void modifiersZoomOneAxis()
    {
        const QPointF at = m_view->cellRect(4, 40).center();
        wheel(*m_view, at, 2, Qt::ShiftModifier);
        QCOMPARE(m_view->window().columns(), 64.0);
        QVERIFY(m_view->window().rows() < 12);
        m_view->fit();
        wheel(*m_view, at, 2, Qt::AltModifier);
        QCOMPARE(m_view->window().rows(), 12.0);
        QVERIFY(m_view->window().columns() < 64);
    }

    void zoomEndsAtOneCell()
    {
        const QPointF at = m_view->cellRect(4, 40).center();
        wheel(*m_view, at, 60);
        QCOMPARE(m_view->window().columns(), 1.0);
        QCOMPARE(m_view->window().rows(), 1.0);
        QVERIFY(m_view->cellRect(4, 40).contains(at));
    }

    void leftDragBrushesOneRow()
    {
        QSignalSpy brushed(m_view.get(), &HeatmapView::brushed);
        const HeatmapWindow before = m_view->window();
        drag(*m_view, m_view->cellRect(3, 10).center().toPoint(), m_view->cellRect(6, 20).center().toPoint());
        QCOMPARE(brushed.size(), 1);
        QCOMPARE(brushed[0][0].toInt(), 3);
        QCOMPARE(brushed[0][1].toInt(), 3);
        QCOMPARE(brushed[0][2].toLongLong(), 10);
        QCOMPARE(brushed[0][3].toLongLong(), 20);
        QCOMPARE(m_view->window(), before);
    }

    void brushBackwardsAndBeyondTheEdge()
    {
        m_view->setBrushColumns(true);
        QSignalSpy brushed(m_view.get(), &HeatmapView::brushed);
        drag(*m_view, m_view->cellRect(3, 10).center().toPoint(), QPoint(0, 5));
        QCOMPARE(brushed.size(), 1);
        QCOMPARE(brushed[0][2].toLongLong(), 0);
        QCOMPARE(brushed[0][3].toLongLong(), 10);
    }

    void controlDragZoomsIntoTheBox()
    {
        QSignalSpy brushed(m_view.get(), &HeatmapView::brushed);
        drag(*m_view, m_view->cellRect(2, 8).center().toPoint(), m_view->cellRect(5, 23).center().toPoint(), Qt::LeftButton,
            Qt::ControlModifier);
        QCOMPARE(m_view->window(), (HeatmapWindow{8, 24, 2, 6}));
        QCOMPARE(brushed.size(), 0);
        QTest::keyClick(m_view.get(), Qt::Key_F);
        QCOMPARE(m_view->window(), HeatmapWindow::whole(*m_view->content().data));
    }

    void middleAndSpaceDragPan()
    {
        m_view->setWindow({20, 40, 4, 8});
        const QPoint centre = m_view->cellRect(6, 30).center().toPoint();
        drag(*m_view, centre, centre + QPoint(50, 0), Qt::MiddleButton);
        QVERIFY(m_view->window().left < 20);
        QCOMPARE(m_view->window().columns(), 20.0);
        m_view->setWindow({20, 40, 4, 8});
        QSignalSpy brushed(m_view.get(), &HeatmapView::brushed);
        QTest::keyPress(m_view.get(), Qt::Key_Space);
        drag(*m_view, centre, centre - QPoint(50, 0));
        QTest::keyRelease(m_view.get(), Qt::Key_Space);
        QVERIFY(m_view->window().left > 20);
        QCOMPARE(brushed.size(), 0);
        drag(*m_view, centre, centre - QPoint(5000, 0), Qt::MiddleButton);
        QCOMPARE(m_view->window().right, 64.0);
    }

    void clickPicks()
    {
        QSignalSpy picked(m_view.get(), &HeatmapView::picked);
        QTest::mouseClick(m_view.get(), Qt::LeftButton, Qt::ControlModifier, m_view->cellRect(7, 33).center().toPoint());
        QCOMPARE(picked.size(), 1);
        QCOMPARE(picked[0][0].toInt(), 7);
        QCOMPARE(picked[0][1].toLongLong(), 33);
        QCOMPARE(picked[0][2].value<Qt::KeyboardModifiers>(), Qt::ControlModifier);
    }

    void keysMoveTheCellCursor()
    {
        QSignalSpy hovered(m_view.get(), &HeatmapView::hovered);
        QSignalSpy status(m_view.get(), &HeatmapView::status);
        QTest::keyClick(m_view.get(), Qt::Key_Right); // enters at the first visible cell
        QTest::keyClick(m_view.get(), Qt::Key_Right);
        QTest::keyClick(m_view.get(), Qt::Key_Down);
        QCOMPARE(hovered.last()[0].toInt(), 1);
        QCOMPARE(hovered.last()[1].toLongLong(), 1);
        QVERIFY(status.last()[0].toString().contains(QStringLiteral("Router entropy [bits]: 65")));
        QVERIFY(m_view->accessibleDescription().contains(QStringLiteral("65")));
        QTest::keyClick(m_view.get(), Qt::Key_End);
        QCOMPARE(hovered.last()[1].toLongLong(), 63);
        QTest::keyClick(m_view.get(), Qt::Key_Home, Qt::ControlModifier);
        QCOMPARE(hovered.last()[0].toInt(), 0);
        QCOMPARE(hovered.last()[1].toLongLong(), 0);
        // A cursor that leaves the window takes the window along.
        m_view->setWindow({0, 4, 0, 4});
        for (int i = 0; i < 10; ++i)
            QTest::keyClick(m_view.get(), Qt::Key_Right);
        QVERIFY(m_view->window().right >= 11);
        QSignalSpy picked(m_view.get(), &HeatmapView::picked);
        QTest::keyClick(m_view.get(), Qt::Key_Return);
        QCOMPARE(picked.size(), 1);
        QCOMPARE(picked[0][1].toLongLong(), 10);
    }

    void keysZoomAndPan()
    {
        QTest::keyClick(m_view.get(), Qt::Key_Plus);
        const HeatmapWindow closer = m_view->window();
        QVERIFY(closer.columns() < 64);
        QTest::keyClick(m_view.get(), Qt::Key_D);
        QVERIFY(m_view->window().left > closer.left);
        QTest::keyClick(m_view.get(), Qt::Key_A);
        QTest::keyClick(m_view.get(), Qt::Key_S);
        QVERIFY(m_view->window().top > closer.top);
        QTest::keyClick(m_view.get(), Qt::Key_W);
        QTest::keyClick(m_view.get(), Qt::Key_Minus);
        QTest::keyClick(m_view.get(), Qt::Key_Minus);
        QCOMPARE(m_view->window(), HeatmapWindow::whole(*m_view->content().data));
    }

    void legendClickLocksTheRange()
    {
        const ColourScale free = m_view->scale();
        QCOMPARE(free.high, 96.0);
        // The colour bar is right of the last column.
        const QRectF last = m_view->cellRect(6, 63);
        QTest::mouseClick(
            m_view.get(), Qt::LeftButton, {}, QPoint(static_cast<int>(last.right()) + 18, static_cast<int>(last.center().y())));
        QCOMPARE(m_view->scaleSettings().mode, RangeMode::Locked);
        HeatmapContent wider = content(12, 64);
        std::vector<float> values(12 * 64, 500.0F);
        values[0] = -500;
        wider.data = std::make_shared<HeatmapData>(12, 64, values);
        m_view->setContent(wider);
        QCOMPARE(m_view->scale().high, 96.0);
        const LegendSpec legend = heatmapLegend(m_view->content(), m_view->scale(), true, 1);
        QVERIFY(legend.clippedLow);
        QVERIFY(legend.clippedHigh);
        m_view->setScaleSettings({});
        QCOMPARE(m_view->scale().high, 500.0);
    }

    void contentOfTheSameShapeKeepsTheZoom()
    {
        m_view->setWindow({8, 24, 2, 6});
        m_view->setContent(content(12, 64));
        QCOMPARE(m_view->window(), (HeatmapWindow{8, 24, 2, 6}));
        m_view->setContent(content(12, 65));
        QVERIFY(!differs(m_view->window(), HeatmapWindow::whole(*m_view->content().data)));
    }

    void pixelsHaveTheColourOfTheirCell()
    {
        HeatmapContent plain = content(2, 2);
        plain.data = std::make_shared<HeatmapData>(2, 2, std::vector<float>{0, 1, 2, std::nanf("")});
        m_view->setContent(plain);
        const QImage image = m_view->grab().toImage();
        const double ratio = image.devicePixelRatio();
        const auto at = [&](int row, int column) {
            return image.pixel((m_view->cellRect(row, column).topLeft() * ratio + QPointF(6, 6)).toPoint());
        };
        const ColourScale scale = m_view->scale();
        QCOMPARE(at(0, 0), scale.colour(0));
        QCOMPARE(at(0, 1), scale.colour(1));
        QCOMPARE(at(1, 0), scale.colour(2));
        const QRgb missing = at(1, 1);
        QVERIFY(missing == m_view->palette().color(QPalette::Base).rgb() || missing == FigureLook::of(*m_view).missing.rgb());
    }

    void coloursReachAsFarAsAsked()
    {
        HeatmapContent lifts = content(1, 4);
        lifts.data = std::make_shared<HeatmapData>(1, 4, std::vector<float>{-12, -1, 2, std::nanf("")});
        lifts.map = ColourMap::Diverging;
        lifts.emptyMeans = QStringLiteral("never chosen");
        QCOMPARE(heatmapRange(lifts, RangeMode::Full, lifts.map), (std::pair{-12.0, 12.0}));
        lifts.reach = 2;
        QCOMPARE(heatmapRange(lifts, RangeMode::Full, lifts.map), (std::pair{-2.0, 2.0}));
        m_view->setContent(lifts);
        const LegendSpec legend = heatmapLegend(lifts, m_view->scale(), false, 1);
        QVERIFY(legend.clippedLow);
        QVERIFY(!legend.clippedHigh);
        QCOMPARE(legend.missingName, QStringLiteral("never chosen"));
        lifts.reach = 0.5; // nothing is near: the range is still one
        const auto [low, high] = heatmapRange(lifts, RangeMode::Full, ColourMap::Viridis);
        QVERIFY(low < high);
    }

    void wideMatricesSayWhatAPixelIs()
    {
        m_view->setContent(content(4, 100'000));
        const LegendSpec legend = heatmapLegend(m_view->content(), m_view->scale(), false, 180);
        QCOMPARE(legend.title, QStringLiteral("Router entropy [bits], mean of 180 a pixel"));
        QVERIFY(legend.missing);
        QVERIFY(!m_view->grab().isNull());
    }

    void figureHasTitlesUnitsAndN()
    {
        QBuffer buffer;
        QSvgGenerator svg;
        svg.setOutputDevice(&buffer);
        svg.setSize({640, 400});
        QPainter painter(&svg);
        m_view->paintFigure(painter, QRectF(0, 0, 640, 400));
        painter.end();
        const QString text = QString::fromUtf8(buffer.data());
        for (const char *needle : {"A title", "n = 5 tokens", ">Expert<", ">Layer<", "Router entropy [bits]", "missing"})
            QVERIFY2(text.contains(QLatin1String(needle)), needle);
    }

    void emptyStateSaysWhatToDo()
    {
        HeatmapView empty;
        empty.resize(500, 300);
        QVERIFY(!empty.grab().isNull());
        QTest::keyClick(&empty, Qt::Key_Right);
        QTest::mouseClick(&empty, Qt::LeftButton, {}, {50, 50});
        wheel(empty, {100, 100}, 1);
        QVERIFY(empty.cellRect(0, 0).isNull());
    }

    void contextMenuOffersValueRangeAndColours()
    {
        QSignalSpy wished(m_view.get(), &HeatmapView::pictureWished);
        QContextMenuEvent event(QContextMenuEvent::Mouse, m_view->cellRect(3, 3).center().toPoint(), m_view->mapToGlobal(QPoint(50, 50)));
        QApplication::sendEvent(m_view.get(), &event);
        auto *menu = m_view->findChild<QMenu *>(QStringLiteral("heatmapMenu"));
        QVERIFY(menu);
        const auto trigger = [&](const char *text) {
            for (QAction *action : menu->actions()) {
                if (action->text().startsWith(QLatin1String(text)))
                    return action->trigger(), true;
            }
            return false;
        };
        QVERIFY(trigger("Save picture"));
        QCOMPARE(wished.size(), 1);
        QVERIFY(trigger("Cividis"));
        QCOMPARE(m_view->scale().map, ColourMap::Cividis);
        QVERIFY(trigger("Automatic: 1st"));
        QCOMPARE(m_view->scaleSettings().mode, RangeMode::Robust);
        menu->close();
    }

private:
    std::unique_ptr<HeatmapView> m_view;
};

QTEST_MAIN(TestHeatmap)
#include "test_heatmap.moc"
