// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The Inspector: shows the numbers of the cards, comes to the front with what was selected, and its parts select in turn.
#include "engine/analysis/expert_card.h"
#include "engine/analysis/token_card.h"
#include "view_fixture.h"
#include "views/inspector/bar_table.h"
#include "views/inspector/inspector.h"
#include "views/inspector/layer_table.h"

#include <QLabel>
#include <QSignalSpy>
#include <QTabBar>
#include <QTest>

#include <cmath>

using namespace expertscope;

class TestInspector : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init()
    {
        m_selection = std::make_unique<SelectionModel>();
        m_jobs = {};
        m_panel = std::make_unique<InspectorPanel>(m_jobs.context(*m_selection));
        m_panel->resize(380, 700);
        m_panel->show();
        m_trace = test::textTrace(test::manyLanguages(8));
    }

    void emptyStatesSayWhatToDo()
    {
        auto *empty = m_panel->findChild<QLabel *>(QStringLiteral("inspectorEmpty"));
        QVERIFY(empty->isVisible());
        QVERIFY(empty->text().contains(QStringLiteral("File > Open")));
        m_panel->setSubject(test::subjectOf(m_trace));
        QVERIFY(empty->text().contains(QStringLiteral("Click a token")));
        m_panel->findChild<QTabBar *>()->setCurrentIndex(1);
        QVERIFY(empty->text().contains(QStringLiteral("expert")));
    }

    void tokenPageShowsTheCard()
    {
        m_panel->setSubject(test::subjectOf(m_trace));
        select(20, {});
        const TokenCard card = tokenCard(*m_trace, 20, {}, Progress{});
        const auto *layers = m_panel->findChild<LayerTable *>();
        QCOMPARE(layers->rows().size(), card.layers.size());
        for (std::size_t i = 0; i < card.layers.size(); ++i) {
            QCOMPARE(layers->rows()[i].name, QString::number(card.layers[i].layer));
            QCOMPARE(layers->rows()[i].entropy, static_cast<double>(card.layers[i].entropy));
            QCOMPARE(layers->rows()[i].parts.size(), card.layers[i].experts.size());
            QCOMPARE(layers->rows()[i].parts[0].expert, card.layers[i].experts[0].expert);
        }
        const QString facts = m_panel->findChild<QLabel *>(QStringLiteral("tokenFacts"))->text();
        QVERIFY(facts.contains(QString::number(card.tokenId)));
        QVERIFY(facts.contains(QStringLiteral("nats")));
        QVERIFY(!m_panel->grab().isNull());
    }

    void segmentsAreAsWideAsTheirWeights()
    {
        m_panel->setSubject(test::subjectOf(m_trace));
        select(20, {});
        const auto *layers = m_panel->findChild<LayerTable *>();
        const auto &parts = layers->rows()[2].parts;
        const double ratio = layers->partRect(2, 0).width() / layers->partRect(2, 1).width();
        QVERIFY(std::abs(ratio - parts[0].weight / parts[1].weight) < 1e-6);
    }

    void clickingASegmentOpensItsExpert()
    {
        m_panel->setSubject(test::subjectOf(m_trace));
        select(20, {});
        auto *layers = m_panel->findChild<LayerTable *>();
        const int expert = layers->rows()[3].parts[1].expert;
        QTest::mouseMove(layers, layers->partRect(3, 1).center().toPoint());
        QTest::mouseClick(layers, Qt::LeftButton, {}, layers->partRect(3, 1).center().toPoint());
        QCOMPARE(m_selection->value().layer, 3);
        QCOMPARE(m_selection->value().experts, std::vector<int>{expert});
        QCOMPARE(m_selection->value().token, std::int64_t{20});
        QCOMPARE(m_panel->findChild<QTabBar *>()->currentIndex(), 1);
        const ExpertCard card = expertCard(*m_trace, 3, expert, Progress{});
        const QString summary = m_panel->findChild<QLabel *>(QStringLiteral("expertSummary"))->text();
        QVERIFY2(summary.contains(QString::number(card.load.count)), qPrintable(summary));
    }

    void expertPageShowsTheCardAndSelects()
    {
        m_panel->setSubject(test::subjectOf(m_trace));
        select(-1, {5});
        const ExpertCard card = expertCard(*m_trace, 0, 5, Progress{});
        auto *partners = m_panel->findChild<BarTable *>(QStringLiteral("partners"));
        QCOMPARE(partners->rows().size(), card.partners.size());
        QCOMPARE(partners->rows()[0].value, card.partners[0].together.value);
        QCOMPARE(partners->rows()[0].low, card.partners[0].together.low);
        auto *languages = m_panel->findChild<BarTable *>(QStringLiteral("languages"));
        QCOMPARE(languages->rows().size(), card.languages.size());
        emit languages->activated(languages->rows()[0].data);
        QCOMPARE(m_selection->value().group.toStdString(), card.languages[0].name);
        QCOMPARE(m_selection->value().grouping, QStringLiteral("language"));
        auto *tokens = m_panel->findChild<BarTable *>(QStringLiteral("topTokens"));
        QVERIFY(!tokens->rows().empty());
        emit tokens->activated(tokens->rows()[0].data);
        QCOMPARE(m_selection->value().token, card.tokens[0].contexts[0].token);
        QCOMPARE(m_selection->value().sequence, m_trace->meta().sequenceOf(card.tokens[0].contexts[0].token));
        QCOMPARE(m_panel->findChild<QTabBar *>()->currentIndex(), 0);
        emit partners->activated(partners->rows()[0].data);
        QCOMPARE(m_selection->value().experts, std::vector<int>{card.partners[0].expert});
    }

    void rowsOfABarTableCanBeClicked()
    {
        m_panel->setSubject(test::subjectOf(m_trace));
        select(-1, {5});
        auto *partners = m_panel->findChild<BarTable *>(QStringLiteral("partners"));
        QSignalSpy activated(partners, &BarTable::activated);
        const int expert = partners->rows().back().data.toInt();
        QTest::mouseClick(partners, Qt::LeftButton, {}, QPoint(partners->width() / 2, partners->height() - 10));
        QCOMPARE(activated.size(), 1);
        QCOMPARE(m_selection->value().experts, std::vector<int>{expert});
    }

    void textOfATraceIsNeverMarkup()
    {
        m_trace = test::textTrace({{"<b>id</b>", "en", "x", {"<img src=x>", "&amp;", "\xe2\x80\xae", "<i>"}}});
        m_panel->setSubject(test::subjectOf(m_trace));
        select(0, {});
        const QString text = m_panel->findChild<QLabel *>(QStringLiteral("tokenText"))->text();
        QVERIFY(text.contains(QStringLiteral("&lt;img src=x&gt;")));
        QVERIFY(!m_panel->findChild<QLabel *>(QStringLiteral("tokenFacts"))->text().contains(QStringLiteral("<b>id")));
    }

    void aTokenThatIsGoneLeavesTheEmptyState()
    {
        m_panel->setSubject(test::subjectOf(m_trace));
        select(m_trace->meta().tokens - 1, {15});
        m_panel->setSubject(test::subjectOf(test::textTrace(test::manyLanguages(1), {2, 8, 2, true})));
        QVERIFY(m_panel->findChild<QLabel *>(QStringLiteral("inspectorEmpty"))->isVisible());
        m_panel->findChild<QTabBar *>()->setCurrentIndex(1);
        QVERIFY(m_panel->findChild<QLabel *>(QStringLiteral("inspectorEmpty"))->isVisible());
        m_panel->setSubject({});
        QVERIFY(!m_panel->grab().isNull());
    }

private:
    void select(std::int64_t token, std::vector<int> experts)
    {
        Selection next = m_selection->value();
        next.token = token;
        next.experts = std::move(experts);
        m_selection->set(next);
    }

    std::unique_ptr<SelectionModel> m_selection;
    test::Jobs m_jobs;
    std::unique_ptr<InspectorPanel> m_panel;
    TracePtr m_trace;
};

QTEST_MAIN(TestInspector)
#include "test_inspector.moc"
