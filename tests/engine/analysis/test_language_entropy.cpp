// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// language-entropy and token-consistency: a line per language over the layers, made of one value per sequence.
#include "engine/analysis/analysis.h"
#include "engine/analysis/group_means.h"
#include "engine/core/parallel.h"
#include "run_analysis.h"
#include "small_trace.h"
#include "tests/engine/analysis/parallel_trace.h"
#include "tests/engine/core/random_trace.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <set>

using namespace expertscope;
using namespace expertscope::test;

namespace {

double valueOf(const Table &table, int layer, const std::string &language, const char *column = "value")
{
    for (std::size_t row = 0; row < table.rows(); ++row)
        if (table.integers("layer")[row] == layer && table.texts("language")[row] == language)
            return table.reals(column)[row];
    return noNumber;
}

double entropyOf(const std::vector<double> &p)
{
    double h = 0;
    for (const double x : p)
        h -= x > 0 ? x * std::log(x) : 0;
    return h / std::log(static_cast<double>(p.size()));
}

/// Softmax of each token of a sequence, [n] of [E].
std::vector<std::vector<double>> softmaxes(const RoutingTrace &trace, const SequenceInfo &info, int layer)
{
    const auto experts = static_cast<std::size_t>(trace.meta().experts);
    std::vector<float> logits(static_cast<std::size_t>(info.range().count()) * experts);
    trace.routerLogits(info.range(), layer, logits);
    std::vector<std::vector<double>> rows;
    for (std::size_t t = 0; t * experts < logits.size(); ++t) {
        std::vector<double> &p = rows.emplace_back();
        double sum = 0;
        for (std::size_t e = 0; e < experts; ++e) {
            p.push_back(std::exp(static_cast<double>(logits[t * experts + e])));
            sum += p.back();
        }
        for (double &x : p)
            x /= sum;
    }
    return rows;
}

} // namespace

class TestLanguageEntropy : public QObject {
    Q_OBJECT

private slots:
    void entropiesAreTheDefinitions()
    {
        ParallelShape shape;
        const TracePtr trace =
            parallelTrace(shape, [](const TokenAt &at, int expert) { return expert == at.token % 4 ? 2.0 * at.language : 0.0; });
        const Result result = analyse("language-entropy", trace);
        for (int g = 0; g < 3; ++g) {
            double pooled = 0, single = 0;
            for (int p = 0; p < shape.texts; ++p) {
                const auto rows = softmaxes(*trace, trace->meta().sequences[static_cast<std::size_t>(3 * p + g)], 1);
                std::vector<double> q(8, 0.0);
                double ofTokens = 0;
                for (const auto &row : rows) {
                    for (std::size_t e = 0; e < 8; ++e)
                        q[e] += row[e] / static_cast<double>(rows.size());
                    ofTokens += entropyOf(row) / static_cast<double>(rows.size());
                }
                pooled += entropyOf(q) / shape.texts;
                single += ofTokens / shape.texts;
            }
            const std::string &language = shape.languages[static_cast<std::size_t>(g)];
            QVERIFY(near(valueOf(result.table("profile-entropy"), 1, language), pooled, 1e-6));
            QVERIFY(near(valueOf(result.table("token-entropy"), 1, language), single, 1e-6));
            QVERIFY(pooled > single); // entropy is concave
            QVERIFY(valueOf(result.table("token-entropy"), 1, language, "low") < single);
            QVERIFY(valueOf(result.table("token-entropy"), 1, language, "high") > single);
        }
        const Number &drop = result.number("token_entropy_last_drop");
        QVERIFY(drop.low < 0 && drop.high > 0); // the layers are alike
        QCOMPARE(drop.n, 36);
    }

