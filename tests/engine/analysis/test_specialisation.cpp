// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/analysis.h"
#include "engine/analysis/group_shares.h"
#include "engine/core/error.h"
#include "engine/core/parallel.h"
#include "engine/core/summary.h"
#include "run_analysis.h"
#include "tests/engine/analysis/small_trace.h"
#include "tests/engine/core/random_trace.h"

#include <QtTest>

#include <cmath>

using namespace expertscope;
using namespace expertscope::test;

namespace {

Result specialisationOf(const TracePtr &trace, const Settings &settings = {})
{
    return test::analyse("specialisation", trace, settings);
}

SmallSequence sequenceOf(const char *language, std::vector<ExpertId> ids)
{
    SmallSequence sequence{.info = {}, .ids = {std::move(ids)}};
    sequence.info.language = language;
    return sequence;
}

/// E = 4, K = 1. English: 3 of 4 tokens to expert 0, 1 to 1. German: 2 of 4 to expert 0, 2 to 2. Nothing goes to 3.
TracePtr byHand()
{
    return smallTrace(4, 1, {sequenceOf("en", {0, 0}), sequenceOf("de", {0, 2}), sequenceOf("en", {0, 1}), sequenceOf("de", {2, 0})});
}

/// Two languages of `sequences` sequences of 20 tokens; tokens of "a" take expert 0 with probability `first`, else any of 8.
TracePtr random(int sequences, double first, std::uint64_t seed)
{
    Random random{seed};
    std::vector<SmallSequence> all;
    for (int s = 0; s < 2 * sequences; ++s) {
        std::vector<ExpertId> ids;
        for (int t = 0; t < 20; ++t)
            ids.push_back(s % 2 == 0 && random.uniform() < first ? ExpertId{0} : static_cast<ExpertId>(random.below(8)));
        all.push_back(sequenceOf(s % 2 == 0 ? "a" : "b", ids));
    }
    return smallTrace(8, 1, all);
}

} // namespace

class TestSpecialisation : public QObject {
    Q_OBJECT

private slots:
    void handComputed()
    {
        const Result result = specialisationOf(byHand(), {{"min-count", "0"}});
        const Table &table = result.table("specialisation");
        QCOMPARE(table.rows(), std::size_t{8}); // 1 layer x 4 experts x 2 groups
        QCOMPARE(table.texts("group")[0], std::string{"en"});
        QCOMPARE(table.reals("value"), (std::vector<double>{0.75, 0.5, 0.25, 0, 0, 0.5, 0, 0}));
        QCOMPARE(table.reals("load"), (std::vector<double>{0.625, 0.625, 0.125, 0.125, 0.25, 0.25, 0, 0}));
        QCOMPARE(table.integers("count"), (std::vector<std::int64_t>{3, 2, 1, 0, 0, 2, 0, 0}));
        QCOMPARE(table.reals("chance")[0], 0.25);
        QCOMPARE(table.reals("lift")[0], 1.2);
        QVERIFY(std::isnan(table.reals("lift")[6])); // nobody chose expert 3
        // every sequence of "de" has one token in two for expert 0: no draw differs
        QCOMPARE(table.reals("low")[1], 0.5);
        QCOMPARE(table.reals("high")[1], 0.5);
        QVERIFY(table.reals("lift_low")[1] < 0.8);
        // entropy of the mean (5/8, 1/8, 1/4) minus the mean of H(3/4, 1/4) and H(1/2, 1/2), in bits
        const auto h = [](std::vector<double> q) {
            double sum = 0;
            for (const double x : q)
                sum -= x * std::log2(x);
            return sum;
        };
        const double expected = h({0.625, 0.125, 0.25}) - (h({0.75, 0.25}) + 1) / 2;
        QVERIFY(std::abs(result.table("layers").reals("value")[0] - expected) < 1e-12);
        QVERIFY(std::abs(result.table("layers").reals("pairwise")[0] - expected) < 1e-12);
        // log2 of (3 + 0.5) / (4 + 1) over (5 + 0.5) / (8 + 1)
        QVERIFY(std::abs(result.matrix("specialisation-map").at(0, 0) - std::log2(0.7 / (5.5 / 9))) < 1e-12);
        // no lift where the group never chose: that is a mark of its own, not the far end of the colours
        const Matrix german = specialisationOf(byHand(), {{"group", "de"}}).matrix("specialisation-map");
        QVERIFY(std::isnan(german.at(0, 1)));
        QVERIFY(std::isnan(german.at(0, 3)));
        QCOMPARE(german.emptyMeans, std::string{"never chosen"});
        QCOMPARE(german.reach, 1.0); // the largest lift is smaller
        QCOMPARE(specialisationOf(byHand(), {{"group", "de"}, {"map", "difference"}}).matrix("specialisation-map").at(0, 2), 0.25);
    }

    void permutationsOfFourSequencesAreExact()
    {
        // 4 sequences in 2 + 2: of the 6 relabellings, those that give "en" at most no token of expert 2 are 1 in 6, as the observed one
        const Result result = specialisationOf(byHand(), {{"min-count", "0"}, {"permutations", "6000"}, {"bootstrap", "0"}});
        const double p = result.table("specialisation").reals("p")[4];
        QVERIFY2(std::abs(p - 2.0 / 6) < 0.03, qPrintable(QString::number(p)));
        QVERIFY(std::isnan(result.table("specialisation").reals("low")[0]));
    }

