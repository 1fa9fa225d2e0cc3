// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/information_spread.h"
#include "engine/analysis/mutual_information.h"
#include "engine/core/parallel.h"
#include "tests/engine/analysis/run_analysis.h"
#include "tests/engine/analysis/small_trace.h"
#include "tests/engine/core/golden_traces.h"
#include "tests/engine/core/random_trace.h"

#include <algorithm>
#include <map>

using namespace expertscope;
using namespace expertscope::test;

namespace {

Result analyse(const TracePtr &trace, const std::vector<std::pair<std::string, std::string>> &settings = {})
{
    return test::analyse("transitions", trace, settings);
}

} // namespace

class TestTransitions : public QObject {
    Q_OBJECT

private slots:
    void goldenInformation() // methods [G2]
    {
        const Result result = analyse(goldenTop1(), {{"cell", "count"}});
        const Table &table = result.table("mutual-information");
        const double information[] = {2.570527, 2.601628, 2.585982}, entropy[] = {3.980751, 3.985332, 3.973510};
        QCOMPARE(table.rows(), std::size_t{3});
        for (std::size_t m = 0; m < 3; ++m) {
            QVERIFY(near(table.reals("value")[m], information[m], published));
            QVERIFY(near(table.reals("entropy")[m], entropy[m], published));
            QVERIFY(table.reals("corrected")[m] < table.reals("value")[m]);
            QVERIFY(table.reals("chance")[m] < 0.5); // shifted layers share what 256 cells of 512 tokens share by chance
            QCOMPARE(table.reals("p")[m], 1.0 / 40);
            QCOMPARE(table.integers("significant")[m], std::int64_t{1});
        }
        QCOMPARE(result.matrix("transitions-0").at(0, 3), 21.0);
        double sum = 0;
        for (const double cell : result.matrix("transitions-2").values)
            sum += cell;
        QCOMPARE(sum, 512.0);
    }

    /// The error is that of the mean of pointwise information; sequences drawn with replacement, with the table held, spread as much.
    void informationHasIntervalsBySequence()
    {
        TraceShape shape;
        shape.experts = 4;
        shape.slotCount = 1;
        shape.layers = {0, 1, 2};
        shape.sequences = 60;
        const Result result = analyse(randomTrace(shape, 8));
        const Table &table = result.table("mutual-information");
        for (std::size_t m = 0; m < table.rows(); ++m)
            QVERIFY(table.reals("low")[m] < table.reals("value")[m] && table.reals("value")[m] < table.reals("high")[m]);
        for (const char *id : {"mutual_information", "explained"}) {
            const Number &number = result.number(id);
            QVERIFY2(number.low < number.value && number.value < number.high, id);
        }
        // two sequences of two pairs: one holds all the information there is
        std::vector<std::vector<InformationSums>> sums{{{4, 2, 2}, {0, 2, 2}}};
        const std::vector<double> corrected{1.0}, entropy{2.0};
        const InformationIntervals intervals = informationIntervals(sums, corrected, entropy);
        const double reach = 1.96 * std::sqrt(2.0 * (0.5 * 0.5 + 0.5 * 0.5)); // influences of 2/4 and -2/4 around 1 bit
        QVERIFY(near(intervals.information[0].low, std::max(0.0, 1 - reach), published));
        QVERIFY(near(intervals.meanInformation.high, 1 + reach, published));
        QVERIFY(near(intervals.meanExplained.high, std::min(1.0, 0.5 + reach / 2), published));
        sums[0].pop_back();
        QVERIFY(std::isnan(informationIntervals(sums, corrected, entropy).information[0].low));
    }

    void goldenFlowsGoToFiveEPlusThree()
    {
        const Result result = analyse(goldenTop1(), {{"min-count", "8"}});
        const Table &flows = result.table("flows");
        for (std::size_t i = 0; i < flows.rows(); ++i)
            if (flows.integers("significant")[i] && flows.reals("lift")[i] > 1)
                QCOMPARE(flows.integers("to")[i], (5 * flows.integers("from")[i] + 3) % 16);
        QVERIFY(flows.rows() >= 40);
        const Table &paths = result.table("paths");
        QVERIFY(paths.rows() > 3);
        for (std::size_t i = 0; i < paths.rows(); ++i) {
            const QStringList steps = QString::fromStdString(paths.texts("path")[i]).split(QStringLiteral(" > "));
            QCOMPARE(steps.size(), 4);
            QCOMPARE(steps[3].toInt(), (5 * steps[2].toInt() + 3) % 16);
            QVERIFY(paths.reals("lift")[i] > 10);
            QVERIFY(std::abs(std::log(paths.reals("over_markov")[i])) < 1); // G2 is a first-order chain
        }
    }

    void pathsAreCountedAsDefined()
    {
        TraceShape shape;
        shape.experts = 3;
        shape.slotCount = 1;
        shape.layers = {2, 5, 6};
        shape.sequences = 20;
        const TracePtr trace = randomTrace(shape, 4);
        const Result result = analyse(trace, {{"min-count", "1"}});
        std::map<std::string, std::int64_t> expected;
        std::vector<ExpertId> a(1), b(1), c(1);
        for (std::int64_t t = 0; t < trace->meta().tokens; ++t) {
            trace->expertIds({t, t + 1}, 0, a);
            trace->expertIds({t, t + 1}, 1, b);
            trace->expertIds({t, t + 1}, 2, c);
            ++expected[std::to_string(a[0]) + " > " + std::to_string(b[0]) + " > " + std::to_string(c[0])];
        }
        const Table &paths = result.table("paths");
        QCOMPARE(paths.rows(), expected.size());
        double markov = 0, independent = 0;
        for (std::size_t i = 0; i < paths.rows(); ++i) {
            QCOMPARE(paths.integers("count")[i], expected[paths.texts("path")[i]]);
            markov += paths.reals("markov")[i];
            independent += paths.reals("chance")[i];
            QVERIFY(paths.reals("low")[i] <= paths.reals("value")[i] && paths.reals("value")[i] <= paths.reals("high")[i]);
        }
        QVERIFY(near(markov, 1, 1e-9) && near(independent, 1, 1e-9)); // all 27 paths occur, so each model's shares are complete
        QCOMPARE(result.matrix("transitions-2").rows.size(), std::size_t{3});
        QVERIFY_THROWS_EXCEPTION(std::out_of_range, result.matrix("transitions-6"));
    }

