// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/analysis.h"
#include "engine/analysis/statistics.h"
#include "engine/core/error.h"
#include "engine/core/parallel.h"
#include "run_analysis.h"
#include "tests/engine/analysis/small_trace.h"
#include "tests/engine/core/golden_traces.h"
#include "tests/engine/core/random_trace.h"

#include <QtTest>

#include <cmath>

using namespace expertscope;
using namespace expertscope::test;

namespace {

Result agreementOf(const TracePtr &a, const TracePtr &b, const Settings &settings = {})
{
    return test::analyse("trace-agreement", {a, b}, settings);
}

/// Two sequences "s0" of two tokens and "s1" of one; two layers, E = 4, K = 2. `other` changes one expert of s0's second token in layer 2,
/// the order of its first token in layer 1, and the order of the sequences.
TracePtr small(bool other, std::int32_t lastToken = 9)
{
    SmallSequence s0{.info = {}, .ids = {{0, 1, 2, 3}, {0, 1, 2, 3}}, .tokenId = {5, lastToken}};
    SmallSequence s1{.info = {}, .ids = {{1, 2}, {1, 2}}, .tokenId = {7}};
    s0.info.id = "s0";
    s1.info.id = "s1";
    s0.weights = {{0.5f, 0.25f, 0.5f, 0.25f}, {0.5f, 0.25f, 0.5f, 0.25f}};
    s1.weights = {{0.5f, 0.25f}, {0.5f, 0.25f}};
    s0.logits = {{2, 1, 0, 0, 0, 0, 2, 1}, {2, 1, 0, 0, 0, 0, 2, 0.0078125f}};
    s1.logits = {{0, 3, 3, 0}, {0, 3, 3, 0}};
    if (other) {
        s0.ids = {{1, 0, 2, 3}, {0, 1, 2, 0}};
        s0.logits[1][6] = 1;
        return smallTrace(4, 2, {s1, s0});
    }
    return smallTrace(4, 2, {s0, s1});
}

} // namespace

class TestTraceAgreement : public QObject {
    Q_OBJECT

private slots:
    void withItselfEverythingAgrees()
    {
        for (const TracePtr &trace : {randomTrace({.fields = allFields()}, 6), goldenTop2()}) {
            const Result result = agreementOf(trace, trace);
            const Table &table = result.table("agreement");
            for (std::size_t m = 0; m < table.rows(); ++m) {
                QCOMPARE(table.reals("value")[m], 1.0);
                QCOMPARE(table.reals("top1")[m], 1.0);
                if (trace->meta().fields.routerLogit) {
                    QCOMPARE(table.reals("kl")[m], 0.0);
                    QCOMPARE(table.reals("kl_top")[m], 0.0);
                }
                QCOMPARE(table.reals("weight_difference")[m], 0.0);
            }
            QCOMPARE(result.number("never_parted").value, 1.0);
        }
    }

    void handComputed()
    {
        const Result result = agreementOf(small(false), small(true));
        const Table &table = result.table("agreement");
        QVERIFY(near(table.reals("value")[0], 1));
        QVERIFY(near(table.reals("value")[1], (1 + 0.5 + 1) / 3));
        QVERIFY(near(table.reals("same_set")[1], 2.0 / 3));
        QVERIFY(near(table.reals("top1")[0], 2.0 / 3)); // the first token's experts change places
        QVERIFY(near(table.reals("flip_rate")[0], 1.0 / 3));
        QVERIFY(near(table.reals("weight_difference")[0], 2 * 0.25 / 3));
        QCOMPARE(table.reals("chance")[0], 0.5);
        // loads of the second trace in layer 2: 2, 2, 2, 0 of three tokens; of the first: 1, 2, 2, 1
        QVERIFY(near(table.reals("chance_load")[1], (2.0 + 4 + 4 + 0) / 9 / 2));
        QCOMPARE(result.matrix("load-difference").at(1, 0), 1.0 / 3);
        QCOMPARE(result.matrix("load-difference").at(1, 3), -1.0 / 3);
        // logits 0, 0, 2, 1/128 against 0, 0, 1, 1/128: KL of the softmaxes over three tokens
        const double a[] = {0, 0, 2, 0.0078125}, b[] = {0, 0, 1, 0.0078125};
        double sumA = 0, sumB = 0, kl = 0;
        for (int e = 0; e < 4; ++e) {
            sumA += std::exp(a[e]);
            sumB += std::exp(b[e]);
        }
        for (int e = 0; e < 4; ++e)
            kl += std::exp(a[e]) / sumA * (a[e] - b[e] - std::log(sumA) + std::log(sumB));
        QVERIFY(near(table.reals("kl")[1], kl / 3, 1e-9));
        QCOMPARE(table.reals("kl")[0], 0.0);
        // over the two likeliest (kl-extra 0.1 adds none)
        const double p = std::exp(2.0) / (std::exp(2.0) + std::exp(0.0078125)), q = std::exp(1.0) / (std::exp(1.0) + std::exp(0.0078125));
        QVERIFY(near(table.reals("kl_top")[1], (p * std::log(p / q) + (1 - p) * std::log((1 - p) / (1 - q))) / 3, 1e-9));
        // the token that differs had a margin of 1/128, the first of the bins above 0
        const Table &margins = result.table("margins");
        QCOMPARE(margins.reals("from")[11], 0.0);
        QCOMPARE(margins.reals("value")[11], 1.0);
        QCOMPARE(margins.integers("n")[11], std::int64_t{1});
        QCOMPARE(result.table("parting").reals("value"), (std::vector<double>{0, 1.0 / 3}));
        QCOMPARE(result.number("never_parted").value, 2.0 / 3);
        const Table &sequences = result.table("sequences");
        QCOMPARE(sequences.texts("sequence"), (std::vector<std::string>{"s0", "s1"}));
        QCOMPARE(sequences.integers("first_position"), (std::vector<std::int64_t>{1, -1}));
        QCOMPARE(sequences.integers("first_layer"), (std::vector<std::int64_t>{2, -1}));
    }

