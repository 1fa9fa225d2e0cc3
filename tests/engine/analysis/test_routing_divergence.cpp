// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/analysis.h"
#include "engine/analysis/distribution.h"
#include "engine/core/parallel.h"
#include "run_analysis.h"
#include "small_trace.h"
#include "tests/engine/analysis/parallel_trace.h"
#include "tests/engine/core/random_trace.h"

#include <QtTest>

#include <array>
#include <cmath>

using namespace expertscope;
using namespace expertscope::test;

namespace {

Result analyse(const TracePtr &trace, const Settings &settings = {})
{
    return test::analyse("routing-divergence", trace, settings);
}

/// A value of the main table.
double valueOf(const Result &result, int layer, const std::string &language, const char *column = "value")
{
    const Table &table = result.table("divergence");
    for (std::size_t row = 0; row < table.rows(); ++row)
        if (table.integers("layer")[row] == layer && table.texts("language")[row] == language)
            return table.reals(column)[row];
    return noNumber;
}

/// Five layers in which language g prefers expert 1 + g with a strength that is lowest in the middle; every text has an expert of its own.
TracePtr valley(int texts = 40)
{
    ParallelShape shape;
    shape.texts = texts;
    shape.layers = {0, 1, 2, 3, 4};
    return parallelTrace(shape, [](const TokenAt &at, int expert) {
        const double strength[] = {4, 2, 0, 2, 4};
        return (expert == at.language + 1 ? strength[at.layer] : 0.0) + (expert == 4 + at.text % 4 ? 1.0 : 0.0);
    });
}

/// Mean softmax of a sequence from its logits, by the definition.
std::vector<double> profile(const RoutingTrace &trace, const SequenceInfo &info, int layer)
{
    const auto experts = static_cast<std::size_t>(trace.meta().experts);
    std::vector<float> logits(static_cast<std::size_t>(info.range().count()) * experts);
    trace.routerLogits(info.range(), layer, logits);
    std::vector<double> q(experts, 0.0);
    for (std::size_t t = 0; t * experts < logits.size(); ++t) {
        double sum = 0;
        for (std::size_t e = 0; e < experts; ++e)
            sum += std::exp(static_cast<double>(logits[t * experts + e]));
        for (std::size_t e = 0; e < experts; ++e)
            q[e] += std::exp(static_cast<double>(logits[t * experts + e])) / sum / static_cast<double>(info.range().count());
    }
    return q;
}

/// Bandarkar et al., eq. 2, written with the two Kullback-Leibler divergences.
double hjs(const std::vector<double> &a, const std::vector<double> &b)
{
    double jsd = 0, entropies = 0;
    for (std::size_t e = 0; e < a.size(); ++e) {
        const double m = (a[e] + b[e]) / 2;
        jsd += 0.5 * a[e] * std::log(a[e] / m) + 0.5 * b[e] * std::log(b[e] / m);
        entropies -= 0.5 * (a[e] * std::log(a[e]) + b[e] * std::log(b[e]));
    }
    return jsd / (std::log(static_cast<double>(a.size())) - entropies);
}

} // namespace

class TestRoutingDivergence : public QObject {
    Q_OBJECT

private slots:
    void divergenceOfTwoDistributions()
    {
        const std::array a{1.0f, 0.0f, 0.0f, 0.0f}, b{0.0f, 1.0f, 0.0f, 0.0f}, uniform{0.25f, 0.25f, 0.25f, 0.25f};
        const Divergence apart = divergence(a, b, entropy(a), entropy(b));
        QVERIFY(near(apart.jsd, std::log(2.0)) && near(apart.normalised, 0.5)); // ln 2 of the ln 4 there is room for
        QVERIFY(near(divergence(a, a, entropy(a), entropy(a)).normalised, 0));
        QVERIFY(near(entropy(uniform), std::log(4.0)));
        QVERIFY(std::isnan(divergence(uniform, uniform, entropy(uniform), entropy(uniform)).normalised));
        const std::array twoA{0.5f, 0.5f, 0.0f, 0.0f}, twoB{0.0f, 0.0f, 0.5f, 0.5f};
        QVERIFY(near(divergence(twoA, twoB, entropy(twoA), entropy(twoB)).normalised, 1));
        const std::array none{std::nanf(""), std::nanf(""), 0.0f, 0.0f};
        QVERIFY(std::isnan(divergence(a, none, 0, entropy(none)).normalised));
    }