    void allPairsOfATokenCount()
    {
        const TracePtr trace = smallTrace(4, 2, {{.info = {}, .ids = {{0, 1, 0, 1}, {2, 3, 2, noExpert}}}});
        const Result all = analyse(trace, {{"pairs", "all"}, {"cell", "count"}});
        const Matrix &counts = all.matrix("transitions-1");
        QCOMPARE(counts.at(0, 2), 2.0);
        QCOMPARE(counts.at(1, 2), 2.0);
        QCOMPARE(counts.at(0, 3), 1.0);
        QCOMPARE(counts.at(1, 3), 1.0);
        const Result first = analyse(trace, {{"cell", "count"}});
        QCOMPARE(first.matrix("transitions-1").at(0, 2), 2.0);
        QCOMPARE(first.matrix("transitions-1").at(1, 2), 0.0);
    }

    void independentLayersShareNoMoreThanTheNull()
    {
        TraceShape shape;
        shape.experts = 16;
        shape.sequences = 60;
        shape.maxTokens = 100;
        const Result result = analyse(randomTrace(shape, 8));
        const Table &table = result.table("mutual-information");
        for (std::size_t m = 0; m < table.rows(); ++m) {
            QVERIFY(near(table.reals("value")[m], table.reals("chance")[m], 0.02));
            QVERIFY(near(table.reals("corrected")[m], 0, 0.02));
            QCOMPARE(table.integers("significant")[m], std::int64_t{0});
        }
        const auto &flags = result.table("flows").integers("significant");
        QVERIFY(std::count(flags.begin(), flags.end(), 1) <= 1);
    }

    /// Sequences that span blocks of the pass, and more tokens than the shifts are counted for at a time.
    void theNullIsItsDefinition()
    {
        TraceShape shape;
        shape.experts = 4;
        shape.slotCount = 1;
        shape.layers = {0, 1, 2, 3};
        shape.sequences = 14;
        shape.maxTokens = 8000;
        const TracePtr trace = randomTrace(shape, 21);
        QVERIFY(trace->meta().tokens > 40000);
        const Result result = analyse(trace, {{"shifts", "3"}, {"seed", "7"}});
        const auto experts = static_cast<std::size_t>(shape.experts);
        for (int layer = 0; layer < 3; ++layer) {
            std::vector<std::vector<std::int64_t>> tables(3, std::vector<std::int64_t>(experts * experts));
            Random random{7, static_cast<std::uint64_t>(layer)};
            for (const SequenceInfo &sequence : trace->meta().sequences) {
                const auto length = static_cast<std::size_t>(sequence.range().count());
                std::vector<ExpertId> from(length), to(length);
                trace->expertIds(sequence.range(), layer, from);
                trace->expertIds(sequence.range(), layer + 1, to);
                for (auto &table : tables) {
                    const std::size_t shift = length > 1 ? 1 + random.below(length - 1) : 0;
                    for (std::size_t t = 0; t < length; ++t)
                        ++table[from[t] * experts + to[(t + shift) % length]];
                }
            }
            std::vector<double> bits;
            for (const auto &table : tables)
                bits.push_back(mutualInformation(table, experts).bits);
            QCOMPARE(result.table("mutual-information").reals("chance")[static_cast<std::size_t>(layer)], mean(bits));
        }
    }

    void informationOfATable()
    {
        const std::int64_t same[] = {4, 0, 0, 4}, none[] = {2, 2, 2, 2};
        QVERIFY(near(mutualInformation(same, 2).bits, 1, 1e-12));
        QVERIFY(near(mutualInformation(none, 2).bits, 0, 1e-12));
        QVERIFY(near(mutualInformation(none, 2).corrected, -1.0 / (16 * std::log(2.0)), 1e-12));
        QVERIFY(std::isnan(mutualInformation(std::span<const std::int64_t>{}, 2).bits));
    }

    void edges()
    {
        TraceShape none;
        none.sequences = 0;
        QVERIFY_THROWS_EXCEPTION(Error, analyse(randomTrace(none, 1)));
        TraceShape one;
        one.layers = {0};
        QVERIFY_THROWS_EXCEPTION(Error, analyse(randomTrace(one, 1)));
        QVERIFY_THROWS_EXCEPTION(Error, analyse(goldenTop1(), {{"first-layer", "2"}, {"last-layer", "1"}}));
        TraceShape varying;
        varying.fields.nActive = true;
        QVERIFY(analyse(randomTrace(varying, 2)).table("paths").rows() < 100);
    }

    void sameWithAnyNumberOfThreads()
    {
        const TracePtr trace = randomTrace({}, 9);
        setThreadCount(1);
        const Result one = analyse(trace, {{"min-count", "1"}});
        setThreadCount(3);
        const Result three = analyse(trace, {{"min-count", "1"}});
        setThreadCount(0);
        QVERIFY(one.table("mutual-information").reals("chance") == three.table("mutual-information").reals("chance"));
        QVERIFY(one.table("paths").texts("path") == three.table("paths").texts("path"));
    }
};

QTEST_APPLESS_MAIN(TestTransitions)
#include "test_transitions.moc"
