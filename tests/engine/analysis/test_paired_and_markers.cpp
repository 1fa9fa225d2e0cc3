// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Risk difference of paired texts, and experts of marker tokens.
#include "engine/analysis/analysis.h"
#include "engine/analysis/paired_sides.h"
#include "engine/analysis/statistics.h"
#include "engine/core/error.h"
#include "engine/core/parallel.h"
#include "run_analysis.h"
#include "tests/engine/analysis/small_trace.h"
#include "tests/engine/core/random_trace.h"

#include <QtTest>

#include <cmath>

using namespace expertscope;
using namespace expertscope::test;

namespace {

Result resultOf(const char *id, const TracePtr &trace, const Settings &settings = {})
{
    return test::analyse(id, trace, settings, numbered);
}

SmallSequence side(const char *label, const std::string &pair, std::vector<std::int32_t> tokens, std::vector<ExpertId> ids)
{
    SmallSequence sequence{.info = {}, .ids = {std::move(ids)}, .tokenId = std::move(tokens)};
    sequence.info.labels = {label};
    sequence.info.parallelId = pair;
    return sequence;
}

/// Pair p: 1 2 3 4 against 9 3 4. Pair q: 5 6 against 5 6 6. And a text without a partner.
TracePtr pairs()
{
    return smallTrace(4, 1,
        {side("with", "p", {1, 2, 3, 4}, {0, 0, 1, 1}), side("without", "p", {9, 3, 4}, {2, 1, 2}),
            side("without", "q", {5, 6, 6}, {2, 2, 0}), side("with", "q", {5, 6}, {0, 3}), side("with", "alone", {1}, {3})},
        {"side"});
}

/// `pairCount` pairs of 20 tokens; "yes" takes expert 0 with an additional probability.
TracePtr randomPairs(int pairCount, double extra, std::uint64_t seed)
{
    Random random{seed};
    std::vector<SmallSequence> sequences;
    for (int s = 0; s < 2 * pairCount; ++s) {
        std::vector<ExpertId> ids;
        for (int t = 0; t < 20; ++t)
            ids.push_back(s % 2 == 0 && random.uniform() < extra ? ExpertId{0} : static_cast<ExpertId>(random.below(8)));
        sequences.push_back(side(s % 2 == 0 ? "yes" : "no", std::to_string(s / 2), {}, ids));
    }
    return smallTrace(8, 1, sequences, {"side"});
}

/// 40 sequences of 25 tokens, 8 experts; token 7 is rare and chooses expert 3 with the given probability, others choose any.
TracePtr marked(double own, std::uint64_t seed)
{
    Random random{seed};
    std::vector<SmallSequence> sequences;
    for (int s = 0; s < 40; ++s) {
        SmallSequence sequence{.info = {}, .ids = {{}}};
        for (int t = 0; t < 25; ++t) {
            sequence.tokenId.push_back(random.below(10) == 0 ? 7 : 1);
            sequence.ids[0].push_back(
                sequence.tokenId.back() == 7 && random.uniform() < own ? ExpertId{3} : static_cast<ExpertId>(random.below(8)));
        }
        sequences.push_back(std::move(sequence));
    }
    return smallTrace(8, 1, sequences);
}

} // namespace

class TestPairedAndMarkers : public QObject {
    Q_OBJECT

private slots:
    void riskDifferenceByHand()
    {
        const Result result = resultOf("risk-difference", pairs(), {{"min-count", "0"}});
        const Table &table = result.table("risk-difference");
        // with: 3, 2, 0, 1 of 6; without: 1, 1, 4, 0 of 6
        QCOMPARE(table.integers("count_1"), (std::vector<std::int64_t>{3, 2, 0, 1}));
        QCOMPARE(table.integers("count_2"), (std::vector<std::int64_t>{1, 1, 4, 0}));
        QVERIFY(near(table.reals("value")[0], 2.0 / 6) && near(table.reals("value")[2], -4.0 / 6));
        QCOMPARE(table.integers("n")[0], std::int64_t{2});
        QVERIFY(near(result.matrix("risk-difference-map").at(0, 2), -4.0 / 6));
        QCOMPARE(result.number("above_30").value, 2.0);
        QVERIFY(near(result.table("layers").reals("value")[0], (2.0 + 1 + 4 + 1) / 6 / 4));
        QCOMPARE(result.table("top-experts").integers("expert")[0], std::int64_t{2});
        QVERIFY(result.notes[0].find("1 parallel ids") == 0);
        const Result reversed = resultOf("risk-difference", pairs(), {{"side-1", "without"}, {"bootstrap", "0"}});
        QVERIFY(near(reversed.table("risk-difference").reals("value")[2], 4.0 / 6));
        QVERIFY(std::isnan(reversed.table("risk-difference").reals("p")[2])); // fewer than 50
    }

