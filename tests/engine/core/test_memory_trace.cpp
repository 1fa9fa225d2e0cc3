// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/memory_trace.h"
#include "tests/engine/core/random_trace.h"

#include <QtTest>

using namespace expertscope;
using namespace expertscope::test;

namespace {

/// Layer l, row t, slot s chooses expert (t + l + s) mod 4.
TraceBlock plainBlock(std::int64_t firstToken, std::int64_t count)
{
    TraceBlock block;
    block.count = count;
    for (std::int64_t t = firstToken; t < firstToken + count; ++t) {
        block.tokenId.push_back(static_cast<std::int32_t>(100 + t));
        block.position.push_back(static_cast<std::int32_t>(t));
        block.seqIndex.push_back(0);
        block.phase.push_back(Phase::Prefill);
    }
    for (int l = 0; l < 2; ++l)
        for (std::int64_t t = firstToken; t < firstToken + count; ++t)
            for (int s = 0; s < 2; ++s) {
                block.expertId.push_back(static_cast<ExpertId>((t + l + s) % 4));
                block.gateWeight.push_back(s == 0 ? 0.75f : 0.25f);
            }
    return block;
}

TraceMeta plainMeta()
{
    TraceMeta meta;
    meta.fields.gateWeight = true;
    meta.slotCount = 2;
    meta.experts = 4;
    meta.layers = {1, 2};
    return meta;
}

SequenceInfo sequence(std::int64_t firstToken, std::int64_t tokens)
{
    SequenceInfo info;
    info.id = "s" + std::to_string(firstToken);
    info.firstToken = firstToken;
    info.nPrompt = tokens;
    return info;
}

} // namespace

class TestMemoryTrace : public QObject {
    Q_OBJECT

private slots:
    void readsAcrossBlocks()
    {
        MemoryTrace trace;
        trace.begin(plainMeta());
        trace.append(plainBlock(0, 3));
        trace.append(plainBlock(3, 0));
        trace.append(plainBlock(3, 4));
        trace.endSequence(sequence(0, 7), {});
        trace.finish({});

        const TokenRange range{2, 6};
        QCOMPARE(trace.tokens(range).tokenId, (std::vector<std::int32_t>{102, 103, 104, 105}));
        QVERIFY(trace.tokens(range).logprob.empty());
        std::vector<ExpertId> ids(8);
        trace.expertIds(range, 1, ids);
        QCOMPARE(ids, (std::vector<ExpertId>{3, 0, 0, 1, 1, 2, 2, 3}));
        std::vector<float> weights(8);
        trace.gateWeights(range, 0, weights);
        QCOMPARE(weights, (std::vector<float>{0.75f, 0.25f, 0.75f, 0.25f, 0.75f, 0.25f, 0.75f, 0.25f}));
    }

    void loadAndGateMassAreSumsOverFinishedSequences()
    {
        MemoryTrace trace;
        trace.begin(plainMeta());
        trace.append(plainBlock(0, 4));
        trace.append(plainBlock(4, 4));
        trace.endSequence(sequence(0, 4), {});
        // 4 tokens of 2 slots over 4 experts in a cycle: every expert twice, once in each slot
        QCOMPARE(trace.load(), (std::vector<std::int64_t>(8, 2)));
        QCOMPARE(trace.gateMass(), (std::vector<double>(8, 1.0)));
        trace.endSequence(sequence(4, 1), {});
        QCOMPARE(trace.load(), (std::vector<std::int64_t>{3, 3, 2, 2, 2, 3, 3, 2}));
        QCOMPARE(trace.gateMass(), (std::vector<double>{1.75, 1.25, 1, 1, 1, 1.75, 1.25, 1}));
    }

    void snapshotKeepsWhatWasFinishedWhileTheRecordingGoesOn()
    {
        MemoryTrace trace;
        trace.begin(plainMeta());
        trace.append(plainBlock(0, 5));
        trace.endSequence(sequence(0, 3), {});
        const TracePtr early = trace.snapshot();
        trace.endSequence(sequence(3, 2), {});
        trace.append(plainBlock(5, 6));
        trace.endSequence(sequence(5, 6), {});

        QCOMPARE(early->meta().tokens, 3);
        QCOMPARE(early->meta().sequences.size(), std::size_t{1});
        QCOMPARE(trace.meta().tokens, 11);
        QVERIFY_THROWS_EXCEPTION(Error, early->tokens({0, 4}));
        std::vector<ExpertId> ids(6);
        early->expertIds({0, 3}, 0, ids);
        QCOMPARE(ids, (std::vector<ExpertId>{0, 1, 1, 2, 2, 3}));
    }

