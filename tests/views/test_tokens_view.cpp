// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Tokens view: every token can be hit where it is drawn, in every script; gestures speak to the Selection; find, CSV, figure.
#include "view_fixture.h"
#include "views/tokens/find_bar.h"
#include "views/tokens/tokens_view.h"

#include <QApplication>
#include <QBuffer>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>
#include <QSignalSpy>
#include <QSpinBox>
#include <QStandardItemModel>
#include <QSvgGenerator>
#include <QTest>

using namespace expertscope;

namespace {

void moveTo(QWidget *widget, QPointF at, Qt::MouseButtons buttons = Qt::NoButton)
{
    QMouseEvent move(QEvent::MouseMove, at, widget->mapToGlobal(at), Qt::NoButton, buttons, Qt::NoModifier);
    QApplication::sendEvent(widget, &move);
}

std::unique_ptr<TokenLayout> layoutOf(const std::vector<std::string> &tokens, double width)
{
    const std::vector<std::string_view> views(tokens.begin(), tokens.end());
    const std::vector<std::int32_t> ids(tokens.size(), 0);
    return std::make_unique<TokenLayout>(tokenText(views, ids), QFont(QStringLiteral("Noto Sans"), 12), width);
}

} // namespace

class TestTokensView : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init()
    {
        m_selection = std::make_unique<SelectionModel>();
        m_jobs = {};
        m_view = std::make_unique<TokensView>(m_jobs.context(*m_selection));
        m_view->resize(760, 480);
        m_view->show();
    }

    void boxesAndHitsAgreeInEveryScript_data()
    {
        QTest::addColumn<int>("sequence");
        const auto sequences = test::manyLanguages(1);
        for (std::size_t i = 0; i < sequences.size(); ++i)
            QTest::newRow(sequences[i].id.c_str()) << static_cast<int>(i);
    }
    void boxesAndHitsAgreeInEveryScript()
    {
        QFETCH(int, sequence);
        const auto tokens = test::manyLanguages(1)[static_cast<std::size_t>(sequence)].tokens;
        for (const double width : {600.0, 170.0}) {
            const auto layout = layoutOf(tokens, width);
            std::vector<bool> seen(tokens.size(), false);
            for (const TokenBox &box : layout->boxes()) {
                QVERIFY(box.rect.left() > -1 && box.rect.right() < width + 12);
                if (box.rect.width() < 0.5)
                    continue; // a space that hangs over the end of a line, a line break
                seen[static_cast<std::size_t>(box.token)] = true;
                QVERIFY2(layout->tokenAt(box.rect.center()) == box.token, qPrintable(QString::number(box.token)));
            }
            for (std::size_t i = 0; i < tokens.size(); ++i)
                QVERIFY2(seen[i] || tokens[i] == " ", qPrintable(QStringLiteral("token %1 has no box").arg(i)));
            // Boxes of one line do not overlap by more than a rounding.
            for (std::size_t i = 0; i < layout->boxes().size(); ++i) {
                for (std::size_t k = i + 1; k < layout->boxes().size(); ++k) {
                    const QRectF both = layout->boxes()[i].rect & layout->boxes()[k].rect;
                    QVERIFY2(both.width() < 1 || both.height() < 1,
                        qPrintable(QStringLiteral("%1 and %2").arg(layout->boxes()[i].token).arg(layout->boxes()[k].token)));
                }
            }
        }
    }

    void tokensWithoutTextsAreNumbered()
    {
        TraceMeta meta = test::textTrace(test::manyLanguages(1))->meta();
        const auto openTrace = [&](bool ids) {
            meta.fields = {.gateWeight = false};
            meta.fields.tokenId = ids;
            meta.labelColumns.clear();
            MemoryTrace trace;
            trace.begin(meta);
            TraceBlock block;
            block.count = 1000;
            for (std::int32_t t = 0; t < 1000; ++t) {
                if (ids)
                    block.tokenId.push_back(7000 + t);
                block.position.push_back(t);
                block.seqIndex.push_back(0);
                block.phase.push_back(Phase::Prefill);
            }
            block.expertId.assign(meta.layers.size() * 1000 * static_cast<std::size_t>(meta.slotCount), 1);
            trace.append(block);
            SequenceInfo info;
            info.id = "s";
            info.nPrompt = 1000;
            trace.endSequence(info, {});
            trace.finish({});
            m_view->setSubject(test::subjectOf(trace.snapshot()));
            return m_view->findChild<QLabel *>(QStringLiteral("textNote"));
        };
        const QLabel *note = openTrace(false);
        QVERIFY(note->isVisible() && note->text().contains(QStringLiteral("no token ids")));
        QVERIFY(m_view->csv().find("<#") == std::string::npos);
        const TokenIndexPtr index = m_view->canvas()->index();
        QCOMPARE(index->find(QStringLiteral("\u00b7812"), 10, Progress{}), (std::vector<TokenRange>{{812, 813}}));
        m_view->canvas()->scrollToToken(812);
        const QRectF box = m_view->canvas()->tokenRect(812);
        QVERIFY(box.width() > 10 && box.width() < 100);
        QCOMPARE(m_view->canvas()->tokenAt(box.center()), std::int64_t{812});
        openTrace(true);
        QVERIFY(note->isVisible() && !note->text().contains(QStringLiteral("no token ids")));
        QCOMPARE(m_view->canvas()->index()->find(QStringLiteral("<#7812>"), 10, Progress{}), (std::vector<TokenRange>{{812, 813}}));
        m_view->setSubject(test::subjectOf(test::textTrace(test::manyLanguages(1))));
        QVERIFY(!note->isVisible());
    }

    void arabicReadsFromTheRight()
    {
        const auto layout = layoutOf({"السلام", " عليكم", " ABC", " DEF"}, 500);
        QVERIFY(layout->rightToLeft());
        QVERIFY(layout->firstBox(0).right() > 495);
        QVERIFY(layout->firstBox(0).left() > layout->firstBox(1).left());
        QVERIFY(layout->firstBox(1).left() > layout->firstBox(2).left() - 6); // the space of " ABC" stands at the Arabic side
        // Latin inside Arabic keeps its own direction.
        const QRectF abc = layout->boxes()[3].rect;
        QVERIFY(abc.width() > 10);
        QCOMPARE(layout->tokenAt(abc.center()), 2);
        QCOMPARE(layout->tokenAt({abc.right() + 14, abc.center().y()}), 3);
    }

    void specialTokensDoNotDecideTheDirection()
    {
        const auto layout = layoutOf({"<|endoftext|>", "السلام", "\xe4", " عليكم"}, 500);
        QVERIFY(layout->rightToLeft());
        QVERIFY(layout->firstBox(0).left() > layout->firstBox(1).right() - 1);
        for (const TokenBox &box : layout->boxes()) {
            if (box.rect.width() > 0.5)
                QCOMPARE(layout->tokenAt(box.rect.center()), box.token);
        }
        QVERIFY(!layoutOf({"<|endoftext|>", "Hello", " عليكم"}, 500)->rightToLeft());
    }

    void shapingCrossesTokenBorders()
    {
        // Joined and cut Arabic take the same room; shaped letter by letter it would be wider.
        const auto whole = layoutOf({"محمد"}, 500);
        const auto cut = layoutOf({"م", "ح", "م", "د"}, 500);
        QRectF all;
        for (const TokenBox &box : cut->boxes())
            all |= box.rect;
        QVERIFY(std::abs(all.width() - whole->boxes().front().rect.width()) < 1.5);
        QCOMPARE(cut->boxes().size(), std::size_t{4});
    }

    void aCharacterCutIntoThreeTokensIsHitThreeTimes()
    {
        const auto layout = layoutOf({"\xe4", "\xb8", "\xad"}, 300);
        QCOMPARE(layout->boxes().size(), std::size_t{3});
        for (int token = 0; token < 3; ++token) {
            QCOMPARE(layout->boxes()[static_cast<std::size_t>(token)].token, token);
            QVERIFY(layout->boxes()[static_cast<std::size_t>(token)].rect.width() > 2);
        }
    }

    void hoverAndClickSpeakToTheSelection()
    {
        open(2);
        QWidget *viewport = m_view->canvas()->viewport();
        QSignalSpy status(m_view.get(), &View::status);
        const QPointF at = m_view->canvas()->tokenRect(5).center();
        moveTo(viewport, at);
        QCOMPARE(m_selection->hover().token, std::int64_t{5});
        QVERIFY(status.last()[0].toString().contains(QStringLiteral("token 5")));
        QTest::mouseClick(viewport, Qt::LeftButton, {}, at.toPoint());
        QCOMPARE(m_selection->value().token, std::int64_t{5});
        QCOMPARE(m_selection->value().sequence, 0);
        QEvent leave(QEvent::Leave);
        QApplication::sendEvent(viewport, &leave);
        QCOMPARE(m_selection->hover().token, std::int64_t{-1});
    }

    void dragBrushesTokens()
    {
        open(2);
        QWidget *viewport = m_view->canvas()->viewport();
        const QPoint from = m_view->canvas()->tokenRect(3).center().toPoint();
        const QPoint to = m_view->canvas()->tokenRect(9).center().toPoint();
        QTest::mousePress(viewport, Qt::LeftButton, {}, to);
        moveTo(viewport, from, Qt::LeftButton);
        QTest::mouseRelease(viewport, Qt::LeftButton, {}, from);
        QCOMPARE(m_selection->value().brush, (TokenRange{3, 10}));
        QCOMPARE(m_selection->value().sequence, 0);
    }

    void headerSelectsItsSequence()
    {
        open(2);
        const QRectF first = m_view->canvas()->tokenRect(m_trace->meta().sequences[1].firstToken);
        QTest::mouseClick(m_view->canvas()->viewport(), Qt::LeftButton, {}, QPoint(60, static_cast<int>(first.top()) - 8));
        QCOMPARE(m_selection->value().sequence, 1);
        QCOMPARE(m_selection->value().token, std::int64_t{-1});
    }

    void selectionFromElsewhereScrollsThere()
    {
        open(30);
        const std::int64_t token = m_trace->meta().tokens - 3;
        QVERIFY(token >= m_view->canvas()->visibleTokens().end);
        Selection next;
        next.token = token;
        m_selection->set(next);
        QVERIFY(token >= m_view->canvas()->visibleTokens().begin && token < m_view->canvas()->visibleTokens().end);
        const QRectF rect = m_view->canvas()->tokenRect(token);
        QVERIFY(QRectF(m_view->canvas()->viewport()->rect()).contains(rect));
        next.sequence = 0;
        next.token = -1;
        m_selection->set(next);
        QCOMPARE(m_view->canvas()->visibleTokens().begin, std::int64_t{0});
    }

    void keysWalkAndPick()
    {
        open(2);
        TokenCanvas *canvas = m_view->canvas();
        QTest::keyClick(canvas, Qt::Key_Right);
        QTest::keyClick(canvas, Qt::Key_Right);
        QTest::keyClick(canvas, Qt::Key_Right);
        QCOMPARE(m_selection->hover().token, std::int64_t{2});
        QTest::keyClick(canvas, Qt::Key_Return);
        QCOMPARE(m_selection->value().token, std::int64_t{2});
        QTest::keyClick(canvas, Qt::Key_End);
        QCOMPARE(m_selection->hover().token, m_trace->meta().sequences[0].range().end - 1);
        QTest::keyClick(canvas, Qt::Key_Down);
        QVERIFY(m_selection->hover().token >= m_trace->meta().sequences[1].firstToken);
        QTest::keyClick(canvas, Qt::Key_Home, Qt::ControlModifier);
        QCOMPARE(m_selection->hover().token, std::int64_t{0});
    }

    void layerComesFromAndGoesToTheSelection()
    {
        open(1);
        auto *spin = m_view->findChild<QSpinBox *>(QStringLiteral("layer"));
        QCOMPARE(spin->text(), QStringLiteral("1")); // the model's own number of the first MoE layer
        spin->setValue(4);
        QCOMPARE(m_selection->value().layer, 4);
        QVERIFY(m_view->legend()->spec().title.contains(QStringLiteral("layer 5")));
        Selection next = m_selection->value();
        next.layer = 2;
        m_selection->set(next);
        QCOMPARE(spin->value(), 2);
        QVERIFY(m_view->legend()->spec().title.contains(QStringLiteral("layer 3")));
    }

    void coloursAreThoseOfTheMetric()
    {
        open(1);
        m_view->setMetric("top_expert");
        std::vector<float> experts(1);
        tokenMetric("top_expert").compute(*m_trace, {7, 8}, 0, experts);
        const QRectF rect = m_view->canvas()->tokenRect(7);
        const QImage image = m_view->canvas()->viewport()->grab().toImage();
        QCOMPARE(image.pixel(QPointF(rect.left() + 2, rect.top() + 2).toPoint()), expertColour(static_cast<int>(experts[0])));
        m_view->setMetric("logprob");
        QCOMPARE(m_view->legend()->spec().title, QStringLiteral("Log-probability [nats]"));
        QVERIFY(m_view->legend()->spec().missing);
    }

    void metricsTheTraceCannotGiveAreOffButListed()
    {
        m_trace = test::textTrace(test::manyLanguages(1), {4, 8, 2, false});
        m_view->setSubject(test::subjectOf(m_trace));
        auto *box = m_view->findChild<QComboBox *>(QStringLiteral("metric"));
        auto *items = qobject_cast<QStandardItemModel *>(box->model());
        for (std::size_t i = 0; i < tokenMetrics().size(); ++i)
            QCOMPARE(items->item(static_cast<int>(i))->isEnabled(), tokenMetrics()[i].available(m_trace->meta().fields));
        m_view->setMetric("entropy");
        QVERIFY(m_view->metric().id != "entropy");
    }

    void hoveredExpertMarksItsTokens()
    {
        open(1);
        std::vector<ExpertId> ids(2);
        m_trace->expertIds({4, 5}, 2, ids);
        const QImage before = m_view->canvas()->viewport()->grab().toImage();
        m_selection->setHover({-1, 2, ids[1]});
        const QImage after = m_view->canvas()->viewport()->grab().toImage();
        const QRectF rect = m_view->canvas()->tokenRect(4);
        QVERIFY(before.copy(rect.toAlignedRect()) != after.copy(rect.toAlignedRect()));
        m_selection->setHover({});
        QCOMPARE(m_view->canvas()->viewport()->grab().toImage(), before);
    }

    void findWalksThroughHits()
    {
        open(3);
        QVERIFY(m_view->find());
        auto *field = m_view->findChild<QLineEdit *>(QStringLiteral("findField"));
        QTest::keyClicks(field, QStringLiteral("BRIDGE"));
        auto *bar = m_view->findChild<FindBar *>(QStringLiteral("findBar"));
        const auto text = [&] { return bar->findChild<QLabel *>()->text(); };
        QVERIFY2(text().startsWith(QStringLiteral("1 of 6")), qPrintable(text())); // three in English, three inside Arabic
        QTest::keyClick(m_view->canvas(), Qt::Key_F3);
        QVERIFY(text().startsWith(QStringLiteral("2 of 6")));
        QTest::keyClick(m_view->canvas(), Qt::Key_F3, Qt::ShiftModifier);
        QTest::keyClick(m_view->canvas(), Qt::Key_F3, Qt::ShiftModifier);
        QVERIFY(text().startsWith(QStringLiteral("6 of 6")));
        field->setText(QStringLiteral("नए पुल"));
        QVERIFY2(text().endsWith(QStringLiteral("of 3")), qPrintable(text()));
        field->setText(QStringLiteral("xyzzy"));
        QCOMPARE(text(), QStringLiteral("not found"));
        QTest::keyClick(field, Qt::Key_Escape);
        QVERIFY(!bar->isVisible());
    }

    void csvIsTheData()
    {
        open(1);
        m_view->setMetric("entropy");
        Selection next = m_selection->value();
        next.layer = 3;
        next.brush = {10, 14};
        m_selection->set(next);
        std::vector<float> values(4);
        tokenMetric("entropy").compute(*m_trace, {10, 14}, 3, values);
        const QStringList lines = QString::fromStdString(m_view->csv()).split(QStringLiteral("\r\n"));
        QCOMPARE(lines.size(), 6);
        QCOMPARE(lines[0], QStringLiteral("token,sequence,language,domain,position,token_id,text,layer,entropy_bits"));
        for (int i = 0; i < 4; ++i) {
            const QStringList fields = lines[i + 1].split(u',');
            QCOMPARE(fields.first().toInt(), 10 + i);
            QCOMPARE(fields[fields.size() - 2], QStringLiteral("4")); // the model's layer number
            QCOMPARE(fields.last().toFloat(), values[static_cast<std::size_t>(i)]);
        }
    }

    void figureHasLegendDefinitionAndN()
    {
        open(1);
        m_view->setMetric("entropy");
        QBuffer buffer;
        QSvgGenerator svg;
        svg.setOutputDevice(&buffer);
        svg.setSize({700, 500});
        QPainter painter(&svg);
        m_view->paintFigure(painter, QRectF(0, 0, 700, 500));
        painter.end();
        const QString text = QString::fromUtf8(buffer.data());
        for (const char *needle : {"Tokens coloured by Router entropy at layer 1", "Router entropy at layer 1 [bits]", "n = ", "tiny-moe"})
            QVERIFY2(text.contains(QLatin1String(needle)), needle);
        QVERIFY(text.count(QStringLiteral("<path")) > 30); // the text itself, as glyph outlines
    }

    void stateComesBack()
    {
        open(1);
        m_view->setMetric("margin");
        m_view->canvas()->setZoom(1.5);
        const QVariantMap state = m_view->saveState();
        TokensView other(m_jobs.context(*m_selection));
        other.restoreState(state);
        QCOMPARE(other.metric().id, std::string_view("margin"));
        QCOMPARE(other.canvas()->zoom(), 1.5);
        other.restoreState({{QStringLiteral("metric"), QStringLiteral("nonsense")}, {QStringLiteral("zoom"), QStringLiteral("x")}});
        QCOMPARE(other.metric().id, std::string_view("margin"));
    }

    void aGrowingTraceKeepsThePlace()
    {
        const auto all = test::manyLanguages(6);
        const auto part = [&](std::size_t n) { return test::textTrace({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n)}); };
        m_view->setSubject(test::subjectOf(part(20)));
        m_view->canvas()->verticalScrollBar()->setValue(400);
        const TokenRange before = m_view->canvas()->visibleTokens();
        m_view->setSubject(test::subjectOf(part(60)));
        QCOMPARE(m_view->canvas()->visibleTokens().begin, before.begin);
        QCOMPARE(m_view->canvas()->index()->tokens(), part(60)->meta().tokens);
    }

    void lateResultsOfAnOldTraceAreDropped()
    {
        m_jobs.hold = true;
        const TracePtr first = test::textTrace(test::manyLanguages(1));
        const TracePtr second = test::textTrace(test::manyLanguages(2));
        m_view->setSubject(test::subjectOf(first));
        m_view->setSubject(test::subjectOf(second));
        m_jobs.run();
        QCOMPARE(m_view->canvas()->index()->tokens(), second->meta().tokens);
        m_view->setSubject({});
        m_jobs.run();
        QVERIFY(!m_view->canvas()->index());
        QVERIFY(!m_view->grab().isNull());
    }

    void oneLongSequenceIsCutIntoBlocks()
    {
        std::vector<std::string> tokens;
        for (int i = 0; i < 20'000; ++i)
            tokens.push_back(i % 3 ? "ab" : " cd");
        m_trace = test::textTrace({{"long", "en", "x", tokens}}, {1, 4, 2, false});
        m_view->setSubject(test::subjectOf(m_trace));
        const auto &blocks = m_view->canvas()->index()->blocks();
        QVERIFY(blocks.size() > 20);
        std::int64_t next = 0;
        for (const TokenBlock &block : blocks) {
            QCOMPARE(block.range.begin, next);
            QVERIFY(block.range.count() <= 701);
            next = block.range.end;
        }
        QCOMPARE(next, m_trace->meta().tokens);
        QScrollBar *bar = m_view->canvas()->verticalScrollBar();
        bar->setValue(bar->maximum());
        bar->setValue(bar->maximum());
        QCOMPARE(m_view->canvas()->visibleTokens().end, m_trace->meta().tokens);
    }

private:
    void open(int rounds)
    {
        m_trace = test::textTrace(test::manyLanguages(rounds));
        m_view->setSubject(test::subjectOf(m_trace));
        m_view->grab();
    }

    std::unique_ptr<SelectionModel> m_selection;
    test::Jobs m_jobs;
    std::unique_ptr<TokensView> m_view;
    TracePtr m_trace;
};

QTEST_MAIN(TestTokensView)
#include "test_tokens_view.moc"