    void spansAndControls()
    {
        const TracePtr trace = pairs();
        const auto tokens = [&](const char *span, const char *match) {
            const PairedSides sides = pairedSides(*trace, {"side", "with", "without", span, match}, {});
            return std::pair{sides.firstTokens, sides.secondTokens};
        };
        using Tokens = std::vector<std::int64_t>;
        QCOMPARE(tokens("all", "none"), (std::pair<Tokens, Tokens>{{4, 2}, {3, 3}}));
        QCOMPARE(tokens("all", "length"), (std::pair<Tokens, Tokens>{{3, 2}, {3, 2}}));
        QCOMPARE(tokens("all", "ids"), (std::pair<Tokens, Tokens>{{2, 2}, {2, 3}}));
        QCOMPARE(tokens("shared-end", "none"), (std::pair<Tokens, Tokens>{{2, 1}, {2, 1}}));
        QVERIFY_THROWS_EXCEPTION(Error, tokens("generated", "none")); // nothing was generated
        const Result result = resultOf("risk-difference", trace, {{"span", "shared-end"}, {"min-count", "0"}});
        // with: 3 4 | 6 -> 1 1 3; without: 3 4 | 6 -> 1 2 0
        QCOMPARE(result.table("risk-difference").integers("count_1"), (std::vector<std::int64_t>{0, 2, 0, 1}));
        QCOMPARE(result.table("risk-difference").integers("count_2"), (std::vector<std::int64_t>{1, 1, 1, 0}));
    }

    void differencesThatAreThereAndNot()
    {
        const Result strong = resultOf("risk-difference", randomPairs(40, 0.3, 1));
        const Table &table = strong.table("risk-difference");
        QVERIFY(near(table.reals("value")[0], 0.3 * 7 / 8, 0.06));
        QVERIFY(table.reals("low")[0] > 0 && table.reals("high")[0] > table.reals("value")[0]);
        QCOMPARE(table.integers("significant")[0], std::int64_t{1});
        QVERIFY(strong.table("layers").reals("p")[0] < 0.01);
        int flagged = 0;
        for (std::uint64_t seed = 1; seed <= 10; ++seed)
            flagged += resultOf("risk-difference", randomPairs(40, 0, seed), {{"permutations", "300"}}).number("significant").value > 0;
        QVERIFY2(flagged <= 3, qPrintable(QString::number(flagged)));
    }

    void pairsThatAreMissing()
    {
        const AnalysisKind &kind = analysisKind("risk-difference");
        QVERIFY(!missing(kind, {{smallTrace(4, 1, {})}, {}}, Params{kind.params}).empty());
        QVERIFY(!missing(kind, {{marked(0, 1)}, {}}, Params{kind.params}).empty()); // no parallel ids
        QVERIFY_THROWS_EXCEPTION(Error, resultOf("risk-difference", pairs(), {{"column", "colour"}}));
        QVERIFY_THROWS_EXCEPTION(Error, resultOf("risk-difference", pairs(), {{"side-1", "never"}}));
        QVERIFY_THROWS_EXCEPTION(Error, resultOf("risk-difference", pairs(), {{"column", "language"}}));
        const TracePtr single = smallTrace(2, 1, {side("a", "p", {}, {0}), side("b", "p", {}, {1})}, {"side"});
        QVERIFY(std::isnan(resultOf("risk-difference", single).table("risk-difference").reals("low")[0])); // one pair
    }

