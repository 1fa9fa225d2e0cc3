// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/expert_card.h"
#include "engine/analysis/token_card.h"
#include "engine/core/error.h"
#include "engine/core/tensor.h"
#include "tests/engine/core/random_trace.h"

#include <QtTest>

#include <cmath>
#include <set>

using namespace expertscope;
using namespace expertscope::test;

namespace {

/// One layer, E = 4, K = 2. Sequence 0 (en, code): 10 tokens "a" of id 1; sequence 1 (de, prose): 10 tokens "b" of id 2.
/// "a" chooses experts 0 and 1; "b" chooses 2 and 3, but its first two occurrences choose 0 and 3. Weights 0.75 and 0.25.
TracePtr twoSequences()
{
    TraceMeta meta;
    meta.fields.gateWeight = meta.fields.tokenText = meta.fields.predictedId = meta.fields.logprob = meta.fields.routerLogit = true;
    meta.slotCount = 2;
    meta.experts = 4;
    meta.layers = {7};
    MemoryTrace trace;
    trace.begin(meta);
    for (int s = 0; s < 2; ++s) {
        TraceBlock block;
        block.count = 10;
        for (int t = 0; t < 10; ++t) {
            block.tokenId.push_back(1 + s);
            block.position.push_back(t);
            block.seqIndex.push_back(s);
            block.phase.push_back(t < 8 ? Phase::Prefill : Phase::Decode);
            block.predictedId.push_back(t == 4 ? 2 : 1);
            block.logprob.push_back(t == 0 ? std::nanf("") : -0.5f);
            block.bytes.push_back(s == 0 ? "a" : "b");
            const bool strange = s == 1 && t < 2;
            for (int id : {s == 0 || strange ? 0 : 2, s == 0 ? 1 : 3})
                block.expertId.push_back(static_cast<ExpertId>(id));
            for (float weight : {0.75f, 0.25f})
                block.gateWeight.push_back(weight);
            for (float logit : {2.0f, 1.0f, 1.0f, 1.0f})
                block.routerLogit.push_back(f32ToF16(logit));
        }
        trace.append(block);
        SequenceInfo info;
        info.language = std::string{s == 0 ? "en" : "de"};
        info.domain = std::string{s == 0 ? "code" : "prose"};
        info.firstToken = 10 * s;
        info.nPrompt = 8;
        info.nGenerated = 2;
        trace.endSequence(info, {});
    }
    return trace.snapshot();
}

bool near(double a, double b, double tolerance = 1e-9)
{
    return std::abs(a - b) <= tolerance;
}

} // namespace

class TestCards : public QObject {
    Q_OBJECT

private slots:
    void wilsonInterval_data()
    {
        QTest::addColumn<int>("count");
        QTest::addColumn<int>("of");
        QTest::addColumn<double>("low");
        QTest::addColumn<double>("high");
        // Newcombe 1998, Table I, method 3
        QTest::newRow("81 of 263") << 81 << 263 << 0.2553 << 0.3662;
        QTest::newRow("15 of 148") << 15 << 148 << 0.0624 << 0.1605;
        QTest::newRow("0 of 20") << 0 << 20 << 0.0 << 0.1611;
        QTest::newRow("1 of 29") << 1 << 29 << 0.0061 << 0.1718;
        QTest::newRow("all") << 20 << 20 << 0.8389 << 1.0;
        QTest::newRow("nothing known") << 0 << 0 << 0.0 << 1.0;
    }
    void wilsonInterval()
    {
        QFETCH(int, count);
        QFETCH(int, of);
        const Share s = share(count, of);
        QTEST(std::round(s.low * 1e4) / 1e4, "low");
        QTEST(std::round(s.high * 1e4) / 1e4, "high");
        QVERIFY(s.low <= s.value && (s.value <= s.high || of == 0));
        QVERIFY(of == 0 ? std::isnan(lift(s, 0.5).value) : near(lift(s, 0.5).high, 2 * s.high));
        QVERIFY(std::isnan(lift(s, 0).value));
    }

