// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// expert-contrast and language-experts: which experts groups of texts use differently.
#include "engine/analysis/analysis.h"
#include "engine/core/parallel.h"
#include "run_analysis.h"
#include "small_trace.h"
#include "tests/engine/analysis/parallel_trace.h"
#include "tests/engine/core/random_trace.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <map>

using namespace expertscope;
using namespace expertscope::test;

namespace {

/// Odd texts (half "b") choose expert 7 always; German texts choose expert 2 always; layer 3 is even.
TracePtr taskAndLanguage(int texts = 30)
{
    ParallelShape shape;
    shape.texts = texts;
    return parallelTrace(shape, [](const TokenAt &at, int expert) {
        const bool task = expert == 7 && at.text % 2 == 1, german = expert == 2 && at.language == 1;
        return at.layer < 2 && (task || german) ? 30.0 : 0.0;
    });
}

/// Mean over the sequences for which `is` holds of the share of their tokens that chose the expert.
template<typename Is>
double meanShare(const RoutingTrace &trace, int layer, int expert, const Is &is)
{
    double sum = 0, n = 0;
    for (const SequenceInfo &info : trace.meta().sequences) {
        if (!is(info))
            continue;
        const auto perToken = static_cast<std::size_t>(trace.meta().slotCount);
        std::vector<ExpertId> ids(static_cast<std::size_t>(info.range().count()) * perToken);
        trace.expertIds(info.range(), layer, ids);
        sum += static_cast<double>(std::count(ids.begin(), ids.end(), expert)) / static_cast<double>(info.range().count());
        ++n;
    }
    return sum / n;
}

std::map<std::string, double> exclusives(const Result &result)
{
    std::map<std::string, double> counts;
    const Table &table = result.table("exclusive");
    for (std::size_t row = 0; row < table.rows(); ++row)
        counts[table.texts("language")[row]] = table.reals("value")[row];
    return counts;
}

} // namespace

class TestExpertContrast : public QObject {
    Q_OBJECT

private slots:
    void valuesAreTheDefinition()
    {
        const TracePtr trace = taskAndLanguage();
        const Result result = analyse("expert-contrast", trace, {{"grouping", "half"}, {"target", "b"}});
        const Table &table = result.table("contrast");
        QCOMPARE(table.rows(), std::size_t{24});
        for (std::size_t row = 0; row < table.rows(); ++row) {
            const int layer = static_cast<int>(row / 8), expert = static_cast<int>(row % 8);
            const double b = meanShare(*trace, layer, expert, [](const SequenceInfo &info) { return info.labels[0] == "b"; });
            const double a = meanShare(*trace, layer, expert, [](const SequenceInfo &info) { return info.labels[0] == "a"; });
            QVERIFY(near(table.reals("value")[row], b - a, 1e-6) && near(table.reals("target")[row], b, 1e-6));
            QVERIFY(near(result.matrix("contrast-map").at(row / 8, row % 8), b - a, 1e-6));
            if (layer < 2 && expert == 7) {
                QVERIFY(table.integers("significant")[row] == 1 && table.integers("chosen")[row] == 1);
                QVERIFY(table.reals("low")[row] > 0.5 && table.reals("high")[row] < 1);
            }
            if (layer == 2)
                QCOMPARE(table.integers("significant")[row], 0);
        }
        QCOMPARE(table.integers("n")[0], 45);
        QCOMPARE(result.table("top").integers("expert")[0], 7);
        QCOMPARE(result.number("chosen_experts").value, 2.0);
        QVERIFY(result.number("chosen_experts").chance < 0.1);
        QCOMPARE(result.serie("chosen-by-layer").curves[0].y, (std::vector<double>{1, 1, 0}));
    }

    void taskAndMultilingualExpertsDoNotOverlap()
    {
        const Result result = analyse("expert-contrast", taskAndLanguage(), {{"grouping", "half"}, {"target", "b"}});
        const Table &overlap = result.table("overlap");
        QCOMPARE(overlap.rows(), std::size_t{13});
        QVERIFY(near(overlap.reals("tau")[6], 0.3));
        QCOMPARE(overlap.reals("target")[6], 2.0); // expert 7 of two layers
        QCOMPARE(overlap.reals("multilingual")[6], 2.0); // expert 2 of them: of texts outside the target
        QCOMPARE(overlap.reals("value")[6], 0.0);
        QVERIFY(near(overlap.reals("chance")[6], 4.0 / 24));
        QVERIFY(near(overlap.reals("p")[6], 1));
        const Result languages = analyse("expert-contrast", taskAndLanguage());
        QVERIFY(mentions(languages, "Baseline: en") && mentions(languages, "grouping other than language"));
    }