    void findsWhatIsThereAndNothingElse()
    {
        const Result strong = specialisationOf(random(40, 0.4, 1));
        const Table &table = strong.table("specialisation");
        QCOMPARE(table.integers("significant")[0], std::int64_t{1});
        QCOMPARE(strong.matrix("specialisation-significant").at(0, 0), 1.0);
        QVERIFY(table.reals("lift_low")[0] > 1 && table.reals("high")[0] > table.reals("value")[0]);
        const Table &top = strong.table("top-experts");
        QCOMPARE(top.texts("group")[0], std::string{"a"});
        QCOMPARE(top.integers("expert")[0], std::int64_t{0});
        QVERIFY(strong.table("layers").reals("p")[0] < 0.01);
        QVERIFY(strong.number("mean_divergence").value > strong.number("mean_divergence").chance * 3);

        int flagged = 0;
        for (std::uint64_t seed = 1; seed <= 10; ++seed)
            flagged += specialisationOf(random(40, 0, seed), {{"permutations", "300"}}).number("specialised").value > 0;
        QVERIFY2(flagged <= 3, qPrintable(QString::number(flagged))); // a false discovery rate of 5 %, ten times
    }

    void rareExpertsAreNotTested()
    {
        const Result result = specialisationOf(random(40, 0, 3), {{"min-count", "100000"}});
        QCOMPARE(result.number("specialised").n, std::int64_t{0});
        QCOMPARE(result.table("top-experts").rows(), std::size_t{0});
    }

    void threadsDoNotMatter()
    {
        const TracePtr trace = randomTrace({.sequences = 30}, 5); // three layers
        setThreadCount(1);
        const Result one = specialisationOf(trace, {{"min-count", "0"}});
        setThreadCount(3);
        const Result three = specialisationOf(trace, {{"min-count", "0"}});
        setThreadCount(0);
        QCOMPARE(one.table("specialisation").reals("low"), three.table("specialisation").reals("low"));
        QCOMPARE(one.table("specialisation").reals("p"), three.table("specialisation").reals("p"));
        QCOMPARE(one.number("mean_divergence").low, three.number("mean_divergence").low);
    }

    void emptySlotsAndLabels()
    {
        SmallSequence marked = sequenceOf("", {0, noExpert, noExpert, noExpert});
        marked.info.labels = {"good"};
        SmallSequence unmarked = sequenceOf("", {1, 0});
        unmarked.info.labels = {""};
        const Result result = specialisationOf(smallTrace(2, 2, {marked, unmarked}, {"grade"}), {{"grouping", "grade"}});
        QCOMPARE(result.table("specialisation").reals("value"), (std::vector<double>{0.5, 0}));
        QCOMPARE(result.table("specialisation").reals("chance")[0], 0.25); // one choice of two tokens over two experts
        QCOMPARE(result.notes.size(), std::size_t{3}); // one group, one left out, no interval
    }

    void whatItRefuses()
    {
        const AnalysisKind &kind = analysisKind("specialisation");
        QVERIFY(!missing(kind, {{smallTrace(4, 1, {})}, {}}, Params{kind.params}).empty());
        QVERIFY_THROWS_EXCEPTION(Error, specialisationOf(byHand(), {{"group", "fr"}}));
        QVERIFY_THROWS_EXCEPTION(Error, specialisationOf(byHand(), {{"grouping", "colour"}}));
        QVERIFY_THROWS_EXCEPTION(Error, specialisationOf(byHand(), {{"grouping", "domain"}})); // no sequence has one
    }

    void importedCounts()
    {
        RoutingSummary counts;
        counts.grouping = "language";
        counts.groups = {"en", "de"};
        counts.layers = {5};
        counts.experts = 2;
        counts.topK = 1;
        counts.tokens = {100, 300};
        counts.counts = {75, 25, 75, 225};
        const Result result = specialisationOf(countsTrace(counts));
        const Table &table = result.table("specialisation");
        QCOMPARE(table.reals("value"), (std::vector<double>{0.75, 0.25, 0.25, 0.75}));
        QCOMPARE(table.reals("load")[0], 0.375);
        QCOMPARE(table.integers("layer")[0], std::int64_t{5});
        QVERIFY(std::isnan(table.reals("low")[0]) && std::isnan(table.reals("p")[0]));
        QVERIFY(table.reals("lift_low")[0] > 1 && table.reals("wilson_low")[0] < 0.75);
        QVERIFY(std::isnan(result.matrix("specialisation-significant").at(0, 0)));
        QVERIFY(std::isnan(result.number("specialised").value));
    }

    void divergenceOfDisjointGroupsIsItsMaximum()
    {
        QCOMPARE(jensenShannonBits(std::vector<double>{5, 0, 0, 7}, 2), 1.0);
        QCOMPARE(jensenShannonBits(std::vector<double>{5, 1, 10, 2}, 2), 0.0);
        QVERIFY(std::isnan(jensenShannonBits(std::vector<double>{0, 0}, 2)));
    }
};

QTEST_GUILESS_MAIN(TestSpecialisation)
#include "test_specialisation.moc"
