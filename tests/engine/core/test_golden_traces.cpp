// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/core/golden_traces.h"

#include <QtTest>

using namespace expertscope;
using namespace expertscope::test;

class TestGoldenTraces : public QObject {
    Q_OBJECT

private slots:
    void areThePublishedOnes()
    {
        const TracePtr g1 = goldenTop2(), g2 = goldenTop1();
        QCOMPARE(hashOfIds(*g1), std::uint64_t{0x41738b59dfcd34e4});
        QCOMPARE(hashOfIds(*g2), std::uint64_t{0x7003ba52d07211df});
        std::vector<float> weights(2);
        g1->gateWeights({0, 1}, 0, weights);
        QCOMPARE(weights, (std::vector<float>{0.953125f, 0.046875f}));
        QVERIFY(!g2->meta().fields.gateWeight);
    }

    void cuttingKeepsTheRouting()
    {
        const TracePtr whole = goldenTop2(), cut = cutIntoSequences(*whole, 100);
        QCOMPARE(hashOfIds(*cut), hashOfIds(*whole));
        QCOMPARE(cut->meta().sequences.size(), std::size_t{6});
        QCOMPARE(cut->meta().sequences.back().range(), (TokenRange{500, 512}));
    }

    void realTraceIsRead()
    {
        const TracePtr law = realTrace("law");
        if (!law)
            QSKIP("no real traces in the shared folder");
        QCOMPARE(law->meta().tokens, std::int64_t{8327});
        QCOMPARE(law->meta().moeLayers(), 26);
        QCOMPARE(law->meta().sequences.size(), std::size_t{33});
        std::vector<ExpertId> ids(6);
        law->expertIds({0, 1}, 0, ids);
        QCOMPARE(ids, (std::vector<ExpertId>{57, 60, 26, 56, 8, 11}));
        std::vector<float> weights(6);
        law->gateWeights({0, 1}, 0, weights);
        QVERIFY(std::abs(weights[0] - 0.179f) < 1e-4f);
    }
};

QTEST_APPLESS_MAIN(TestGoldenTraces)
#include "test_golden_traces.moc"
