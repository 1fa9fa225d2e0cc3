// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/statistics.h"
#include "engine/core/summary.h"
#include "tests/engine/analysis/run_analysis.h"
#include "tests/engine/analysis/small_trace.h"
#include "tests/engine/core/golden_traces.h"
#include "tests/engine/core/random_trace.h"

using namespace expertscope;
using namespace expertscope::test;

namespace {

SequenceInfo ofDomain(const char *domain)
{
    SequenceInfo info;
    info.domain = std::string{domain}; // moved in: GCC 12 sees uninitialised bytes in an assignment
    return info;
}

/// Expert 0 in every token; beside it 1 in law, 2 in code, 3 in prose.
TracePtr threeDomains(int sequences)
{
    std::vector<SmallSequence> all;
    const char *const domains[] = {"law", "code", "prose"};
    for (int s = 0; s < sequences; ++s) {
        const auto own = static_cast<ExpertId>(1 + s % 3);
        all.push_back({.info = ofDomain(domains[s % 3]), .ids = {{0, own, 0, own, 0, own}}});
    }
    return smallTrace(8, 2, all);
}

} // namespace

class TestCommittee : public QObject {
    Q_OBJECT

private slots:
    void findsTheExpertOfEveryDomain()
    {
        const Result result = analyse("committee", threeDomains(24));
        const Table &layers = result.table("layers"), &members = result.table("committee");
        QVERIFY(near(layers.reals("value").front(), 1.0 / 3, 1e-12)); // {0, 1}, {0, 2}, {0, 3}
        QVERIFY(near(layers.reals("least").front(), 1.0 / 3, 1e-12));
        QVERIFY(near(layers.reals("chance").front(), 2.0 / 14, 1e-12));
        QCOMPARE(layers.integers("members").front(), std::int64_t{1});
        QVERIFY(near(layers.reals("mass").front(), 0.5, 1e-6)); // half of all choices
        QVERIFY(near(layers.reals("members_chance").front(), 8 * std::pow(0.25, 3), 1e-12)); // in all three tops of 2 of 8
        // relabelled sequences have three different second experts again in 40.6 % of the cases (simulated apart), else more in common
        QVERIFY(near(layers.reals("p").front(), 0.406, 0.11));
        QVERIFY(layers.reals("null_high").front() > layers.reals("value").front());
        // shares .5, 1/6, 1/6, 1/6, 0 ...: sum |ci - cj| / 2 E
        QVERIFY(near(layers.reals("gini").front(), 0.5 * (1.0 / 8) * (6.0 * (0.5 - 1.0 / 6) + 8.0 * 0.5 + 24.0 / 6), 1e-6));
        QCOMPARE(members.integers("expert"), (std::vector<std::int64_t>{0}));
        QCOMPARE(members.integers("member").front(), std::int64_t{1});
        QCOMPARE(members.reals("mean_rank").front(), 1.0);
        QCOMPARE(members.reals("rank_deviation").front(), 0.0);
        QVERIFY(near(result.matrix("overlap").at(0, 2), 1.0 / 3, 1e-12));
        QCOMPARE(result.matrix("overlap").at(1, 1), 1.0);
    }

    /// Sequences that differ inside of their domain make intervals, which hold the value and narrow with their number.
    void intervalsComeFromSequences()
    {
        const auto noisy = [](int sequences) {
            Random random{5};
            std::vector<SmallSequence> all;
            for (int s = 0; s < sequences; ++s) {
                SmallSequence sequence{.info = ofDomain(s % 2 ? "law" : "code"), .ids = {{}, {}}};
                for (int t = 0; t < 12; ++t)
                    for (std::size_t layer = 0; layer < 2; ++layer)
                        sequence.ids[layer].push_back(
                            random.uniform() < 0.4 ? static_cast<ExpertId>(s % 2) : static_cast<ExpertId>(random.below(8)));
                all.push_back(std::move(sequence));
            }
            return analyse("committee", smallTrace(8, 1, all), {{"top", "3"}});
        };
        const Result few = noisy(12), many = noisy(400);
        for (const Result &result : {few, many})
            for (const char *id : {"jaccard", "gini", "committee_mass"}) {
                const Number &number = result.number(id);
                QVERIFY2(std::isnan(number.low) || (number.low <= number.value && number.value <= number.high), id);
            }
        const auto width = [](const Result &result) { return result.number("gini").high - result.number("gini").low; };
        QVERIFY(width(few) > 0 && width(many) < width(few) / 3);
        const Table &layers = few.table("layers");
        for (std::size_t m = 0; m < layers.rows(); ++m)
            QVERIFY(layers.reals("low")[m] <= layers.reals("high")[m]);
        QVERIFY(std::isnan(analyse("committee", threeDomains(24), {{"bootstrap", "0"}}).number("gini").low));
    }

    void lastTokenOfThePrompt()
    {
        // the last prompt token goes elsewhere than the rest
        const TracePtr trace = smallTrace(4, 1,
            {{.info = ofDomain("a"), .ids = {{0, 0, 2, 3}}, .generated = 1},
                {.info = ofDomain("b"), .ids = {{0, 0, 1, 3}}, .generated = 1}});
        QCOMPARE(analyse("committee", trace).table("layers").reals("value").front(), 1.0);
        QCOMPARE(analyse("committee", trace, {{"tokens", "last-prompt"}}).table("layers").reals("value").front(), 0.0);
    }

    void relabelledSequencesAreTheNull()
    {
        TraceShape shape;
        shape.experts = 16;
        shape.sequences = 40;
        const Result result = analyse("committee", randomTrace(shape, 5), {{"grouping", "domain"}});
        const auto &flags = result.table("layers").integers("significant");
        QCOMPARE(std::count(flags.begin(), flags.end(), 1), std::ptrdiff_t{0});
    }

    void importedCountsDo()
    {
        RoutingSummary counts;
        counts.grouping = std::string{"language"};
        counts.groups = {"en", "de"};
        counts.layers = {4};
        counts.experts = 3;
        counts.topK = 1;
        counts.tokens = {10, 10};
        counts.counts = {6, 4, 0, 1, 2, 7};
        const TracePtr trace = countsTrace(counts);
        const Result result = analyse("committee", trace, {{"top", "2"}});
        QVERIFY(near(result.table("layers").reals("value").front(), 1.0 / 3, 1e-12)); // {0, 1} and {2, 1}
        QVERIFY(std::isnan(result.table("layers").reals("p").front()));
        QCOMPARE(result.table("committee").integers("expert"), (std::vector<std::int64_t>{1}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("committee", trace, {{"grouping", "domain"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("committee", trace, {{"from", "softmax"}}));
        for (const char *id : {"srp", "chunk-sparsity", "neighbour-reuse", "co-activation", "transitions"})
            QVERIFY_THROWS_EXCEPTION(Error, analyse(id, trace));
    }

    void edges()
    {
        QVERIFY_THROWS_EXCEPTION(Error, analyse("committee", goldenTop2())); // one group
        TraceShape none;
        none.sequences = 0;
        QVERIFY_THROWS_EXCEPTION(Error, analyse("committee", randomTrace(none, 1)));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("committee", goldenTop2(), {{"grouping", "nothing"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("committee", goldenTop2(), {{"from", "softmax"}}));
    }
};

QTEST_APPLESS_MAIN(TestCommittee)
#include "test_committee.moc"
