// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/statistics.h"

#include <QtTest>

#include <array>
#include <cmath>
#include <numeric>

using namespace expertscope;

namespace {

bool near(double a, double b, double tolerance = 1e-9)
{
    return std::abs(a - b) <= tolerance;
}

} // namespace

class TestStatistics : public QObject {
    Q_OBJECT

private slots:
    void randomNumbersAreTheSameEverywhere()
    {
        Random a{42}, b{42}, c{43}, d{42, 1};
        const std::uint64_t first = a.below(1'000'000'007);
        QCOMPARE(b.below(1'000'000'007), first);
        QVERIFY(c.below(1'000'000'007) != first && d.below(1'000'000'007) != first);
        std::array<int, 6> seen{};
        double sum = 0;
        for (int i = 0; i < 60'000; ++i) {
            ++seen[a.below(6)];
            const double u = b.uniform();
            QVERIFY(u >= 0 && u < 1);
            sum += u;
        }
        for (const int count : seen) // 5 standard deviations
            QVERIFY(std::abs(count - 10'000) < 460);
        QVERIFY(near(sum / 60'000, 0.5, 0.006));
        std::vector<int> order(50);
        std::iota(order.begin(), order.end(), 0);
        std::vector<int> shuffled = order;
        a.shuffle(std::span{shuffled});
        QVERIFY(shuffled != order);
        std::sort(shuffled.begin(), shuffled.end());
        QVERIFY(shuffled == order);
    }

    void quantilesAreNumpys()
    {
        const std::vector<double> values{3, 1, 4, 1, 5, noNumber, 9, 2, 6};
        QVERIFY(near(quantile(values, 0.5), 3.5));
        QVERIFY(near(quantile(values, 0.9), 6.9));
        QVERIFY(near(quantile(values, 0.025), 1.0));
        QVERIFY(near(quantile(values, 1), 9));
        QVERIFY(std::isnan(quantile({}, 0.5)) && std::isnan(quantile({noNumber}, 0.5)));
        QVERIFY(near(mean(values), 31.0 / 8) && std::isnan(mean({})));
    }

    void bootstrapCoversAsOftenAsItSays()
    {
        Random random{7};
        int covered = 0;
        constexpr int rounds = 400;
        for (int round = 0; round < rounds; ++round) {
            std::vector<double> values(40);
            for (double &x : values)
                x = random.uniform();
            const Interval i = bootstrapMean(values, 300, static_cast<std::uint64_t>(round));
            covered += i.low <= 0.5 && 0.5 <= i.high;
        }
        QVERIFY2(covered > 0.91 * rounds && covered < 0.985 * rounds, qPrintable(QString::number(covered)));
    }

    void bootstrapByHand()
    {
        const std::vector<std::uint32_t> draws = bootstrapDraws(3, 5, 1);
        for (std::size_t r = 0; r < 3; ++r)
            QCOMPARE(std::accumulate(
                         draws.begin() + static_cast<std::ptrdiff_t>(5 * r), draws.begin() + static_cast<std::ptrdiff_t>(5 * r + 5), 0u),
                5u);
        const std::array<std::uint32_t, 3> times{2, 0, 1};
        QVERIFY(near(resampledMean(std::array{1.0, 100.0, 4.0}, times), 2));
        QVERIFY(near(resampledMean(std::array{noNumber, 100.0, 4.0}, times), 4));
        QVERIFY(std::isnan(resampledMean(std::array{noNumber, 100.0, noNumber}, times)));
        const Interval one = bootstrapMean(std::array{3.0, noNumber}, 100, 1);
        QVERIFY(std::isnan(one.low) && std::isnan(one.high)); // one value has no interval
        const Interval same = bootstrapMean(std::array{3.0, 3.0}, 100, 1);
        QVERIFY(near(same.low, 3) && near(same.high, 3));
    }

    void permutationPs()
    {
        const std::array null{0.0, 1.0, 2.0, 3.0};
        QVERIFY(near(upperP(2, null), 3.0 / 5));
        QVERIFY(near(upperP(9, null), 1.0 / 5));
        QVERIFY(near(twoSidedP(9, null), 2.0 / 5));
        QVERIFY(near(twoSidedP(1.5, null), 1));
        QVERIFY(std::isnan(upperP(1, {})) && std::isnan(upperP(noNumber, null)));
        QVERIFY(near(normalP(1.959963984540054), 0.05, 1e-12) && near(normalP(0), 1));
    }

    void falseDiscoveryRateIsScipys()
    {
        const std::array p{0.01, 0.04, noNumber, 0.03, 0.005, 0.5};
        const std::vector<double> adjusted = benjaminiHochberg(p);
        const std::array expected{0.025, 0.05, noNumber, 0.05, 0.025, 0.5};
        for (std::size_t i = 0; i < p.size(); ++i)
            QVERIFY(std::isnan(p[i]) ? std::isnan(adjusted[i]) : near(adjusted[i], expected[i], 1e-12));
        QVERIFY((significant(std::array{0.001, 0.9, noNumber}) == std::vector<std::int64_t>{1, 0, 0}));
    }

    void correlation()
    {
        const std::array x{1.0, 2.0, noNumber, 3.0, 4.0, 5.0, 6.0}, y{2.0, 1.0, 9.0, 4.0, 3.0, 7.0, 5.0};
        const Correlation c = pearson(x, y, 4000, 42);
        QCOMPARE(c.n, 6);
        QVERIFY(near(c.r, 0.7917946548886295, 1e-12));
        QVERIFY(near(c.interval.low, -0.055305159673339724, 1e-9) && near(c.interval.high, 0.9761145801153426, 1e-9));
        QVERIFY(near(c.p, 0.075, 0.012)); // of all 720 orders; 2.5 standard errors of 4000
        // Of ranks, ties at their mean: x -> 1 2 3.5 3.5 5, y -> 2 1 4 3 5 gives 8.5 / sqrt(9.5 * 10).
        const Correlation rho = spearman(std::array{1.0, 2.0, 30.0, 30.0, 1000.0}, std::array{0.2, 0.1, 0.4, 0.3, 9.0}, 0, 1);
        QVERIFY(std::fabs(rho.r - 8.5 / std::sqrt(95.0)) < 1e-12);
        const double half = 1.959963984540054 * std::sqrt((1 + rho.r * rho.r / 2) / 2);
        QVERIFY(std::fabs(rho.interval.low - std::tanh(std::atanh(rho.r) - half)) < 1e-12 && rho.interval.high < 1);
        QCOMPARE(spearman(std::array{1.0, 2.0, noNumber, 4.0}, std::array{1.0, 20.0, 3.0, 400.0}, 0, 1).n, 3);
        QVERIFY(std::isnan(pearson(std::array{1.0, 2.0}, std::array{1.0, 2.0}, 10, 1).r));
        QVERIFY(std::isnan(pearson(std::array{0.1, 0.1, 0.1}, std::array{1.0, 2.0, 3.0}, 10, 1).r));
        const Correlation exact = pearson(std::array{1.0, 2.0, 3.0, 4.0}, std::array{2.0, 4.0, 6.0, 8.0}, 100, 1);
        QVERIFY(near(exact.r, 1, 1e-12));
        QVERIFY(exact.p > 0.02 && exact.p < 0.25); // 2 of 24 orders are as extreme
    }
};

QTEST_APPLESS_MAIN(TestStatistics)
#include "test_statistics.moc"