    void expertCardByHand()
    {
        const ExpertCard card = expertCard(*twoSequences(), 0, 0, Progress{});
        QCOMPARE(card.load.count, 12);
        QCOMPARE(card.load.of, 20);
        QVERIFY(near(card.chance, 0.5));
        QVERIFY(near(card.partnerChance, 1.0 / 3));
        QVERIFY(near(card.meanGateWeight, 0.75));

        QCOMPARE(card.rankedTokens, 2);
        QCOMPARE(card.tokens.size(), std::size_t{2});
        QCOMPARE(card.tokens[0].tokenId, 1);
        QCOMPARE(card.tokens[0].text, std::string{"a"});
        QCOMPARE(card.tokens[0].choosing.count, 10);
        QVERIFY(near(card.tokens[0].lift.value, 1 / 0.6));
        QCOMPARE(card.tokens[1].tokenId, 2);
        QCOMPARE(card.tokens[1].choosing.count, 2);
        QVERIFY(near(card.tokens[1].lift.value, 0.2 / 0.6));
        QCOMPARE(card.tokens[1].contexts.size(), std::size_t{2});
        QCOMPARE(card.tokens[1].contexts[1].token, 11);
        QCOMPARE(card.tokens[1].contexts[1].before, std::string{"b"}); // not a token of the sequence before
        QCOMPARE(card.tokens[1].contexts[1].after, std::string{"bbbbbb"});
        QCOMPARE(card.tokens[0].contexts.size(), ExpertCard::mostContexts);

        QCOMPARE(card.languages.size(), std::size_t{2});
        QCOMPARE(card.languages[0].name, std::string{"en"});
        QCOMPARE(card.languages[0].sequences, 1);
        QCOMPARE(card.languages[0].choosing.count, 10);
        QVERIFY(near(card.languages[1].choosing.value, 0.2) && near(card.languages[1].lift.value, 0.2 / 0.6));
        QCOMPARE(card.domains[1].name, std::string{"prose"});

        QCOMPARE(card.partners.size(), std::size_t{2});
        QCOMPARE(card.partners[0].expert, 1);
        QCOMPARE(card.partners[0].together.count, 10);
        QCOMPARE(card.partners[0].together.of, 12);
        QVERIFY(near(card.partners[0].expected, 0.5) && near(card.partners[0].lift.value, 10.0 / 12 / 0.5));
        QCOMPARE(card.partners[1].expert, 3);
        QCOMPARE(card.partners[1].together.count, 2);
    }

    void rareTokensAreNotRanked()
    {
        TraceShape shape; // 50,000 ids: hardly any occurs five times
        const TracePtr trace = randomTrace(shape, 1);
        const ExpertCard card = expertCard(*trace, 1, 3, Progress{});
        QCOMPARE(card.rankedTokens, 0);
        QVERIFY(card.tokens.empty());
        QCOMPARE(card.load.count, trace->load()[8 + 3]);
    }

    void sumsAgreeWithTheSummary()
    {
        TraceShape shape;
        shape.sequences = 60;
        shape.fields.nActive = true;
        const TracePtr trace = randomTrace(shape, 8);
        std::int64_t chosen = 0;
        for (int e = 0; e < 8; ++e) {
            const ExpertCard card = expertCard(*trace, 2, e, Progress{});
            chosen += card.load.count;
            std::int64_t inDomains = 0;
            for (const GroupOfExpert &group : card.domains)
                inDomains += group.choosing.count;
            QVERIFY(inDomains <= card.load.count);
            for (const PartnerOfExpert &partner : card.partners)
                QVERIFY(partner.expert != e && partner.together.count <= card.load.count);
        }
        const ExpertCard card = expertCard(*trace, 2, 0, Progress{});
        QVERIFY(near(card.chance * 8 * static_cast<double>(trace->meta().tokens), static_cast<double>(chosen), 1e-6));
    }

    void unusedExpertAndWrongRequests()
    {
        TraceShape shape;
        shape.fields = {};
        shape.maxTokens = 0;
        const TracePtr empty = randomTrace(shape, 1);
        const ExpertCard card = expertCard(*empty, 0, 0, Progress{});
        QVERIFY(card.tokens.empty() && card.partners.empty() && std::isnan(card.meanGateWeight) && card.load.of == 0);
        QVERIFY_THROWS_EXCEPTION(Error, expertCard(*empty, 3, 0, Progress{}));
        QVERIFY_THROWS_EXCEPTION(Error, expertCard(*empty, 0, 8, Progress{}));
        QVERIFY_THROWS_EXCEPTION(Error, expertCard(*empty, 0, -1, Progress{}));
        std::stop_source stop;
        stop.request_stop();
        QVERIFY_THROWS_EXCEPTION(Cancelled, expertCard(*randomTrace({}, 1), 0, 0, Progress{stop.get_token()}));
    }

