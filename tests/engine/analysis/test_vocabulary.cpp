// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/analysis.h"
#include "engine/analysis/key_information.h"
#include "engine/analysis/statistics.h"
#include "engine/analysis/token_counts.h"
#include "engine/core/error.h"
#include "engine/core/parallel.h"
#include "engine/core/utf8.h"
#include "run_analysis.h"
#include "tests/engine/analysis/small_trace.h"
#include "tests/engine/core/golden_traces.h"
#include "tests/engine/core/random_trace.h"

#include <QtTest>

#include <cmath>
#include <numeric>

using namespace expertscope;
using namespace expertscope::test;

namespace {

Result resultOf(const char *id, const TracePtr &trace, const Settings &settings = {})
{
    return test::analyse(id, trace, settings, numbered);
}

/// Ids 7, 7, 7, 9 choose first 0, 0, 1, 2 (K = 2, second choice always 3); predicted ids 1, 1, 2, 2.
TracePtr byHand()
{
    SmallSequence sequence{.info = {}, .ids = {{0, 3, 0, 3, 1, 3, 2, 3}}, .tokenId = {7, 7, 7, 9}, .predictedId = {1, 1, 2, 2}};
    return smallTrace(4, 2, {sequence});
}

/// `ids` token ids, each of which has its own expert with probability `own`; 40 sequences of 50 tokens, 8 experts.
TracePtr tokensWithExperts(double own, std::uint64_t seed)
{
    Random random{seed};
    std::vector<SmallSequence> sequences;
    for (int s = 0; s < 40; ++s) {
        SmallSequence sequence{.info = {}, .ids = {{}}};
        for (int t = 0; t < 50; ++t) {
            const auto id = static_cast<std::int32_t>(random.below(16));
            sequence.tokenId.push_back(id);
            sequence.ids[0].push_back(static_cast<ExpertId>(random.uniform() < own ? id % 8 : static_cast<int>(random.below(8))));
        }
        sequences.push_back(std::move(sequence));
    }
    return smallTrace(8, 1, sequences);
}

} // namespace

class TestVocabulary : public QObject {
    Q_OBJECT

private slots:
    void handComputed()
    {
        const Result result = resultOf("vocabulary", byHand(), {{"min-count", "1"}});
        const Table &table = result.table("vocabulary");
        // input, first: id 7 -> expert 0 in 2 of 3, id 9 -> expert 2 always
        QCOMPARE(table.texts("by")[0], std::string{"input"});
        QCOMPARE(table.texts("choices")[0], std::string{"first"});
        QVERIFY(near(table.reals("value")[0], (2.0 / 3 + 1) / 2));
        QVERIFY(near(table.reals("value")[1], 1)); // all choices: expert 3 is everybody's
        // next: 7 -> 7 (0), 7 -> 7 (0), 7 -> 9 (1); the last token has no next one
        QVERIFY(near(table.reals("value")[2], 1));
        QCOMPARE(table.integers("n")[2], std::int64_t{2});
        // predicted: 1 -> 0, 0; 2 -> 1, 2
        QCOMPARE(table.texts("by")[4], std::string{"predicted"});
        QVERIFY(near(table.reals("value")[4], 0.75));
        const Table &tokens = result.table("top-tokens");
        QCOMPARE(tokens.rows(), std::size_t{2});
        QCOMPARE(tokens.integers("token_id")[0], std::int64_t{7});
        QCOMPARE(tokens.texts("text")[0], std::string{"t7"});
        QCOMPARE(tokens.integers("count")[0], std::int64_t{2});
        QVERIFY(near(tokens.reals("chance")[0], 0.5));
        const Table &experts = result.table("experts");
        QCOMPARE(experts.integers("n"), (std::vector<std::int64_t>{1, 0, 1, 0}));
        QVERIFY(std::isnan(experts.reals("value")[1]));

        const Result frequent = resultOf("vocabulary", byHand(), {{"min-count", "2"}});
        QVERIFY(near(frequent.table("vocabulary").reals("value")[0], 2.0 / 3));
    }

    void chanceIsWhatShuffledIdsShow()
    {
        const Result none = resultOf("vocabulary", tokensWithExperts(0, 1));
        const Number &without = none.number("input_first");
        QVERIFY(near(without.value, without.chance, 0.02));
        QVERIFY(without.chance > 1.0 / 8); // the largest of eight shares is above their mean
        const Number &with = resultOf("vocabulary", tokensWithExperts(0.5, 1)).number("input_first");
        QVERIFY(with.value > with.chance + 0.2);
        QVERIFY(near(with.value, 0.5 + 0.5 / 8, 0.05));
    }

    void tracesThatLackFields()
    {
        const AnalysisKind &kind = analysisKind("vocabulary");
        QVERIFY(!missing(kind, {{smallTrace(4, 1, {})}, {}}, Params{kind.params}).empty());
        const TracePtr trace = tokensWithExperts(0, 1);
        QCOMPARE(resultOf("vocabulary", trace).table("vocabulary").rows(), std::size_t{4}); // no predicted ids
        QVERIFY_THROWS_EXCEPTION(Error, resultOf("vocabulary", trace, {{"tokens-by", "predicted"}}));
        // no id is frequent enough
        const Result empty = resultOf("vocabulary", trace, {{"min-count", "100000"}});
        QVERIFY(std::isnan(empty.table("vocabulary").reals("value")[0]));
        QCOMPARE(empty.table("top-tokens").rows(), std::size_t{0});
        for (const char *id : {"vocabulary", "token-identity", "position"})
            resultOf(id, randomTrace({.fields = allFields()}, 3));
    }

