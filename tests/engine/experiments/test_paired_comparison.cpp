// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Paired statistics against values computed by hand, and metrics, groups and units of an examination.
#include "engine/core/error.h"
#include "engine/experiments/item_groups.h"
#include "engine/experiments/metrics.h"

#include <QTest>

#include <cmath>
#include <numeric>

using namespace expertscope;

namespace {

bool near(double a, double b, double tolerance = 1e-9)
{
    return std::abs(a - b) <= tolerance;
}

Units singles(std::size_t n)
{
    Units units;
    for (std::size_t i = 0; i < n; ++i)
        units.push_back({i});
    return units;
}

const Metric &metric(std::string_view id)
{
    return *std::find_if(metrics().begin(), metrics().end(), [&](const Metric &m) { return m.id == id; });
}

CorpusRow row(const char *language, const char *parallelId, const char *label = "")
{
    return {.id = {}, .prompt = "x", .continuation = {}, .language = language, .domain = {}, .parallelId = parallelId, .labels = {label}};
}

} // namespace

class TestPairedComparison : public QObject {
    Q_OBJECT

private slots:
    void mcNemarIsTheBinomialTail()
    {
        QCOMPARE(mcNemarP(0, 0), 1.0);
        QVERIFY(near(mcNemarP(0, 5), 2.0 / 32));
        QVERIFY(near(mcNemarP(5, 0), 2.0 / 32));
        QVERIFY(near(mcNemarP(2, 8), 2 * (1 + 10 + 45) / 1024.0));
        QCOMPARE(mcNemarP(4, 4), 1.0); // twice the half is not a probability
        QVERIFY(near(mcNemarP(400, 500), 0.000961, 0.00002)); // normal approximation with continuity correction: .00097
    }

    void signFlipIsExactForFew()
    {
        // sums of +-1 +-2 +-4 are -7 ... 7 in steps of 2: only the two ends are as large as 7
        QVERIFY(near(signFlipP(std::vector<double>{1, 2, 4}, 10, 1), 2.0 / 8));
        QVERIFY(near(signFlipP(std::vector<double>{-1, 2, 4}, 10, 1), 4.0 / 8));
        QCOMPARE(signFlipP(std::vector<double>{0, 0, 0}, 10, 1), 1.0);
        QCOMPARE(signFlipP(std::vector<double>{1, -1}, 10, 1), 1.0);
    }

