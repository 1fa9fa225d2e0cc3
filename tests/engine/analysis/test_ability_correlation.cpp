// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/analysis.h"
#include "engine/analysis/language_ability.h"
#include "run_analysis.h"
#include "small_trace.h"
#include "tests/engine/analysis/parallel_trace.h"

#include <QtTest>

#include <algorithm>
#include <cmath>

using namespace expertscope;
using namespace expertscope::test;

namespace {

Result analyse(const TracePtr &trace, const Settings &settings = {})
{
    return test::analyse("ability-correlation", trace, settings);
}

/// Language g is the farther from English the larger g is, at layer 1 only.
TracePtr staircase(int languages)
{
    ParallelShape shape;
    shape.languages = {"en"};
    for (int g = 1; g <= languages; ++g)
        shape.languages.push_back("l" + std::to_string(g));
    shape.layers = {4, 9};
    shape.tokens = 30;
    return parallelTrace(shape, [](const TokenAt &at, int expert) {
        const double away = at.layer == 1 ? 0.4 * at.language : 0.0;
        return expert == 0 ? 4 - away : expert == 3 ? away : 0.0;
    });
}

} // namespace

class TestAbilityCorrelation : public QObject {
    Q_OBJECT

private slots:
    void farLanguagesAreHard()
    {
        const Result result = analyse(staircase(8)); // measured: the loss of language g is 1 + g nats a token of 4 bytes
        QCOMPARE(result.number("best_layer").value, 9.0);
        const Number &best = result.number("best_r");
        QVERIFY2(best.value > 0.9 && best.low > 0.5 && best.high < 1 && best.n == 8, qPrintable(QString::number(best.value)));
        QVERIFY(result.number("best_p").value < 0.01);
        const Table &scatter = result.table("scatter");
        QCOMPARE(scatter.rows(), std::size_t{8});
        for (int g = 1; g <= 8; ++g)
            QVERIFY(near(scatter.reals("score")[static_cast<std::size_t>(g - 1)], (1 + g) / 4.0 / std::log(2.0), 1e-6));
        QVERIFY(mentions(result, "Only 8 languages"));
        const Table &table = result.table("correlation");
        QVERIFY(table.reals("value")[1] == best.value && table.integers("significant")[1] == 1);

        // the same languages with scores that fall
        const Result given = analyse(staircase(8), {{"scores", "l1:8, l2:7,l3:6 ,l4:5,l5: 4,l6:3,l7:2,l8:1,xx:3"}});
        QVERIFY(near(given.number("best_r").value, -best.value, 1e-6));
    }

    void fewLanguagesAreSaid()
    {
        const Result two = analyse(staircase(2));
        QVERIFY(mentions(two, "needs three") && two.numbers.empty());
        QVERIFY(std::isnan(two.table("correlation").reals("value")[0]));
        const Result three = analyse(staircase(8), {{"scores", "l1:1,l5:2,l8:3"}});
        QCOMPARE(three.number("best_r").n, 3);
        QVERIFY(std::isnan(three.number("best_r").low) && mentions(three, "Only 3 languages"));
    }

    void lossOfTheTexts()
    {
        const TracePtr trace = staircase(2);
        const std::vector<std::string> languages{"en", "l2", "nowhere"};
        const std::vector<double> perByte = measuredLoss(*trace, languages, true, Progress{});
        QVERIFY(near(perByte[0], 0.25 / std::log(2.0), 1e-6) && std::isnan(perByte[2]));
        // 12 texts of 30 + p % 3 + g tokens, the first of which has no log-probability
        const std::vector<double> perText = measuredLoss(*trace, languages, false, Progress{});
        QVERIFY(near(perText[0], 30 / std::log(2.0), 1e-4) && near(perText[1], 3 * 32 / std::log(2.0), 1e-4));
        ParallelShape shape;
        shape.fields.logprob = false;
        QVERIFY_THROWS_EXCEPTION(Error, analyse(parallelTrace(shape, [](const TokenAt &, int) { return 0.0; })));
    }

    void scoresAreChecked()
    {
        const std::vector<std::string> languages{"de", "fr"};
        QVERIFY(near(givenScores("de:0.5", languages)[0], 0.5) && std::isnan(givenScores("de:0.5", languages)[1]));
        for (const char *bad : {"de", "de:", "de:high", "de:0.5x", "de:nan", ":", "de=1"})
            QVERIFY_THROWS_EXCEPTION(Error, givenScores(bad, languages));
    }

    void countsNeedScores()
    {
        const auto counts = qwen3Counts({"en", "zh", "de", "fr", "es", "ja"});
        if (!counts)
            QSKIP("the shared data folder is not here");
        QVERIFY_THROWS_EXCEPTION(Error, analyse(countsTrace(*counts)));
        const Result result = analyse(countsTrace(*counts), {{"scores", "zh:0.7,de:0.8,fr:0.8,es:0.85,ja:0.6"}});
        QCOMPARE(result.number("best_r").n, 5);
        QVERIFY(result.number("best_r").value < 0);
    }
};

QTEST_APPLESS_MAIN(TestAbilityCorrelation)
#include "test_ability_correlation.moc"
