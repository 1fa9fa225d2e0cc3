// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/analysis.h"
#include "engine/core/error.h"
#include "run_analysis.h"
#include "tests/engine/analysis/small_trace.h"
#include "tests/engine/core/golden_traces.h"

#include <QtTest>

#include <cmath>

using namespace expertscope;
using namespace expertscope::test;

namespace {

Result esftOf(const TracePtr &trace, const Settings &settings = {})
{
    return test::analyse("esft", trace, settings);
}

/// Experts chosen in the i-th MoE layer, best first.
std::vector<std::int64_t> chosen(const Result &result, const RoutingTrace &trace, std::size_t layer)
{
    const Table &table = result.table("esft");
    std::vector<std::int64_t> experts;
    for (std::size_t row = 0; row < table.rows(); ++row)
        if (table.integers("layer")[row] == trace.meta().layers[layer])
            experts.push_back(table.integers("expert")[row]);
    return experts;
}

} // namespace

class TestEsft : public QObject {
    Q_OBJECT

private slots:
    void golden()
    {
        const TracePtr trace = goldenTop2();
        const Result token = esftOf(trace);
        const std::vector<std::int64_t> byToken[] = {{3, 1, 13}, {7, 5, 14}, {15, 10, 13}, {1, 14, 3}};
        const Result gate = esftOf(trace, {{"score", "gate"}, {"p", "0.1"}});
        const std::vector<std::int64_t> byGate[] = {{3}, {7}, {15}, {1}};
        for (std::size_t m = 0; m < 4; ++m) {
            QCOMPARE(chosen(token, *trace, m), byToken[m]);
            QCOMPARE(chosen(gate, *trace, m), byGate[m]);
        }
        QCOMPARE(token.table("esft").reals("chance")[0], 1.0 / 16);
        QCOMPARE(token.table("esft").reals("value")[0], 100.0 / 1024); // expert 3 of layer 0
    }

    void realModel_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<double>("at20");
        QTest::addColumn<double>("at10");
        QTest::addColumn<QList<int>>("firstLayer");
        QTest::newRow("intent") << "intent" << 4.77 << 2.23 << QList<int>{8, 26, 55, 6, 20};
        QTest::newRow("law") << "law" << 5.88 << 2.73 << QList<int>{12, 40, 7, 13, 37, 16, 1, 17, 9};
    }

    void realModel()
    {
        QFETCH(QString, name);
        QFETCH(double, at20);
        QFETCH(double, at10);
        QFETCH(QList<int>, firstLayer);
        const TracePtr trace = realTrace(name.toStdString());
        if (!trace)
            QSKIP("the traces of real models are not here");
        const Result result = esftOf(trace, {{"bootstrap", "20"}});
        const std::string number = "chosen_" + name.toStdString();
        // published to two decimals
        QVERIFY2(std::abs(result.number(number).value - at20) < 0.006, qPrintable(QString::number(result.number(number).value, 'f', 4)));
        const Result tenth = esftOf(trace, {{"p", "0.1"}, {"bootstrap", "0"}});
        QVERIFY2(std::abs(tenth.number(number).value - at10) < 0.006, qPrintable(QString::number(tenth.number(number).value, 'f', 4)));
        QCOMPARE(chosen(result, *trace, 0), std::vector<std::int64_t>(firstLayer.begin(), firstLayer.end()));
        const Result gate = esftOf(trace, {{"score", "gate"}, {"p", "0.1"}, {"bootstrap", "0"}});
        for (const double sum : gate.table("sets").reals("score_sum"))
            QVERIFY(sum > 0.335 && sum < 0.515); // published as .35 to .51 over four tasks: weights of an un-normalised softmax
    }

    void overlapOfTasks()
    {
        // two tasks, K = 1: "a" all to 0 and 1, "b" all to 1 and 2
        std::vector<SmallSequence> sequences;
        for (int s = 0; s < 4; ++s) {
            SmallSequence sequence{.info = {}, .ids = {s % 2 == 0 ? std::vector<ExpertId>{0, 1} : std::vector<ExpertId>{1, 2}}};
            sequence.info.domain = s % 2 == 0 ? "a" : "b";
            sequences.push_back(sequence);
        }
        const Result result = esftOf(smallTrace(4, 1, sequences), {{"p", "0.9"}});
        QCOMPARE(result.table("overlap").reals("value")[0], 1.0 / 3);
        QCOMPARE(result.table("overlap").reals("chance")[0], 1.0 / 3); // 2 * 2 / 4 shared of 4 - 1
        QCOMPARE(result.matrix("overlap-map").at(0, 0), 1.0);
        QCOMPARE(result.number("chosen_a").value, 2.0);
        QCOMPARE(result.number("sparsity_a").value, 0.0);
        QCOMPARE(result.table("esft").reals("stability")[0], 1.0); // every sequence of a task is alike
        QVERIFY_THROWS_EXCEPTION(Error, esftOf(smallTrace(4, 1, sequences), {{"score", "gate"}}));
    }

    void edges()
    {
        const AnalysisKind &kind = analysisKind("esft");
        QVERIFY(!missing(kind, {{smallTrace(4, 1, {})}, {}}, Params{kind.params}).empty());
        SmallSequence empty{.info = {}, .ids = {{noExpert, noExpert}}};
        const Result result = esftOf(smallTrace(4, 1, {empty}));
        QCOMPARE(result.table("esft").rows(), std::size_t{0});
        QCOMPARE(result.number("chosen_all").value, 0.0);
        QCOMPARE(esftOf(goldenTop1(), {{"p", "1"}}).table("sets").integers("value")[0], std::int64_t{16});
        QCOMPARE(esftOf(goldenTop1(), {{"p", "0"}}).table("esft").rows(), std::size_t{0});
    }
};

QTEST_GUILESS_MAIN(TestEsft)
#include "test_esft.moc"
