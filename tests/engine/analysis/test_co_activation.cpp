// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/expected_pairs.h"
#include "engine/analysis/linkage.h"
#include "engine/analysis/statistics.h"
#include "engine/core/parallel.h"
#include "tests/engine/analysis/run_analysis.h"
#include "tests/engine/analysis/small_trace.h"
#include "tests/engine/core/golden_traces.h"
#include "tests/engine/core/random_trace.h"

#include <algorithm>

using namespace expertscope;
using namespace expertscope::test;

namespace {

Result analyse(const TracePtr &trace, const std::vector<std::pair<std::string, std::string>> &settings = {})
{
    return test::analyse("co-activation", trace, settings);
}

} // namespace

class TestCoActivation : public QObject {
    Q_OBJECT

private slots:
    void goldenCounts() // methods [G1], layer 0
    {
        const Result result = analyse(goldenTop2(), {{"layer", "0"}, {"cell", "count"}});
        const Matrix &counts = result.matrix("co-activation");
        const double row[] = {noNumber, 8, 3, 10, 1, 1, 2, 2, 2, 1, 1, 3, 1, 11, 2, 5};
        double pairs = 0;
        for (std::size_t j = 1; j < 16; ++j)
            QCOMPARE(counts.at(0, j), row[j]);
        for (std::size_t i = 0; i < 16; ++i) {
            QVERIFY(std::isnan(counts.at(i, i)));
            for (std::size_t j = i + 1; j < 16; ++j) {
                QCOMPARE(counts.at(i, j), counts.at(j, i));
                pairs += counts.at(i, j);
            }
        }
        QCOMPARE(pairs, 512.0);
    }

    void goldenProbabilities() // methods [G1]: largest P(j|i) is P(1|4) = 15/62; effective partners of expert 0
    {
        const Result result = analyse(goldenTop2(), {{"layer", "0"}, {"min-count", "1"}, {"top", "1000"}});
        const Matrix &cells = result.matrix("co-activation");
        double most = 0;
        for (const double cell : cells.values)
            most = std::isnan(cell) ? most : std::max(most, cell);
        QCOMPARE(most, 15.0 / 62);
        QCOMPARE(cells.at(4, 1), 15.0 / 62);
        const Table &pairs = result.table("pairs");
        QCOMPARE(pairs.integers("expert").front(), std::int64_t{4});
        QCOMPARE(pairs.integers("partner").front(), std::int64_t{1});
        QCOMPARE(pairs.reals("value").front(), 15.0 / 62);
        QCOMPARE(pairs.integers("count").front(), std::int64_t{15});
        QVERIFY(near(pairs.reals("chance").front(), 1.0 / 15, published));
        QVERIFY(near(pairs.reals("lift").front(), 15.0 * 512 / (62.0 * 90.0), 1e-9));
        QVERIFY(near(pairs.reals("npmi").front(), std::log(15.0 * 512 / (62.0 * 90.0)) / -std::log(15.0 / 512), 1e-9));
        QVERIFY(near(result.table("partners").reals("value").front(), 10.417182, published));
        QVERIFY(std::isnan(pairs.reals("low").front())); // one sequence: no spread between sequences
        QVERIFY(!result.notes.empty());
    }

    void twoModesDiffer()
    {
        // top-3: {0,1,2} twice and {0,2,1} once: adjacent pairs miss (first, third)
        const TracePtr trace = smallTrace(4, 3, {{.info = {}, .ids = {{0, 1, 2, 0, 1, 2, 0, 2, 1}}}});
        const Result all = analyse(trace, {{"layer", "1"}, {"cell", "count"}});
        const Result adjacent = analyse(trace, {{"layer", "1"}, {"cell", "count"}, {"pairs", "adjacent"}});
        const Matrix &a = all.matrix("co-activation"), &b = adjacent.matrix("co-activation");
        QCOMPARE(a.at(0, 1), 3.0);
        QCOMPARE(a.at(0, 2), 3.0);
        QCOMPARE(a.at(1, 2), 3.0);
        QCOMPARE(b.at(0, 1), 2.0);
        QCOMPARE(b.at(0, 2), 1.0);
        QCOMPARE(b.at(1, 2), 3.0);
        QVERIFY(std::isnan(analyse(trace, {{"layer", "1"}}).matrix("co-activation").at(3, 0)));
    }

    void expectedPairsKeepTheNumberOfPartners()
    {
        PairCounter pairs{5};
        const ExpertId tokens[][3] = {{0, 1, 2}, {0, 1, 3}, {0, 2, 4}, {1, 2, 3}, {0, 3, 4}, {0, 1, 4}, {0, 1, 2}};
        for (const auto &token : tokens)
            for (int a = 0; a < 3; ++a) {
                pairs.addFirst(token[a]);
                for (int b = 0; b < 3; ++b)
                    if (a != b)
                        pairs.addPair(token[a], token[b]);
            }
        pairs.endSequence();
        const std::vector<double> expected = expectedPairs(pairs);
        for (int i = 0; i < 5; ++i) {
            double sum = 0, counted = 0;
            for (int j = 0; j < 5; ++j) {
                sum += expected[static_cast<std::size_t>(5 * i + j)];
                counted += static_cast<double>(pairs.count(i, j));
            }
            QVERIFY(near(sum, counted, 1e-9));
            QCOMPARE(expected[static_cast<std::size_t>(6 * i)], 0.0);
        }
    }

