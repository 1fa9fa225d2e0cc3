// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// srp, chunk-sparsity and neighbour-reuse: how routing changes from token to token.
#include "engine/analysis/number_list.h"
#include "engine/core/parallel.h"
#include "tests/engine/analysis/run_analysis.h"
#include "tests/engine/analysis/small_trace.h"
#include "tests/engine/core/golden_traces.h"
#include "tests/engine/core/random_trace.h"

#include <algorithm>
#include <set>

using namespace expertscope;
using namespace expertscope::test;

namespace {

/// The chosen experts of each token of one layer, sequence by sequence.
std::vector<std::vector<std::set<int>>> sequencesOf(const RoutingTrace &trace, int layer)
{
    std::vector<std::vector<std::set<int>>> all;
    std::vector<ExpertId> ids(static_cast<std::size_t>(trace.meta().slotCount));
    for (const SequenceInfo &info : trace.meta().sequences) {
        all.emplace_back();
        for (std::int64_t t = info.range().begin; t < info.range().end; ++t) {
            trace.expertIds({t, t + 1}, layer, ids);
            all.back().emplace_back();
            for (const ExpertId id : ids)
                if (id != noExpert)
                    all.back().back().insert(id);
        }
    }
    return all;
}

/// SRP by its definition: every window and every threshold.
double plainSrp(const RoutingTrace &trace, int layer, std::size_t m)
{
    std::vector<int> windows;
    for (const auto &sequence : sequencesOf(trace, layer))
        for (std::size_t begin = 0; begin + m <= sequence.size(); ++begin)
            for (int e = 0; e < trace.meta().experts; ++e) {
                int f = 0;
                for (std::size_t t = begin; t < begin + m; ++t)
                    f += static_cast<int>(sequence[t].count(e));
                windows.push_back(f);
            }
    double best = 0, made = 0;
    for (const int f : windows)
        made += f;
    for (int alpha = 0; alpha <= static_cast<int>(m); ++alpha) {
        double match = 0, predicted = 0;
        for (const int f : windows)
            if (f >= alpha) {
                match += f;
                predicted += static_cast<double>(m);
            }
        best = std::max(best, 2 * match / (predicted + made));
    }
    return best;
}

} // namespace

class TestLocalRouting : public QObject {
    Q_OBJECT

private slots:
    void goldenSrp() // methods B1, [G1]
    {
        const Result result = analyse("srp", goldenTop2());
        const Table &layers = result.table("srp"), &model = result.table("model"), &experts = result.table("experts");
        const double srp[] = {.660269710, .468671417, .324373882, .261202615}, rho[] = {.893910, 1.400402, 2.112472, 2.990272};
        const std::int64_t alpha[] = {2, 4, 11, 34};
        const double whole[] = {.649265, .465669, .328493, .257537};
        for (std::size_t w = 0; w < 4; ++w) {
            QVERIFY(near(layers.reals("value")[w], srp[w], 5e-9));
            QVERIFY(near(layers.reals("rho")[w], rho[w], published));
            QCOMPARE(layers.integers("alpha")[w], alpha[w]);
            QVERIFY(near(model.reals("value")[w], whole[w], published));
            QVERIFY(std::isnan(layers.reals("low")[w])); // one sequence
            QVERIFY(layers.reals("value")[w] >= layers.reals("lower_bound")[w]);
        }
        bool found = false;
        for (std::size_t i = 0; i < experts.rows(); ++i)
            if (experts.integers("layer")[i] == 0 && experts.integers("expert")[i] == 3 && experts.integers("window")[i] == 16) {
                found = true;
                QVERIFY(near(experts.reals("act_rate")[i], .196051, published));
                QVERIFY(near(experts.reals("value")[i], .567980, 1e-6)); // .567979304
                QCOMPARE(experts.integers("alpha")[i], std::int64_t{5});
            }
        QVERIFY(found);
    }