    void pmiByHand()
    {
        // T = 8; token 7 twice, both with expert 0, which 4 tokens chose: (log2(2/2) + log2(8/4)) / log2(8/2) = 1/2
        SmallSequence sequence{.info = {}, .ids = {{0, 0, 0, 0, 1, 1, 1, 2}}, .tokenId = {7, 7, 1, 1, 1, 1, 8, 8}};
        const TracePtr trace = smallTrace(4, 1, {sequence});
        const Result result = resultOf("token-pmi", trace, {{"tokens", "t7"}, {"min-count", "0"}});
        const Table &table = result.table("token-pmi");
        QVERIFY(near(table.reals("value")[0], 0.5));
        QCOMPARE(table.reals("value")[1], -1.0);
        QVERIFY(std::isnan(table.reals("value")[3])); // nobody chose it
        QCOMPARE(table.integers("n"), (std::vector<std::int64_t>{4, 3, 1, 0}));
        // token 8 with expert 1: (log2(1/2) + log2(8/3)) / log2(8); with expert 2: (log2(1/2) + log2(8)) / log2(8) = 2/3
        const Result both = resultOf("token-pmi", trace, {{"tokens", "#7|-#8"}, {"min-count", "0"}});
        QVERIFY(near(both.table("token-pmi").reals("value")[0], 0.5 + 1));
        QVERIFY(near(both.table("token-pmi").reals("value")[1], -1 - (std::log2(0.5) + std::log2(8.0 / 3)) / 3));
        QVERIFY(near(both.table("token-pmi").reals("value")[2], -1 - 2.0 / 3));
        QCOMPARE(both.table("top-experts").integers("expert")[0], std::int64_t{0});
        const Table &markers = both.table("markers");
        QCOMPARE(markers.texts("marker")[1], std::string{"#8"});
        QCOMPARE(markers.integers("count")[3], std::int64_t{1}); // expert 1, marker #8
        QCOMPARE(markers.reals("share")[3], 0.5);
        // both as one marker: M = 4, k = 2 with expert 0
        const Result set = resultOf("token-pmi", trace, {{"tokens", "#7&t8"}, {"min-count", "0"}});
        QVERIFY(near(set.table("token-pmi").reals("value")[0], 0)); // (log2(2/4) + log2(8/4)) / log2(8/2)
    }

    void pmiFindsTheExpert()
    {
        const Result strong = resultOf("token-pmi", marked(0.6, 3), {{"tokens", "#7"}, {"permutations", "400"}});
        const Table &table = strong.table("token-pmi");
        QCOMPARE(strong.table("top-experts").integers("expert")[0], std::int64_t{3});
        QCOMPARE(table.integers("significant")[3], std::int64_t{1});
        QVERIFY(table.reals("low")[3] > table.reals("chance")[3]);
        int flagged = 0;
        for (std::uint64_t seed = 1; seed <= 10; ++seed)
            flagged += resultOf("token-pmi", marked(0, seed), {{"tokens", "#7"}, {"permutations", "200"}, {"bootstrap", "0"}})
                           .number("significant")
                           .value
                > 0;
        QVERIFY2(flagged <= 3, qPrintable(QString::number(flagged)));
    }

    void markersThatAreNotThere()
    {
        const TracePtr trace = marked(0, 1);
        QVERIFY_THROWS_EXCEPTION(Error, resultOf("token-pmi", trace)); // no <think>
        QVERIFY_THROWS_EXCEPTION(Error, resultOf("token-pmi", trace, {{"tokens", ""}}));
        QVERIFY_THROWS_EXCEPTION(Error, resultOf("token-pmi", trace, {{"tokens", "#seven"}}));
        QVERIFY_THROWS_EXCEPTION(Error, resultOf("token-pmi", trace, {{"tokens", "#7||#1"}}));
        QVERIFY_THROWS_EXCEPTION(Error, resultOf("token-pmi", trace, {{"tokens", "#7"}, {"phase", "generated"}}));
        const AnalysisKind &kind = analysisKind("token-pmi");
        QVERIFY_THROWS_EXCEPTION(Error, runAnalysis(kind, {{trace}, {}}, Params{kind.params, Settings{{"tokens", "t7"}}}, {})); // no texts
    }

    void generatedTokensOnly()
    {
        SmallSequence sequence{.info = {}, .ids = {{1, 1, 0, 2}}, .tokenId = {7, 1, 7, 1}, .generated = 2};
        const Result result =
            resultOf("token-pmi", smallTrace(4, 1, {sequence}), {{"tokens", "#7"}, {"phase", "generated"}, {"min-count", "0"}});
        QCOMPARE(result.table("token-pmi").integers("n"), (std::vector<std::int64_t>{1, 0, 1, 0}));
        QCOMPARE(result.table("token-pmi").reals("value")[0], 1.0); // 1 of 1, of 2 tokens
    }

    void threadsDoNotMatter()
    {
        const TracePtr trace = randomTrace({.sequences = 20, .fields = allFields()}, 4);
        const std::string id = "#" + std::to_string(trace->tokens({0, 1}).tokenId.front());
        setThreadCount(1);
        const Result one = resultOf("token-pmi", trace, {{"tokens", id}, {"min-count", "0"}, {"smoothing", "0.5"}});
        setThreadCount(3);
        const Result three = resultOf("token-pmi", trace, {{"tokens", id}, {"min-count", "0"}, {"smoothing", "0.5"}});
        setThreadCount(0);
        QCOMPARE(one.table("token-pmi").reals("value"), three.table("token-pmi").reals("value"));
        QCOMPARE(one.table("token-pmi").reals("p"), three.table("token-pmi").reals("p"));
    }
};

QTEST_GUILESS_MAIN(TestPairedAndMarkers)
#include "test_paired_and_markers.moc"
