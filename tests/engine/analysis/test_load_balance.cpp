// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/analysis/run_analysis.h"
#include "tests/engine/analysis/small_trace.h"
#include "tests/engine/core/golden_traces.h"
#include "tests/engine/core/random_trace.h"

using namespace expertscope;
using namespace expertscope::test;

namespace {

SequenceInfo inLanguage(const char *language)
{
    SequenceInfo info;
    info.language = std::string{language}; // moved in: GCC 12 sees uninitialised bytes in an assignment
    return info;
}

} // namespace

class TestLoadBalance : public QObject {
    Q_OBJECT

private slots:
    void goldenMeasures() // methods A17, [G1]
    {
        const Result result = analyse("load-balance", goldenTop2());
        const Table &table = result.table("balance");
        const double cv[] = {.289484, .197642, .260052, .304738}, most[] = {1.5625, 1.34375, 1.765625, 1.765625};
        const double gini[] = {.163330, .111816, .134155, .167114}, entropy[] = {.984699, .993055, .988589, .983577};
        const double effective[] = {15.335431, 15.694864, 15.501702, 15.287781};
        for (std::size_t m = 0; m < 4; ++m) {
            QVERIFY(near(table.reals("cv")[m], cv[m], published));
            QVERIFY(near(table.reals("max_over_mean")[m], most[m], published));
            QVERIFY(near(table.reals("max_vio")[m], most[m] - 1, published));
            QVERIFY(near(table.reals("gini")[m], gini[m], published));
            QVERIFY(near(table.reals("entropy")[m], entropy[m], published));
            QVERIFY(near(table.reals("effective_experts")[m], effective[m], published));
            QVERIFY(near(table.reals("cv_chance")[m], std::sqrt(14.0 / (2 * 512)), 1e-12));
            QCOMPARE(table.integers("never_chosen")[m], std::int64_t{0});
        }
        QVERIFY(near(table.reals("gate_mass_cv")[0], .415629, published));
        QVERIFY(near(table.reals("max_vio_batch")[0], 1.6875, published));
        const double counts[] = {53, 90, 59, 100, 62, 57, 79, 47, 30, 60, 49, 75, 70, 90, 40, 63};
        for (std::size_t e = 0; e < 16; ++e)
            QVERIFY(near(result.matrix("load").at(0, e), counts[e] / 512, 1e-12));
    }

    void realMeasures() // methods A17, [ESFT]: layers 1, 13, 26 of 26
    {
        const TracePtr law = realTrace("law");
        if (!law)
            QSKIP("no real traces in the shared folder");
        const Result result = analyse("load-balance", law);
        const Table &table = result.table("balance");
        const std::size_t rows[] = {0, 12, 25};
        const double cv[] = {.313, .742, .534}, most[] = {2.042, 4.751, 3.413}, entropy[] = {.9887, .9460, .9703};
        for (std::size_t i = 0; i < 3; ++i) {
            QVERIFY(near(table.reals("cv")[rows[i]], cv[i], 5.1e-4));
            QVERIFY(near(table.reals("max_over_mean")[rows[i]], most[i], 5.1e-4));
            QVERIFY(near(table.reals("entropy")[rows[i]], entropy[i], 5.1e-5));
        }
        QCOMPARE(result.table("dead").rows(), std::size_t{0});
    }

    void curves()
    {
        const TracePtr even = smallTrace(4, 1, {{.info = {}, .ids = {{0, 0, 0, 1}, {0, 1, 2, 3}}}});
        const Result first = analyse("load-balance", even, {{"layer", "1"}});
        const Series &sorted = first.serie("sorted-load"), &lorenz = first.serie("lorenz");
        QCOMPARE(sorted.curves[0].y, (std::vector<double>{3, 1, 0, 0}));
        QCOMPARE(lorenz.curves[0].y, (std::vector<double>{0, 0, 0, .25, 1}));
        QVERIFY(near(lorenz.curves[1].y.back(), 1, 0.2)); // an even router on four tokens, by an approximation for many
        const Result all = analyse("load-balance", even);
        QCOMPARE(all.serie("sorted-load").curves[0].y, (std::vector<double>{2, 1, .5, .5}));
        QCOMPARE(all.serie("lorenz").x.size(), std::size_t{5});
        const Table &dead = all.table("dead");
        QCOMPARE(dead.integers("expert"), (std::vector<std::int64_t>{2, 3}));
        QCOMPARE(all.matrix("dead-experts").at(0, 3), 1.0);
        QCOMPARE(all.matrix("dead-experts").at(1, 3), 0.0);
        QVERIFY(near(all.table("balance").reals("never_chance")[0], 4 * std::pow(.75, 4), 1e-12));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("load-balance", even, {{"layer", "7"}}));
    }

    void groupsAreBalancedByThemselves()
    {
        const TracePtr trace = smallTrace(2, 1,
            {{.info = inLanguage("en"), .ids = {{0, 0}}}, {.info = inLanguage("de"), .ids = {{1, 1}}},
                {.info = inLanguage("en"), .ids = {{1, 1}}}});
        const Result result = analyse("load-balance", trace, {{"grouping", "language"}});
        const Table &table = result.table("groups");
        QCOMPARE(table.texts("group"), (std::vector<std::string>{"en", "de"}));
        QCOMPARE(table.reals("cv"), (std::vector<double>{0, 1}));
        QCOMPARE(table.integers("never_chosen"), (std::vector<std::int64_t>{0, 1}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("load-balance", trace, {{"grouping", "nothing"}}));
    }

    void evenRouterLiesOnTheChanceLine()
    {
        TraceShape shape;
        shape.experts = 32;
        shape.slotCount = 4;
        shape.sequences = 50;
        shape.maxTokens = 100;
        const Result result = analyse("load-balance", randomTrace(shape, 3));
        const Number &cv = result.number("mean_cv");
        QVERIFY(std::abs(cv.value / cv.chance - 1) < 0.25);
        const Series &sorted = result.serie("sorted-load");
        for (std::size_t i = 0; i < 32; ++i)
            QVERIFY(near(sorted.curves[0].y[i], sorted.curves[1].y[i], 0.08));
        TraceShape none;
        none.sequences = 0;
        QVERIFY_THROWS_EXCEPTION(Error, analyse("load-balance", randomTrace(none, 1)));
    }
};

QTEST_APPLESS_MAIN(TestLoadBalance)
#include "test_load_balance.moc"