    void groupsThatDoNotDiffer()
    {
        int significant = 0;
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            ParallelShape shape;
            shape.seed = seed;
            const Result result =
                analyse("expert-contrast", parallelTrace(shape, [](const TokenAt &, int) { return 0.0; }), {{"grouping", "half"}});
            significant += static_cast<int>(result.number("significant_experts").value);
        }
        QVERIFY2(significant <= 3, qPrintable(QString::number(significant)));
    }

    void settingsOfTheContrast()
    {
        const TracePtr trace = taskAndLanguage(6);
        QVERIFY_THROWS_EXCEPTION(Error, analyse("expert-contrast", trace, {{"grouping", "colour"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("expert-contrast", trace, {{"target", "ru"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("expert-contrast", trace, {{"target", "de"}, {"baseline", "de"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("expert-contrast", trace, {{"grouping", "domain"}})); // one domain
        setThreadCount(1);
        const Result one = analyse("expert-contrast", trace, {{"target", "de"}});
        setThreadCount(0);
        const Result all = analyse("expert-contrast", trace, {{"target", "de"}});
        QVERIFY(one.table("contrast").reals("low") == all.table("contrast").reals("low"));
        QVERIFY(one.table("contrast").reals("p") == all.table("contrast").reals("p"));
        const Result rare = analyse("expert-contrast", trace, {{"min-count", "100000"}});
        QCOMPARE(rare.table("top").rows(), std::size_t{0});
        const Result single = analyse("expert-contrast", trace, {{"grouping", "sequence"}, {"target", "p0-en"}, {"baseline", "p0-de"}});
        QVERIFY(mentions(single, "no interval") && std::isnan(single.table("contrast").reals("low")[0]));
        const Result later = analyse("expert-contrast", trace, {{"target", "de"}, {"first-position", "2"}});
        QVERIFY(mentions(later, "after the token filters"));
    }

    void exclusiveExpertsOfQwen3()
    {
        const auto counts = qwen3Counts({"en", "zh", "de", "fr", "es", "ja"});
        if (!counts)
            QSKIP("the shared data folder is not here");
        const TracePtr trace = countsTrace(*counts);
        // methods/1, section 1.10: needs these two languages only
        const Result two = analyse("language-experts", trace,
            {{"languages", "en,zh"}, {"top", "20"}, {"threshold", "0.7"}, {"first-layer", "10"}, {"last-layer", "39"}});
        QCOMPARE(two.number("shared_experts").value, 420.0);
        // from a separate computation over the six languages that are there
        const Result six = analyse("language-experts", trace);
        const std::map<std::string, double> expected{{"en", 213}, {"zh", 250}, {"de", 89}, {"fr", 71}, {"es", 68}, {"ja", 198}};
        QVERIFY(exclusives(six) == expected);
        QCOMPARE(six.number("shared_experts").value, 657.0);
        QVERIFY(mentions(six, "imported counts"));
        const Result contrast = analyse("expert-contrast", trace, {{"target", "ja"}});
        const double byHand = counts->frequency(5, 0, 3) - counts->frequency(0, 0, 3);
        QVERIFY(near(contrast.table("contrast").reals("value")[3], byHand, 1e-6));
        QVERIFY(std::isnan(contrast.table("contrast").reals("p")[3]));
    }

    void exclusiveExpertsOfATrace()
    {
        ParallelShape shape;
        shape.texts = 30;
        const TracePtr trace =
            parallelTrace(shape, [](const TokenAt &at, int expert) { return expert == (at.language == 1 ? 2 : 7) ? 30.0 : 0.0; });
        const Result result = analyse("language-experts", trace, {{"top", "1"}, {"last-layer", "1"}});
        const Table &experts = result.table("experts");
        int german = 0;
        for (std::size_t row = 0; row < experts.rows(); ++row)
            if (experts.integers("expert")[row] == 2) {
                QVERIFY(experts.texts("class")[row] == "exclusive" && experts.texts("language")[row] == "de");
                QVERIFY(experts.reals("stability")[row] > 0.9);
                QVERIFY(near(experts.reals("frequency")[row], 1, 1e-9));
                ++german;
            }
        QCOMPARE(german, 2);
        const Table &table = result.table("exclusive");
        QVERIFY(table.texts("language")[1] == "de" && near(table.reals("value")[1], 2));
        QVERIFY(table.reals("chance")[1] < table.reals("value")[1] && table.reals("p")[1] <= 0.05);
        QCOMPARE(result.serie("classes-by-layer").curves.size(), std::size_t{4});
        QVERIFY_THROWS_EXCEPTION(Error, analyse("language-experts", trace, {{"languages", "de"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("language-experts", trace, {{"languages", "de,ru"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("language-experts", trace, {{"first-layer", "40"}}));
    }

    void anyRandomTrace()
    {
        int ran = 0;
        for (std::uint64_t seed = 1; seed <= 12; ++seed) {
            TraceShape shape;
            shape.sequences = static_cast<int>(seed);
            shape.fields = allFields(); // empty slots too
            const TracePtr trace = randomTrace(shape, seed);
            try {
                const Result contrast = analyse("expert-contrast", trace, {{"bootstrap", "20"}, {"permutations", "20"}});
                for (const double value : contrast.table("contrast").reals("value"))
                    QVERIFY(value >= -1 && value <= 1);
                analyse("language-experts", trace, {{"bootstrap", "20"}, {"permutations", "20"}});
                ++ran;
            } catch (const Error &) { // too few sequences with tokens for two groups
            }
        }
        QVERIFY(ran >= 5);
    }
};

QTEST_APPLESS_MAIN(TestExpertContrast)
#include "test_expert_contrast.moc"