    void realSrp() // methods B1, [ESFT]
    {
        const TracePtr law = realTrace("law");
        if (!law)
            QSKIP("no real traces in the shared folder");
        const Result result = analyse("srp", law);
        const Table &table = result.table("srp");
        const std::size_t layers[] = {0, 12, 25};
        const double srp[3][4] = {{.46766, .32400, .24909, .22023}, {.57871, .43126, .35095, .31150}, {.50933, .37353, .29929, .27335}};
        for (std::size_t i = 0; i < 3; ++i)
            for (std::size_t w = 0; w < 4; ++w) {
                const std::size_t row = layers[i] * 4 + w;
                QVERIFY(near(table.reals("value")[row], srp[i][w], 5.1e-6));
                QVERIFY(table.reals("value")[row] > table.reals("chance")[row]);
                QVERIFY(table.reals("low")[row] < table.reals("high")[row]);
            }
        QCOMPARE(table.integers("alpha")[0], std::int64_t{1}); // the case the paper warns of
        QVERIFY(near(table.reals("rho")[0], 3.28, 5.1e-3));
    }

    void srpIsItsDefinition_data()
    {
        QTest::addColumn<bool>("varying");
        QTest::newRow("fixed number of experts") << false;
        QTest::newRow("varying number of experts") << true;
    }
    void srpIsItsDefinition()
    {
        QFETCH(bool, varying);
        TraceShape shape;
        shape.fields.nActive = varying;
        const TracePtr trace = randomTrace(shape, 12);
        const Result result = analyse("srp", trace, {{"windows", "1,3,7"}, {"bootstrap", "20"}});
        const Table &table = result.table("srp");
        for (std::size_t row = 0; row < table.rows(); ++row) {
            const auto m = static_cast<std::size_t>(table.integers("window")[row]);
            const double plain = plainSrp(*trace, static_cast<int>(row / 3), m);
            QVERIFY(near(table.reals("value")[row], plain, 1e-12));
            if (m == 1)
                QVERIFY(near(plain, 1, 1e-12));
        }
    }

    void randomOrderIsChance()
    {
        TraceShape shape;
        shape.sequences = 60;
        shape.maxTokens = 120;
        const TracePtr trace = randomTrace(shape, 2);
        const Result srp = analyse("srp", trace, {{"windows", "4,16"}});
        for (std::size_t row = 0; row < srp.table("srp").rows(); ++row) {
            QVERIFY(near(srp.table("srp").reals("value")[row], srp.table("srp").reals("chance")[row], 0.02));
            QVERIFY(srp.table("srp").reals("low")[row] <= srp.table("srp").reals("value")[row] + 0.01);
        }
        const Table &sparsity = analyse("chunk-sparsity", trace).tables.front();
        for (std::size_t row = 0; row < sparsity.rows(); ++row)
            QVERIFY(near(sparsity.reals("value")[row], sparsity.reals("chance")[row], 0.02));
        const Result reuse = analyse("neighbour-reuse", trace);
        QVERIFY(near(reuse.number("reuse").value, reuse.number("reuse").chance, 0.02));
        QVERIFY(near(reuse.number("same_first").value, reuse.number("same_first").chance, 0.02));
        QVERIFY(near(reuse.number("any_shared").value, reuse.number("any_shared").chance, 0.03));
    }

    void goldenSparsity() // methods B3, [G1]
    {
        const Table table = analyse("chunk-sparsity", goldenTop2()).table("sparsity");
        const double layer0[] = {.875, .812744, .700195, .526367, .294922, .089844, .007812};
        const double eight[] = {.526367, .507812, .524414, .506836};
        for (std::size_t c = 0; c < 7; ++c) {
            QVERIFY(near(table.reals("value")[c], layer0[c], published));
            QVERIFY(near(table.reals("uniform")[c], std::pow(1 - 2.0 / 16, std::pow(2, c)), 1e-12));
        }
        for (std::size_t m = 0; m < 4; ++m) {
            QVERIFY(near(table.reals("value")[7 * m + 3], eight[m], published));
            QVERIFY(near(table.reals("value")[7 * m], .875, 1e-12));
        }
    }