    void entropyOfWhatThereIs()
    {
        ParallelShape shape;
        shape.fields.routerLogit = false;
        const LogitOf even = [](const TokenAt &, int) { return 0.0; };
        const Result means = analyse("language-entropy", parallelTrace(shape, even));
        QVERIFY(mentions(means, "needs router logits") && means.tables.size() == 1);
        const Result gates = analyse("language-entropy", parallelTrace(shape, even), {{"first-position", "1"}});
        QVERIFY(mentions(gates, "sums of gate weights"));
        QVERIFY(!near(gates.number("mean_profile_entropy").value, means.number("mean_profile_entropy").value, 1e-6));

        RoutingSummary counts{.grouping = "language",
            .groups = {"en", "he"},
            .layers = {5},
            .experts = 4,
            .topK = 1,
            .tokens = {4, 4},
            .counts = {1, 1, 1, 1, 4, 0, 0, 0},
            .gateMass = {},
            .softmaxMass = {}};
        const Result imported = analyse("language-entropy", countsTrace(counts));
        QVERIFY(near(valueOf(imported.table("profile-entropy"), 5, "en"), 1, 1e-6));
        QVERIFY(near(valueOf(imported.table("profile-entropy"), 5, "he"), 0, 1e-6));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("language-entropy", countsTrace(counts), {{"from", "softmax"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse("language-entropy", countsTrace(counts), {{"phase", "prompt"}}));
        counts.grouping = "domain";
        QVERIFY_THROWS_EXCEPTION(Error, analyse("language-entropy", countsTrace(counts)));
        shape.languages = {""};
        QVERIFY_THROWS_EXCEPTION(Error, analyse("language-entropy", parallelTrace(shape, even)));
    }

    void aCollapseIsADrop()
    {
        ParallelShape shape;
        shape.layers = {0, 1, 2, 3};
        const Result result = analyse("language-entropy", parallelTrace(shape, [](const TokenAt &at, int expert) {
            return at.layer == 3 && expert == 0 && at.language > 0 ? 6.0 : 0.0;
        }));
        QVERIFY(result.number("profile_entropy_last_drop").low > 0.2);
    }

    void consistencyIsTheMeanOverAllPairs()
    {
        ParallelShape shape;
        shape.texts = 3;
        const TracePtr trace = parallelTrace(shape, [](const TokenAt &, int) { return 0.0; });
        const Result result = analyse("token-consistency", trace, {{"pairs", "40000"}});
        for (int g = 0; g < 3; ++g) {
            double expected = 0;
            for (int p = 0; p < shape.texts; ++p) {
                const SequenceInfo &info = trace->meta().sequences[static_cast<std::size_t>(3 * p + g)];
                const auto n = static_cast<std::size_t>(info.range().count());
                std::vector<ExpertId> ids(2 * n);
                trace->expertIds(info.range(), 2, ids);
                double sum = 0;
                for (std::size_t t = 0; t < n; ++t)
                    for (std::size_t u = 0; u < t; ++u) {
                        const std::set<int> a{ids[2 * t], ids[2 * t + 1]};
                        std::set<int> all = a;
                        all.insert({ids[2 * u], ids[2 * u + 1]});
                        sum += (4.0 - static_cast<double>(all.size())) / static_cast<double>(all.size());
                    }
                expected += sum / static_cast<double>(n * (n - 1) / 2) / shape.texts;
            }
            const double value = valueOf(result.table("consistency"), 3, shape.languages[static_cast<std::size_t>(g)]);
            QVERIFY2(near(value, expected, 0.006), qPrintable(QString::number(value) + " " + QString::number(expected)));
        }
        QVERIFY(near(valueOf(result.table("consistency"), 3, "en", "chance"), 2.0 / 14)); // k / (2 E - k)
    }

    void consistentTextsAreTold()
    {
        ParallelShape shape;
        shape.texts = 30;
        const TracePtr trace =
            parallelTrace(shape, [](const TokenAt &at, int expert) { return at.language == 1 && expert / 2 == at.text % 4 ? 20.0 : 0.0; });
        const Result result = analyse("token-consistency", trace);
        const Table &table = result.table("consistency");
        QVERIFY(near(valueOf(table, 0, "de"), 1)); // all tokens of a text take its two experts
        QVERIFY(near(valueOf(table, 0, "de", "between"), 0)); // and those of the text before have two others
        QVERIFY(valueOf(table, 0, "en", "low") < valueOf(table, 0, "en", "between_high"));
        QVERIFY(result.number("within_minus_between").low > 0.2);
        QCOMPARE(table.integers("n")[0], 30);

        setThreadCount(1);
        const Result one = analyse("token-consistency", trace);
        setThreadCount(0);
        QVERIFY(one.table("consistency").reals("value") == table.reals("value"));
        QVERIFY(one.table("consistency").reals("high") == table.reals("high"));
        const Result different = analyse("token-consistency", trace, {{"different-ids", "on"}});
        QVERIFY(near(valueOf(different.table("consistency"), 0, "de"), 1));
    }

    void anyRandomTrace()
    {
        for (std::uint64_t seed = 1; seed <= 12; ++seed) {
            TraceShape shape;
            shape.sequences = static_cast<int>(seed);
            shape.fields = allFields(); // empty slots too
            const TracePtr trace = randomTrace(shape, seed);
            for (const char *id : {"language-entropy", "token-consistency"}) {
                if (!missing(analysisKind(id), {{trace}, {}}, Params{analysisKind(id).params}).empty())
                    continue;
                const Result result = analyse(id, trace, {{"bootstrap", "20"}});
                for (const double value : result.tables.front().reals("value"))
                    QVERIFY(std::isnan(value) || (value >= -1e-9 && value <= 1 + 1e-6));
            }
        }
        TraceShape empty;
        empty.maxTokens = 0;
        QVERIFY_THROWS_EXCEPTION(Error, analyse("token-consistency", randomTrace(empty, 1)));
        RoutingSummary counts{.grouping = "language",
            .groups = {"en"},
            .layers = {0},
            .experts = 2,
            .topK = 1,
            .tokens = {1},
            .counts = {1, 0},
            .gateMass = {},
            .softmaxMass = {}};
        QVERIFY_THROWS_EXCEPTION(Error, analyse("token-consistency", countsTrace(counts)));
    }

    void meansOfGroups()
    {
        const SequenceGroups groups{
            .grouping = "language", .names = {"a", "b"}, .of = {0, 0, 1, -1, 1}, .sequences = {2, 2}, .tokens = {2, 2}};
        const std::vector<double> values{1, 3, 5, 100, noNumber};
        const std::vector<GroupMean> means = groupMeans(values, groups, 200, 1);
        QVERIFY(near(means[0].value, 2) && means[0].n == 2 && near(means[0].low, 1) && near(means[0].high, 3));
        QVERIFY(near(means[1].value, 5) && means[1].n == 1 && std::isnan(means[1].low));
        const GroupMean all = meanOfGroups(values, groups, 200, 1);
        QVERIFY(near(all.value, 3.5) && std::isnan(all.low) && all.n == 3);
    }
};

QTEST_APPLESS_MAIN(TestLanguageEntropy)
#include "test_language_entropy.moc"