    void theCountsOfQwen3()
    {
        const auto counts = qwen3Counts({"en", "zh", "de", "fr", "es", "ja"});
        if (!counts)
            QSKIP("the shared data folder is not here");
        const Result result = analyse(countsTrace(*counts));
        const std::array expected{.3480, .1718, .1416, .1261, .0952, .0714, .0279, .0212, .0547, .0575, .0868, .1258, .0824, .1300, .0466,
            .0529, .1083, .0831, .0225, .0163, .0486, .0556, .0665, .1020, .0651, .0793, .0386, .0476, .0978, .0665, .0231, .0105, .0510,
            .0555, .0704, .1186, .0803, .1311, .0546, .0789, .1372, .1434, .2087, .1718, .1782, .2618, .2851, .4042};
        const std::vector<double> &curve = result.table("mean").reals("value");
        QCOMPARE(curve.size(), expected.size());
        for (std::size_t layer = 0; layer < expected.size(); ++layer)
            QVERIFY2(
                near(curve[layer], expected[layer], 5.1e-5), qPrintable(QString::number(layer) + ": " + QString::number(curve[layer])));
        QCOMPARE(result.number("trough_layer").value, 31.0);
        QVERIFY(near(valueOf(result, 0, "zh"), .420012, 5e-7) && near(valueOf(result, 31, "zh"), .017340, 5e-7));
        QVERIFY(near(valueOf(result, 0, "es"), .307088, 5e-7) && near(valueOf(result, 31, "es"), .003986, 5e-7));
        // of one pooled pair a language there is nothing to resample, and the words must not claim a tested shape
        QVERIFY(std::isnan(valueOf(result, 31, "zh", "low")) && std::isnan(valueOf(result, 31, "zh", "p")));
        QVERIFY(mentions(result, "cannot be tested") && mentions(result, "imported counts"));
        QCOMPARE(result.matrix("languages-all").rows.size(), std::size_t{6});
        QCOMPARE(result.table("dendrogram").rows(), std::size_t{5});
        const Result byCounts = analyse(countsTrace(*counts), {{"from", "counts"}, {"pivot", "ja"}});
        QVERIFY(std::isnan(valueOf(byCounts, 0, "ja")) && valueOf(byCounts, 0, "en") > 0.1);
        QVERIFY(!near(valueOf(byCounts, 0, "en"), valueOf(result, 0, "ja"), 1e-4));
        QVERIFY_THROWS_EXCEPTION(Error, analyse(countsTrace(*counts), {{"from", "softmax"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse(countsTrace(*counts), {{"special-tokens", "off"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse(countsTrace(*counts), {{"pivot", "sw"}}));
    }

    void valuesAreTheDefinition_data()
    {
        QTest::addColumn<bool>("stored");
        QTest::newRow("stored mean softmax") << true;
        QTest::newRow("router logits") << false;
    }
    void valuesAreTheDefinition()
    {
        QFETCH(bool, stored);
        ParallelShape shape;
        shape.fields.meanSoftmax = stored;
        const TracePtr trace = parallelTrace(shape, [](const TokenAt &at, int expert) { return expert == at.language ? at.layer : 0.0; });
        const Result result = analyse(trace);
        const TraceMeta &meta = trace->meta();
        for (int layer = 0; layer < 3; ++layer)
            for (int a = 0; a < 3; ++a)
                for (int b = 0; b < 3; ++b) {
                    double sum = 0;
                    for (int p = 0; p < shape.texts; ++p)
                        sum += hjs(profile(*trace, meta.sequences[static_cast<std::size_t>(3 * p + a)], layer),
                            profile(*trace, meta.sequences[static_cast<std::size_t>(3 * p + b)], layer));
                    const Matrix &matrix = result.matrix("languages-layer-" + std::to_string(meta.layers[static_cast<std::size_t>(layer)]));
                    const double value = matrix.at(static_cast<std::size_t>(a), static_cast<std::size_t>(b));
                    QVERIFY2(near(value, sum / shape.texts, 1e-6), qPrintable(QString::number(value)));
                    if (a == 0 && b > 0)
                        QVERIFY(near(valueOf(result, matrix.id.back() - '0', shape.languages[static_cast<std::size_t>(b)]), value, 1e-12));
                }
        QCOMPARE(result.table("pairs").rows(), std::size_t{9});
    }

    void aValleyIsUShaped()
    {
        const Result result = analyse(valley());
        QCOMPARE(result.number("trough_layer").value, 2.0);
        const Number &depth = result.number("edge_minus_trough");
        QVERIFY(depth.low > 0 && depth.low < depth.value && depth.value < depth.high);
        QVERIFY2(mentions(result, "U-shaped"), result.notes.front().c_str());
        for (const char *language : {"de", "fr"}) {
            QVERIFY(valueOf(result, 0, language) > valueOf(result, 0, language, "null_high")); // language sets them apart
            QVERIFY(valueOf(result, 2, language) < valueOf(result, 2, language, "null_low")); // a text has its own expert
            QVERIFY(valueOf(result, 2, language, "p") < 0.01);
            QVERIFY(valueOf(result, 1, language, "low") < valueOf(result, 1, language));
            QVERIFY(valueOf(result, 1, language, "high") > valueOf(result, 1, language));
        }
        const Series &curves = result.serie("divergence-by-layer");
        QCOMPARE(curves.curves.size(), std::size_t{3});
        QVERIFY(curves.curves.back().role == Curve::Role::Chance);
        QCOMPARE(curves.curves.back().low.size(), std::size_t{5});
        QVERIFY(near(result.matrix("languages-all").at(0, 1), result.matrix("languages-all").at(1, 0), 0));
    }

    void routingWithoutLanguageHasNoShape()
    {
        // the null holds: about one row in twenty may stray, and none after the correction in nearly all seeds
        int significant = 0, shaped = 0;
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            ParallelShape shape;
            shape.texts = 30;
            shape.layers = {0, 1, 2, 3, 4};
            shape.tokens = 20; // else the lengths of the languages would tell them apart
            shape.seed = seed;
            const Result result = analyse(parallelTrace(shape, [](const TokenAt &, int) { return 0.0; }), {{"match-length", "on"}});
            for (const std::int64_t flag : result.table("divergence").integers("significant"))
                significant += static_cast<int>(flag);
            shaped += !mentions(result, "No shape beyond the null");
        }
        QVERIFY2(significant <= 3, qPrintable(QString::number(significant)));
        QVERIFY2(shaped <= 2, qPrintable(QString::number(shaped)));
    }

    void sameNumbersWhateverTheThreads()
    {
        const TracePtr trace = valley(10);
        setThreadCount(1);
        const Result one = analyse(trace);
        setThreadCount(0);
        const Result all = analyse(trace);
        QVERIFY(one.table("divergence").reals("low") == all.table("divergence").reals("low"));
        QVERIFY(one.table("divergence").reals("p") == all.table("divergence").reals("p"));
        QVERIFY(one.table("divergence").reals("value") == all.table("divergence").reals("value"));
        const Result other = analyse(trace, {{"seed", "7"}});
        QVERIFY(other.table("divergence").reals("value") == all.table("divergence").reals("value"));
        QVERIFY(other.table("divergence").reals("low") != all.table("divergence").reals("low"));
    }

    void tokenFilters()
    {
        ParallelShape shape;
        shape.texts = 4;
        // only the first token, the same in all languages, is routed alike
        const TracePtr trace =
            parallelTrace(shape, [](const TokenAt &at, int expert) { return expert == (at.token == 0 ? 7 : at.language) ? 12.0 : 0.0; });
        const double withBos = valueOf(analyse(trace), 0, "de", "jsd"); // the plain divergence: BOS changes the entropies too
        const Result without = analyse(trace, {{"special-tokens", "off"}});
        QVERIFY(valueOf(without, 0, "de", "jsd") > withBos);
        QVERIFY(mentions(without, "first 1 and last 0"));
        QVERIFY(near(valueOf(analyse(trace, {{"first-position", "1"}}), 0, "de"), valueOf(without, 0, "de"), 1e-12));
        const Result shared = analyse(trace, {{"shared-ids", "on"}});
        QVERIFY(valueOf(shared, 0, "de", "jsd") < 0.1 * withBos); // BOS is the only id they share
        QVERIFY(mentions(shared, "1 of "));
        const Result matched = analyse(trace, {{"match-length", "on"}});
        QVERIFY(mentions(matched, " of ") && !near(valueOf(matched, 0, "de", "jsd"), withBos, 1e-12));
        QVERIFY_THROWS_EXCEPTION(Error, analyse(trace, {{"phase", "generated"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse(trace, {{"first-position", "900"}}));

        shape.fields.routerLogit = false;
        const TracePtr means = parallelTrace(shape, [](const TokenAt &at, int expert) { return expert == at.language ? 2.0 : 0.0; });
        QVERIFY_THROWS_EXCEPTION(Error, analyse(means, {{"match-length", "on"}, {"from", "softmax"}}));
        QVERIFY(mentions(analyse(means, {{"match-length", "on"}}), "sums of gate weights"));
    }

    void whatTheTraceHas()
    {
        ParallelShape shape;
        shape.languages = {"de", "fr", "zh-Hans", "zh-Hant", "ja"};
        const TracePtr trace = parallelTrace(shape, [](const TokenAt &at, int expert) { return expert == at.language ? 3.0 : 0.0; });
        const Result fallback = analyse(trace);
        QVERIFY(mentions(fallback, "compared with de") && std::isnan(valueOf(fallback, 0, "de")));
        QCOMPARE(fallback.table("script-control").rows(), std::size_t{1});
        QCOMPARE(fallback.table("script-control").texts("language_a")[0], std::string{"zh-Hans"});
        const Result chosen = analyse(trace, {{"pivot", "ja"}, {"languages", " fr , ja"}, {"all-pairs", "off"}});
        QCOMPARE(chosen.table("divergence").rows(), std::size_t{3});
        QVERIFY(chosen.matrices.empty());
        QVERIFY_THROWS_EXCEPTION(Error, analyse(trace, {{"pivot", "ru"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse(trace, {{"languages", "fr,ru"}}));
        QVERIFY_THROWS_EXCEPTION(Error, analyse(trace, {{"languages", "fr"}}));

        shape.languages = {"fr", "en-US"};
        shape.texts = 1;
        const Result one = analyse(parallelTrace(shape, [](const TokenAt &, int) { return 0.0; }));
        QVERIFY(mentions(one, "called en-US") && valueOf(one, 0, "fr") > 0);
        QVERIFY(std::isnan(valueOf(one, 0, "fr", "low")) && std::isnan(valueOf(one, 0, "fr", "p")));
        QVERIFY(mentions(one, "No language is there in two scripts"));

        shape.languages = {"en"};
        const AnalysisKind &kind = analysisKind("routing-divergence");
        const TracePtr alone = parallelTrace(shape, [](const TokenAt &, int) { return 0.0; });
        QVERIFY(missing(kind, {{alone}, {}}, Params{kind.params}).find("parallel_id") != std::string::npos);
        QVERIFY_THROWS_EXCEPTION(Error, analyse(alone));
    }

    void anyRandomTrace()
    {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            TraceShape shape;
            shape.sequences = static_cast<int>(seed);
            shape.fields = allFields();
            const TracePtr trace = randomTrace(shape, seed);
            const AnalysisKind &kind = analysisKind("routing-divergence");
            if (!missing(kind, {{trace}, {}}, Params{kind.params}).empty() || trace->meta().tokens == 0)
                continue;
            for (const char *from : {"softmax", "gate-mass", "counts"}) {
                const Result result = analyse(trace, {{"from", from}, {"bootstrap", "20"}, {"null", "20"}, {"special-tokens", "off"}});
                for (const double value : result.table("divergence").reals("value"))
                    QVERIFY(std::isnan(value) || (value >= 0 && value <= 1));
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestRoutingDivergence)
#include "test_routing_divergence.moc"