    void signFlipByDrawsAgreesWithTheNormalLimit()
    {
        std::vector<double> differences(400, 1.0);
        std::fill_n(differences.begin(), 180, -1.0); // sum 40, standard deviation 20: p = 0.0455, with continuity 0.051
        const double p = signFlipP(differences, 20'000, 7);
        QVERIFY2(std::abs(p - 0.051) < 0.006, qPrintable(QString::number(p)));
        QCOMPARE(signFlipP(differences, 20'000, 7), p);
        QVERIFY(near(signFlipP(std::vector<double>(100, 1.0), 999, 7), 1.0 / 1000));
    }

    void differenceOfRatios()
    {
        const MetricValues before{{10, 20, 30}, {5, 10, 5}};
        const MetricValues after{{9, 22, 28}, {5, 10, 5}};
        const PairedDifference d = compare(before, after, singles(3), false, 500, 100, 42);
        QVERIFY(near(d.baseline, 3) && near(d.value, 2.95) && near(d.difference, -0.05));
        QCOMPARE(d.higher, 1);
        QCOMPARE(d.lower, 2);
        QCOMPARE(d.items, 3);
        QCOMPARE(d.test, "sign-flip");
        QCOMPARE(d.p, 1.0); // -1 2 -2: no signs give a sum smaller than 1
        QVERIFY(d.interval.low <= d.difference && d.difference <= d.interval.high);
        QVERIFY(d.interval.low >= -0.4 && d.interval.high <= 0.2); // the extremes of a single text
    }

    void nothingChangedIsExactlyZero()
    {
        MetricValues same{{0.1, 1.7, 3.3, noNumber}, {3, 7, 11, 1}};
        const PairedDifference d = compare(same, same, singles(4), false, 200, 200, 42);
        QCOMPARE(d.difference, 0.0);
        QCOMPARE(d.interval.low, 0.0);
        QCOMPARE(d.interval.high, 0.0);
        QCOMPARE(d.p, 1.0);
        QCOMPARE(d.items, 3);
    }

    void accuracyUsesMcNemarUnlessTextsHaveSeveralItems()
    {
        const MetricValues before{{0, 0, 0, 1, 1, 0}, {1, 1, 1, 1, 1, 1}}, after{{1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 1, 1}};
        const PairedDifference single = compare(before, after, singles(6), true, 200, 200, 42);
        QCOMPARE(single.test, "mcnemar");
        QVERIFY(near(single.p, 2 * (1 + 4) / 16.0));
        QVERIFY(near(single.difference, 2.0 / 6));
        const PairedDifference paired = compare(before, after, {{0, 1}, {2, 3}, {4, 5}}, true, 200, 200, 42);
        QCOMPARE(paired.test, "sign-flip"); // 2, 1, -1
        QVERIFY(near(paired.p, 6.0 / 8));
        QCOMPARE(paired.units, 3);
    }

    void intervalsDoNotDependOnOtherGroups()
    {
        MetricValues values{{}, {}};
        for (int i = 0; i < 60; ++i) {
            values.sum.push_back(std::sin(i) + 2);
            values.weight.push_back(1);
        }
        const MetricEstimate a = estimate(values, singles(60), 300, 42), b = estimate(values, singles(60), 300, 42);
        QCOMPARE(a.interval.low, b.interval.low);
        const double spread = std::sqrt(0.5 / 60);
        QVERIFY(std::abs(a.interval.high - a.interval.low - 2 * 1.96 * spread) < 0.35 * spread);
        QVERIFY(std::isnan(estimate(values, {{3}}, 300, 42).interval.low));
        QCOMPARE(estimate(values, {{3}}, 300, 42).value, values.sum[3]);
        QVERIFY(std::isnan(estimate(values, {}, 300, 42).value));
    }

    void choicesByEachNormalisation()
    {
        EvalData data{.kind = EvalKind::Choice, .corpus = {}, .tasks = {{{"a", "b", "c"}, 1, {}}}};
        // per byte -1, -.9, -2; per token -2, -9, -1; plain -10, -9, -4
        const std::vector<ItemScore> scores{{{{-10, 5, 10}, {-9, 1, 10}, {-4, 4, 2}}, {}}};
        QCOMPARE(metricValues(metric("accuracy-per-byte"), data, scores).sum.front(), 1.0);
        QCOMPARE(metricValues(metric("accuracy-per-token"), data, scores).sum.front(), 0.0);
        QCOMPARE(metricValues(metric("accuracy"), data, scores).sum.front(), 0.0);
        const MetricValues loss = metricValues(metric("answer-bits-per-byte"), data, scores);
        QVERIFY(near(loss.sum.front() / loss.weight.front(), 0.9 / std::log(2.0)));
        data.tasks.front().answer = 2;
        QCOMPARE(metricValues(metric("accuracy"), data, scores).sum.front(), 1.0);
        // equal ones: the first is the model's
        const std::vector<ItemScore> equal{{{{-1, 1, 1}, {-1, 1, 1}, {-1, 1, 1}}, {}}};
        QCOMPARE(metricValues(metric("accuracy"), data, equal).sum.front(), 0.0);
        const std::vector<ItemScore> broken{{{{noNumber, 1, 1}, {-1, 1, 1}, {-1, 1, 1}}, {}}};
        QVERIFY(std::isnan(metricValues(metric("accuracy"), data, broken).sum.front()));
    }

    void answersAreComparedNormalised()
    {
        QCOMPARE(normalisedAnswer("  \n The  ANSWER\tis \xC2\xA0 42. \nand more"), std::string{"the answer is 42"});
        QCOMPARE(normalisedAnswer("\xEF\xBC\x94\xEF\xBC\x92"), std::string{"42"}); // full-width digits
        QCOMPARE(normalisedAnswer(" . "), std::string{});
        QCOMPARE(normalisedAnswer("\xFF"), normalisedAnswer("\xEF\xBF\xBD"));
        const EvalData data{.kind = EvalKind::Generation, .corpus = {}, .tasks = {{{}, 0, {"12", "Zw\xC3\xB6lf"}}}};
        const std::vector<ItemScore> right{{{}, " zw\xC3\x96lf.\n"}}, wrong{{{}, "13"}};
        QCOMPARE(metricValues(metric("exact-match"), data, right).sum.front(), 1.0);
        QCOMPARE(metricValues(metric("exact-match"), data, wrong).sum.front(), 0.0);
    }

    void groupsAndUnits()
    {
        Corpus corpus{.source = "c", .sha256 = {}, .labelColumns = {"topic"}, .rows = {}};
        corpus.rows = {row("en", "p1", "a"), row("de", "p1", "b"), row("en", "p2", "a"), row("", "", "a"), row("de", "")};
        std::vector<std::string> notes;
        const std::vector<ItemGroup> groups = itemGroups(corpus, "", notes);
        QCOMPARE(groups.size(), std::size_t{5}); // all, en, de, a, b: no domains
        QCOMPARE(groups[0].items.size(), std::size_t{5});
        QVERIFY(groups[2].by == "language" && groups[2].name == "de" && groups[2].items == (std::vector<std::size_t>{1, 4}));
        QCOMPARE(itemGroups(corpus, "topic", notes).size(), std::size_t{3});
        QVERIFY_EXCEPTION_THROWN(itemGroups(corpus, "nonsense", notes), Error);
        QCOMPARE(unitsOf(corpus, groups[0].items), (Units{{0, 1}, {2}, {3}, {4}}));

        corpus.rows.clear();
        for (int i = 0; i < 60; ++i)
            corpus.rows.push_back(row("en", "", std::to_string(i).c_str()));
        QCOMPARE(itemGroups(corpus, "", notes).size(), std::size_t{1});
        QCOMPARE(notes.size(), std::size_t{1});
    }
};

QTEST_APPLESS_MAIN(TestPairedComparison)
#include "test_paired_comparison.moc"