    void unrelatedSetsAgreeByChance()
    {
        std::vector<SmallSequence> a, b;
        Random random{11};
        for (int s = 0; s < 50; ++s)
            for (auto *list : {&a, &b}) {
                SmallSequence sequence{.info = {}, .ids = {{}}};
                sequence.info.id = std::to_string(s);
                for (int t = 0; t < 40; ++t) {
                    const auto first = random.below(8);
                    sequence.ids[0].push_back(static_cast<ExpertId>(first));
                    sequence.ids[0].push_back(static_cast<ExpertId>((first + 1 + random.below(7)) % 8));
                }
                list->push_back(std::move(sequence));
            }
        const Result result = agreementOf(smallTrace(8, 2, a), smallTrace(8, 2, b));
        const Table &table = result.table("agreement");
        QVERIFY(near(table.reals("value")[0], 0.25, 0.03));
        QVERIFY(near(table.reals("chance_load")[0], 0.25, 0.01));
        QVERIFY(near(table.reals("top1")[0], 0.125, 0.03));
        QVERIFY(table.reals("low")[0] < 0.25 && table.reals("high")[0] > 0.25);
        QVERIFY(std::isnan(table.reals("kl")[0]));
    }

    void tracesThatCannotBeCompared()
    {
        QVERIFY_THROWS_EXCEPTION(Error, agreementOf(small(false), small(false, 8)));
        try {
            agreementOf(small(false), small(false, 8));
        } catch (const Error &error) {
            QVERIFY(std::string{error.what()}.find("\"s0\", token 1") != std::string::npos);
        }
        QVERIFY_THROWS_EXCEPTION(Error, agreementOf(small(false), goldenTop2())); // other experts
        SmallSequence longer{.info = {}, .ids = {{0, 1, 2, 3}, {0, 1, 2, 3}}, .tokenId = {7, 7}};
        longer.info.id = "s1";
        QVERIFY_THROWS_EXCEPTION(Error, agreementOf(small(false), smallTrace(4, 2, {longer})));
        longer.info.id = "another";
        QVERIFY_THROWS_EXCEPTION(Error, agreementOf(small(false), smallTrace(4, 2, {longer}))); // nothing in common
        const AnalysisKind &kind = analysisKind("trace-agreement");
        QVERIFY(!missing(kind, {{small(false), smallTrace(4, 2, {})}, {}}, Params{kind.params}).empty());
        QVERIFY_THROWS_EXCEPTION(Error, runAnalysis(kind, {{small(false)}, {}}, Params{kind.params}, {}));
    }

    void partsOfATraceAndOtherLayers()
    {
        SmallSequence s1{.info = {}, .ids = {{1, noExpert}}, .tokenId = {7}};
        s1.info.id = "s1";
        const Result result = agreementOf(small(false), smallTrace(4, 2, {s1}));
        const Table &table = result.table("agreement");
        QCOMPARE(table.rows(), std::size_t{1});
        QCOMPARE(table.reals("value")[0], 0.5); // one of two experts
        QCOMPARE(table.integers("n")[0], std::int64_t{1});
        QVERIFY(std::isnan(table.reals("low")[0]));
        QCOMPARE(result.notes.size(), std::size_t{4}); // sequences, layers, no logits, no interval
    }

    void longSequencesAndThreads()
    {
        // longer than a block of logits, so that blocks and sequences end at different rows
        const TracePtr trace = randomTrace({.sequences = 9, .maxTokens = 1500, .fields = allFields()}, 8);
        const TracePtr again = randomTrace({.sequences = 9, .maxTokens = 1500, .fields = allFields()}, 8);
        setThreadCount(1);
        const Result one = agreementOf(trace, again);
        setThreadCount(3);
        const Result three = agreementOf(trace, again);
        setThreadCount(0);
        QCOMPARE(one.number("mean_agreement").value, 1.0);
        QCOMPARE(one.table("margins").integers("n"), three.table("margins").integers("n"));
        QCOMPARE(one.number("mean_agreement").n, trace->meta().tokens);
    }
};

QTEST_GUILESS_MAIN(TestTraceAgreement)
#include "test_trace_agreement.moc"