    void goldenReuse() // methods B3, [G1]
    {
        const Table table = analyse("neighbour-reuse", goldenTop2(), {{"distances", "2"}}).table("reuse");
        const double reuse[] = {.484344, .449119, .462818, .452055};
        for (std::size_t m = 0; m < 4; ++m) {
            QVERIFY(near(table.reals("value")[2 * m], reuse[m], published));
            QVERIFY(near(table.reals("uniform")[2 * m], 1.0 / 8, 1e-12));
            QVERIFY(near(table.reals("any_shared_chance")[2 * m], 1 - 14.0 * 13 / (16 * 15), 1e-12));
            QVERIFY(table.reals("same_first")[2 * m] > 0.7); // three in four repeat their first expert
            QCOMPARE(table.integers("n")[2 * m], std::int64_t{511});
        }
    }

    void realSparsityAndReuse() // methods B3, [ESFT]
    {
        const TracePtr law = realTrace("law");
        if (!law)
            QSKIP("no real traces in the shared folder");
        const Table sparsity = analyse("chunk-sparsity", law, {{"chunks", "8"}}).table("sparsity");
        const Table reuse = analyse("neighbour-reuse", law, {{"distances", "1"}}).table("reuse");
        const std::size_t layers[] = {0, 12, 25};
        const double cls[] = {.49948, .60701, .56090}, again[] = {.15688, .34053, .24182};
        for (std::size_t i = 0; i < 3; ++i) {
            QVERIFY(near(sparsity.reals("value")[layers[i]], cls[i], 5.1e-6));
            QVERIFY(near(reuse.reals("value")[layers[i]], again[i], 5.1e-6));
            QVERIFY(reuse.reals("low")[layers[i]] < again[i] && again[i] < reuse.reals("high")[layers[i]]);
        }
    }

    void sparsityAndReuseAreTheirDefinitions()
    {
        TraceShape shape;
        shape.slotCount = 3;
        shape.fields.nActive = true;
        shape.maxTokens = 150; // longer than the memory of 64 tokens
        const TracePtr trace = randomTrace(shape, 6);
        const Table sparsity = analyse("chunk-sparsity", trace, {{"chunks", "3,5"}}).table("sparsity");
        const Table reuse = analyse("neighbour-reuse", trace, {{"distances", "64"}}).table("reuse");
        for (int layer = 0; layer < 3; ++layer) {
            const auto sequences = sequencesOf(*trace, layer);
            for (std::size_t c = 0; c < 2; ++c) {
                const std::size_t length = c == 0 ? 3 : 5;
                double distinct = 0, chunks = 0;
                for (const auto &sequence : sequences)
                    for (std::size_t begin = 0; begin + length <= sequence.size(); begin += length, ++chunks) {
                        std::set<int> all;
                        for (std::size_t t = begin; t < begin + length; ++t)
                            all.insert(sequence[t].begin(), sequence[t].end());
                        distinct += static_cast<double>(all.size());
                    }
                QVERIFY(near(sparsity.reals("value")[static_cast<std::size_t>(layer) * 2 + c], 1 - distinct / chunks / 8, 1e-12));
            }
            for (const std::size_t d : {1u, 7u, 63u, 64u}) {
                double both = 0, chosen = 0, any = 0, pairs = 0;
                for (const auto &sequence : sequences)
                    for (std::size_t t = d; t < sequence.size(); ++t, ++pairs) {
                        double common = 0;
                        for (const int e : sequence[t])
                            common += static_cast<double>(sequence[t - d].count(e));
                        both += common;
                        chosen += static_cast<double>(sequence[t].size());
                        any += common > 0;
                    }
                const std::size_t row = static_cast<std::size_t>(layer) * 64 + d - 1;
                QVERIFY(near(reuse.reals("value")[row], both / chosen, 1e-12));
                QVERIFY(near(reuse.reals("any_shared")[row], any / pairs, 1e-12));
                QCOMPARE(reuse.integers("n")[row], static_cast<std::int64_t>(pairs));
            }
        }
    }