    void randomRoutingShowsNoPairs() // property: chance is chance
    {
        TraceShape shape;
        shape.experts = 16;
        shape.slotCount = 4;
        shape.sequences = 60;
        shape.maxTokens = 200;
        const Result result = analyse(randomTrace(shape, 11), {{"top", "1000"}});
        const Table &pairs = result.table("pairs");
        const auto &flags = pairs.integers("significant");
        QVERIFY(flags.size() > 300);
        QVERIFY(std::count(flags.begin(), flags.end(), 1) <= 2);
        double inside = 0;
        for (std::size_t i = 0; i < pairs.rows(); ++i) {
            QVERIFY(near(pairs.reals("chance")[i], 3.0 / 15, 1e-12));
            inside += pairs.reals("low")[i] <= pairs.reals("expected")[i] && pairs.reals("expected")[i] <= pairs.reals("high")[i];
        }
        QVERIFY(inside / static_cast<double>(pairs.rows()) > 0.9); // 95 % intervals
        const Number &partners = result.number("effective_partners");
        QVERIFY(near(partners.value, partners.chance, 0.05));
    }

    void aPairThatBelongsTogetherIsFound()
    {
        std::vector<SmallSequence> sequences;
        Random random{5};
        for (int s = 0; s < 30; ++s) {
            std::vector<ExpertId> ids;
            for (int t = 0; t < 40; ++t) { // 6 comes with 7 always, the others at random
                const auto first = static_cast<ExpertId>(random.below(7));
                ids.push_back(first);
                ids.push_back(first == 6 ? ExpertId{7} : static_cast<ExpertId>((first + 1 + random.below(5)) % 6));
            }
            sequences.push_back({.info = {}, .ids = {ids}});
        }
        const Result result = analyse(smallTrace(8, 2, sequences));
        const Table &pairs = result.table("pairs");
        QCOMPARE(pairs.integers("expert").front() + pairs.integers("partner").front(), std::int64_t{13});
        QCOMPARE(pairs.reals("value").front(), 1.0);
        QCOMPARE(pairs.integers("significant").front(), std::int64_t{1});
        const auto &rows = result.matrix("co-activation-clustered").rows;
        const auto six = std::find(rows.begin(), rows.end(), "6") - rows.begin(),
                   seven = std::find(rows.begin(), rows.end(), "7") - rows.begin();
        QCOMPARE(std::abs(six - seven), std::ptrdiff_t{1});
        QCOMPARE(rows.size(), std::size_t{8});
    }

    void leavesOfTwoClustersStayTogether()
    {
        const double far = 9;
        const double distances[] = {0, far, 1, far, far, 0, far, 2, 1, far, 0, far, far, 2, far, 0};
        const std::vector<int> order = leafOrder(distances, 4);
        QCOMPARE(order.size(), std::size_t{4});
        QCOMPARE((order[0] + order[1]) % 2, 0); // 0 with 2, 1 with 3
        QVERIFY(order[0] != order[1]);
    }

    void edges()
    {
        TraceShape none;
        none.sequences = 0;
        QVERIFY_THROWS_EXCEPTION(Error, analyse(randomTrace(none, 1)));
        TraceShape varying;
        varying.slotCount = 3;
        varying.fields.nActive = true;
        const Result result = analyse(randomTrace(varying, 3), {{"min-count", "1"}});
        for (const double value : result.table("pairs").reals("value"))
            QVERIFY(value >= 0 && value <= 1);
        QVERIFY_THROWS_EXCEPTION(Error, analyse(goldenTop1())); // top-1 has no pairs
        QVERIFY_THROWS_EXCEPTION(Error, analyse(goldenTop2(), {{"layer", "9"}}));
    }

    void sameWithAnyNumberOfThreads()
    {
        TraceShape shape;
        shape.slotCount = 3;
        const TracePtr trace = randomTrace(shape, 9);
        setThreadCount(1);
        const Result one = analyse(trace, {{"min-count", "1"}});
        setThreadCount(3);
        const Result three = analyse(trace, {{"min-count", "1"}});
        setThreadCount(0);
        QVERIFY(one.table("pairs").reals("p") == three.table("pairs").reals("p"));
        QVERIFY(one.table("pairs").integers("expert") == three.table("pairs").integers("expert"));
    }
};

QTEST_APPLESS_MAIN(TestCoActivation)
#include "test_co_activation.moc"