    void tokensOfAnUnfinishedSequenceAreDropped()
    {
        MemoryTrace trace;
        trace.begin(plainMeta());
        trace.append(plainBlock(0, 6));
        trace.endSequence(sequence(0, 4), {});
        trace.append(plainBlock(6, 2));
        trace.finish({});
        QCOMPARE(trace.meta().tokens, 4);
        QCOMPARE(trace.load(), (std::vector<std::int64_t>(8, 2)));
        QVERIFY_THROWS_EXCEPTION(Error, trace.tokens({0, 5}));
    }

    void sequenceOfFindsTheSequenceOfAToken()
    {
        MemoryTrace trace;
        trace.begin(plainMeta());
        trace.append(plainBlock(0, 9));
        trace.endSequence(sequence(0, 3), {});
        trace.endSequence(sequence(3, 0), {});
        trace.endSequence(sequence(3, 2), {});
        QCOMPARE(trace.meta().sequenceOf(-1), -1);
        QCOMPARE(trace.meta().sequenceOf(0), 0);
        QCOMPARE(trace.meta().sequenceOf(2), 0);
        QCOMPARE(trace.meta().sequenceOf(3), 2);
        QCOMPARE(trace.meta().sequenceOf(4), 2);
        QCOMPARE(trace.meta().sequenceOf(5), -1);
    }

    void refusesWhatDoesNotFit()
    {
        MemoryTrace trace;
        trace.begin(plainMeta());
        TraceBlock wrong = plainBlock(0, 3);
        wrong.expertId.pop_back();
        QVERIFY_THROWS_EXCEPTION(Error, trace.append(wrong));
        wrong = plainBlock(0, 3);
        wrong.expertId[4] = 4;
        QVERIFY_THROWS_EXCEPTION(Error, trace.append(wrong));
        wrong = plainBlock(0, 3);
        wrong.logprob.resize(3);
        QVERIFY_THROWS_EXCEPTION(Error, trace.append(wrong));
        TraceBlock empty = plainBlock(0, 3);
        empty.expertId[4] = noExpert;
        trace.append(empty);
        QVERIFY_THROWS_EXCEPTION(Error, trace.endSequence(sequence(1, 2), {})); // leaves a gap
        QVERIFY_THROWS_EXCEPTION(Error, trace.endSequence(sequence(0, 4), {})); // not recorded yet
        SequenceInfo labelled = sequence(0, 3);
        labelled.labels = {"x"};
        QVERIFY_THROWS_EXCEPTION(Error, trace.endSequence(labelled, {}));
        trace.endSequence(sequence(0, 3), {});

        std::vector<ExpertId> ids(6);
        std::vector<float> values(12);
        QVERIFY_THROWS_EXCEPTION(Error, trace.expertIds({0, 3}, 2, ids));
        QVERIFY_THROWS_EXCEPTION(Error, trace.expertIds({0, 2}, 0, ids));
        QVERIFY_THROWS_EXCEPTION(Error, trace.expertIds({-1, 2}, 0, ids));
        QVERIFY_THROWS_EXCEPTION(Error, trace.routerLogits({0, 3}, 0, values));
        QVERIFY_THROWS_EXCEPTION(Error, trace.meanSoftmax(0, values));
    }

    void copyTraceCopiesEverything_data()
    {
        QTest::addColumn<int>("experts");
        QTest::addColumn<int>("maxTokens");
        QTest::newRow("small") << 8 << 40;
        QTest::newRow("many experts, so that blocks are short") << 512 << 400;
        QTest::newRow("no tokens at all") << 8 << 0;
    }
    void copyTraceCopiesEverything()
    {
        QFETCH(int, experts);
        QFETCH(int, maxTokens);
        TraceShape shape;
        shape.experts = experts;
        shape.slotCount = 4;
        shape.maxTokens = maxTokens;
        shape.fields = allFields();
        const TracePtr original = randomTrace(shape, 7);
        MemoryTrace copy;
        std::int64_t reported = 0;
        copyTrace(*original, copy, Progress{{}, [&](std::int64_t done, std::int64_t, std::string_view) { reported = done; }});
        QCOMPARE(QString::fromStdString(difference(*original, copy)), QString{});
        QCOMPARE(reported, original->meta().tokens);
    }

    void differenceSeesASingleChangedWeight() // the comparison itself must be able to fail
    {
        TraceShape shape;
        const TracePtr a = randomTrace(shape, 1);
        QCOMPARE(QString::fromStdString(difference(*a, *randomTrace(shape, 1))), QString{});
        QVERIFY(!difference(*a, *randomTrace(shape, 2)).empty());
    }

    void copyTraceStopsWhenAsked()
    {
        const TracePtr original = randomTrace({}, 3);
        std::stop_source stop;
        stop.request_stop();
        MemoryTrace copy;
        QVERIFY_THROWS_EXCEPTION(Cancelled, copyTrace(*original, copy, Progress{stop.get_token()}));
    }
};

QTEST_APPLESS_MAIN(TestMemoryTrace)
#include "test_memory_trace.moc"