    void sequencesThatSpanBlocks() // a block of the pass is 4096 tokens
    {
        TraceShape shape;
        shape.layers = {0};
        shape.sequences = 3;
        shape.maxTokens = 9000;
        const TracePtr trace = randomTrace(shape, 5);
        QVERIFY(trace->meta().tokens > 8192);
        const Table reuse = analyse("neighbour-reuse", trace, {{"distances", "1"}}).table("reuse");
        std::int64_t pairs = 0;
        for (const SequenceInfo &info : trace->meta().sequences)
            pairs += std::max<std::int64_t>(0, info.range().count() - 1);
        QCOMPARE(reuse.integers("n").front(), pairs);
        const Table srp = analyse("srp", trace, {{"windows", "16"}, {"bootstrap", "0"}}).table("srp");
        QVERIFY(near(srp.reals("value").front(), plainSrp(*trace, 0, 16), 1e-12));
    }

    void sharedExpertsCountWhenAsked()
    {
        TraceShape shape; // one shared expert beside 8
        const TracePtr trace = randomTrace(shape, 1);
        const Table without = analyse("chunk-sparsity", trace, {{"chunks", "1"}}).table("sparsity");
        const Table with = analyse("chunk-sparsity", trace, {{"chunks", "1"}, {"shared-experts", "on"}}).table("sparsity");
        QVERIFY(near(without.reals("value").front(), 1 - 2.0 / 8, 1e-12));
        QVERIFY(near(with.reals("value").front(), 1 - 3.0 / 9, 1e-12));
    }

    void edges()
    {
        TraceShape none;
        none.sequences = 0;
        for (const char *id : {"srp", "chunk-sparsity", "neighbour-reuse"})
            QVERIFY_THROWS_EXCEPTION(Error, analyse(id, randomTrace(none, 1)));
        const TracePtr two = cutIntoSequences(*goldenTop2(), 2);
        const Result result = analyse("srp", two, {{"windows", "4"}});
        QVERIFY(std::isnan(result.table("srp").reals("value").front()));
        QVERIFY(result.notes.front().find("256 of 256") != std::string::npos);
        // a damaged trace may name an expert twice in one token
        const TracePtr twice = smallTrace(3, 2, {{.info = {}, .ids = {{1, 1, 1, 1, 1, 1, 2, 2}}}});
        QVERIFY(analyse("srp", twice, {{"windows", "2"}}).table("srp").reals("value").front() <= 1);
        QVERIFY(analyse("neighbour-reuse", twice).number("reuse").value <= 1);
        for (const char *bad : {"", "0", "4,", "4;5", "4097", "x", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"})
            QVERIFY_THROWS_EXCEPTION(Error, numberList(bad, "windows", 1, 4096));
        QCOMPARE(numberList("16, 4 ,16", "windows", 1, 4096), (std::vector<std::int64_t>{4, 16}));
    }

    void sameWithAnyNumberOfThreads()
    {
        const TracePtr trace = randomTrace({}, 21);
        for (const char *id : {"srp", "chunk-sparsity", "neighbour-reuse"}) {
            setThreadCount(1);
            const Result one = analyse(id, trace, {});
            setThreadCount(3);
            const Result three = analyse(id, trace, {});
            setThreadCount(0);
            for (std::size_t t = 0; t < one.tables.size(); ++t)
                for (const char *column : {"value", "chance"})
                    for (std::size_t i = 0; i < one.tables[t].rows(); ++i) {
                        const double a = one.tables[t].reals(column)[i], b = three.tables[t].reals(column)[i];
                        QVERIFY(a == b || (std::isnan(a) && std::isnan(b)));
                    }
        }
    }
};

QTEST_APPLESS_MAIN(TestLocalRouting)
#include "test_local_routing.moc"