    void tokenCardByHand()
    {
        const TokenCard card = tokenCard(*twoSequences(), 4, {}, Progress{});
        QCOMPARE(card.sequence, 0);
        QCOMPARE(card.tokenId, 1);
        QCOMPARE(card.position, 4);
        QVERIFY(card.phase == Phase::Prefill);
        QCOMPARE(card.logprob, -0.5f);
        QVERIFY(near(card.probability, std::exp(-0.5)));
        QCOMPARE(card.context.before, std::string{"aaaa"});
        QCOMPARE(card.context.text, std::string{"a"});
        QCOMPARE(card.context.after, std::string{"aaaaa"});
        QVERIFY(card.hasPrediction && card.predictedId == 2 && !card.predictionCameTrue);
        QCOMPARE(card.predictedText, std::string{"b"}); // looked up in the trace
        QCOMPARE(card.layers.size(), std::size_t{1});
        const TokenLayer &layer = card.layers[0];
        QCOMPARE(layer.layer, 7);
        QCOMPARE(layer.experts.size(), std::size_t{2});
        QCOMPARE(layer.experts[0].expert, 0);
        QCOMPARE(layer.experts[0].gateWeight, 0.75f);
        QCOMPARE(layer.experts[0].logit, 2.0f);
        QVERIFY(std::isnan(layer.experts[0].outNorm));
        QCOMPARE(layer.weightSum, 1.0f);
        QCOMPARE(layer.margin, 0.0f);
        // p = e / (e + 3) once and 1 / (e + 3) three times
        const double e = std::exp(1.0), p = e / (e + 3), q = 1 / (e + 3);
        QVERIFY(near(static_cast<double>(layer.entropy), -p * std::log2(p) - 3 * q * std::log2(q), 1e-6));
    }

    void predictionsAndEnds()
    {
        const TracePtr trace = twoSequences();
        QVERIFY(tokenCard(*trace, 2, {}, Progress{}).predictionCameTrue);
        const TokenCard last = tokenCard(*trace, 9, {}, Progress{});
        QVERIFY(!last.predictionCameTrue); // token 10 has another id and belongs to another text
        QVERIFY(last.phase == Phase::Decode);
        QCOMPARE(last.context.after, std::string{});
        QVERIFY(std::isnan(tokenCard(*trace, 10, {}, Progress{}).probability));
        QCOMPARE(tokenCard(
                     *trace, 19, [](std::int32_t id) { return "<" + std::to_string(id) + ">"; }, Progress{})
                     .predictedText,
            std::string{"<1>"});
        QVERIFY_THROWS_EXCEPTION(Error, tokenCard(*trace, 20, {}, Progress{}));
        QVERIFY_THROWS_EXCEPTION(Error, tokenCard(*trace, -1, {}, Progress{}));
    }

    void contextIsCutAtWholeCharacters()
    {
        TraceMeta meta;
        meta.fields.tokenText = true;
        meta.slotCount = 1;
        meta.experts = 2;
        meta.layers = {0};
        TraceBlock block;
        block.bytes = {"x", "\xe4", "\xbd\xa0", "y", "\xf0\x9f", "\x99\x82", "z"};
        block.count = 7;
        for (int t = 0; t < 7; ++t) {
            block.tokenId.push_back(t);
            block.position.push_back(t);
            block.seqIndex.push_back(0);
            block.phase.push_back(Phase::Prefill);
            block.expertId.push_back(0);
        }
        MemoryTrace trace;
        trace.begin(meta);
        trace.append(block);
        SequenceInfo info;
        info.nPrompt = 7;
        trace.endSequence(info, {});
        const TokenContext narrow = contextOf(trace, 3, 1); // neighbours are halves of characters
        QCOMPARE(narrow.before, std::string{});
        QCOMPARE(narrow.after, std::string{});
        const TokenContext wide = contextOf(trace, 3, 2);
        QCOMPARE(wide.before, std::string{"\xe4\xbd\xa0"});
        QCOMPARE(wide.after, std::string{"\xf0\x9f\x99\x82"});
        QCOMPARE(contextOf(trace, 2, 1).text, std::string{"\xbd\xa0"}); // the token's own bytes stay as they are
    }
};

QTEST_APPLESS_MAIN(TestCards)
#include "test_cards.moc"