    void threadsDoNotMatter()
    {
        const TracePtr trace = randomTrace({.sequences = 20}, 4);
        for (const char *id : {"vocabulary", "token-identity", "position"}) {
            setThreadCount(1);
            const Result one = resultOf(id, trace, id == std::string{"position"} ? Settings{} : Settings{{"min-count", "1"}});
            setThreadCount(3);
            const Result three = resultOf(id, trace, id == std::string{"position"} ? Settings{} : Settings{{"min-count", "1"}});
            setThreadCount(0);
            QCOMPARE(one.tables.front().reals("value"), three.tables.front().reals("value"));
            QCOMPARE(one.tables.front().reals("chance"), three.tables.front().reals("chance"));
        }
    }

    void informationOfATable()
    {
        const std::vector<std::uint32_t> diagonal{4, 0, 0, 4}, even{1, 1, 1, 1}, zeros{0, 0};
        QVERIFY(near(keyInformation(diagonal, 2).bits, 1));
        QVERIFY(near(keyInformation(even, 2).bits, 0));
        QVERIFY(std::isnan(keyInformation(zeros, 2).bits));
        QVERIFY(near(keyInformation(diagonal, 2).columnEntropy, 1));
        QVERIFY(near(concentration(std::vector<std::uint32_t>{5, 0, 0, 0}), 1));
        QVERIFY(near(concentration(std::vector<std::uint32_t>{5, 5, 5, 5}), 0));
        QVERIFY(near(spreadOverExperts(std::vector<std::uint32_t>{4, 0, 0, 0}), std::sqrt(3.0 / 16)));
    }

    void tokenIdentity()
    {
        const Result none = resultOf("token-identity", tokensWithExperts(0, 2), {{"frequent", "20"}});
        QVERIFY2(near(none.number("mean_information").value, 0, 0.01), qPrintable(QString::number(none.number("mean_information").value)));
        const Result all = resultOf("token-identity", tokensWithExperts(1, 2), {{"frequent", "20"}});
        const Table &table = all.table("token-identity");
        QVERIFY(near(table.reals("plug_in")[0], 3, 0.02)); // eight experts, the id decides
        QVERIFY(near(table.reals("share")[0], 1, 0.03));
        QCOMPARE(table.reals("context_independence")[0], 1.0);
        QVERIFY(near(table.reals("spread")[0], std::sqrt(7.0 / 64), 1e-9));
        QVERIFY(table.reals("position_spread")[0] < 0.15);
        QVERIFY(near(table.reals("p")[0], 1.0 / 11));
        QCOMPARE(all.table("tokens").rows(), std::size_t{16});
        QCOMPARE(all.table("tokens").integers("significant")[0], std::int64_t{1});
    }

    void goldenDropsAtLimitedCapacity()
    {
        // Tutel's counts on [G1], layer 0: 120 of 1024 choices at factor 1, 40 at 1.25, none at 2
        const TracePtr trace = goldenTop2();
        for (const auto &[factor, drops] : {std::pair{"1", 120}, {"1.25", 40}, {"2", 0}})
            for (const char *order : {"rank", "token"}) { // the order moves drops, it does not change how many there are
                const Result result = resultOf("position", trace, {{"capacity-factor", factor}, {"least-capacity", "0"}, {"order", order}});
                const Table &table = result.table("drops");
                QCOMPARE(table.reals("chance")[0], drops / 1024.0);
                double dropped = 0;
                for (std::size_t bin = 0; bin < 512 / 16; ++bin)
                    dropped += table.reals("value")[bin] * static_cast<double>(table.integers("n")[bin]);
                QVERIFY(near(dropped, drops, 1e-9));
            }
        // second choices come last, so rank order spares the first ones: at factor 1 two first choices are dropped
        const Result late = resultOf("position", trace, {{"capacity-factor", "1"}, {"least-capacity", "0"}, {"order", "token"}});
        QCOMPARE(late.table("drops").reals("value")[0], 0.0);
        QVERIFY(late.table("drops").reals("value")[512 / 16 - 1] > 0.3);
    }

    void position()
    {
        // experts follow the position: 4 bins of 16 positions, each with its own expert
        std::vector<SmallSequence> sequences;
        for (int s = 0; s < 30; ++s) {
            SmallSequence sequence{.info = {}, .ids = {{}}};
            for (int t = 0; t < 64; ++t)
                sequence.ids[0].push_back(static_cast<ExpertId>(t / 16));
            sequences.push_back(sequence);
        }
        const Result by = resultOf("position", smallTrace(4, 1, sequences));
        QVERIFY(near(by.table("position").reals("plug_in")[0], 2));
        QVERIFY(by.table("position").reals("chance")[0] < 0.3);
        QVERIFY(near(by.table("position").reals("p")[0], 1.0 / 21));
        const Result none = resultOf("position", tokensWithExperts(0, 9));
        QVERIFY(near(none.number("mean_information").value, 0, 0.02));
    }

    void textsAreValidUtf8()
    {
        QCOMPARE(wellFormedUtf8("a\xc3\xa4"), std::string{"a\xc3\xa4"});
        QCOMPARE(wellFormedUtf8("\xc3"), std::string{"\xef\xbf\xbd"});
        QCOMPARE(wellFormedUtf8("\xed\xa0\x80").size(), std::size_t{9}); // a surrogate: three bytes that are nothing
        QCOMPARE(wellFormedUtf8("\xf0\x9f\x98\x80"), std::string{"\xf0\x9f\x98\x80"});
    }
};

QTEST_GUILESS_MAIN(TestVocabulary)
#include "test_vocabulary.moc"
