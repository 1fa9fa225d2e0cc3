// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Every intervention and every policy by itself: what it declares, and what it does to one row of known logits.
#include "engine/core/error.h"
#include "engine/core/recipe.h"
#include "engine/routing/pipeline.h"
#include "engine/steering/counter_random.h"
#include "engine/steering/interventions.h"
#include "engine/steering/policies.h"
#include "golden.h"

#include <QTest>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

using namespace expertscope;

namespace {

const std::vector<float> goldenLogits{1.2f, -0.4f, 0.9f, 2.1f, 0.3f, 2.06f, -1.5f, 0.7f};

MoeFfn rule(int k, bool normalise)
{
    MoeFfn moe;
    moe.experts = 8;
    moe.topK = k;
    moe.normalise = normalise;
    return moe;
}

/// Experts and weights of one row, the largest weight first.
struct Routed {
    std::vector<int> experts;
    std::vector<double> weights;
    double sum() const { return std::accumulate(weights.begin(), weights.end(), 0.0); }
};

Routed routed(const std::string &policy, const ParamValues &settings, const MoeFfn &moe, const std::vector<float> &logits = goldenLogits)
{
    const PolicyKind &kind = policyKind(policy);
    static const std::unique_ptr<Backend> backend = makeBackend("plain");
    static const std::shared_ptr<const Model> model = Model::load(Golden{"olmoe"}.files(), *backend, {});
    const int layer = 0;
    const auto overrides = kind.make(Params{kind.params, settings}, {*model, *backend, {&layer, 1}});
    const RoutingPlace place{0, 0, 0, 3};
    const RoutedBatch batch = route(moe, {}, logits, {&place, 1}, overrides.get());
    Routed out;
    for (std::size_t s = 0; s < static_cast<std::size_t>(batch.assignments.count[0]); ++s) {
        out.experts.push_back(batch.assignments.expert[s]);
        out.weights.push_back(static_cast<double>(batch.assignments.weight[s]));
    }
    return out;
}

std::vector<float> edited(const std::string &op, const std::vector<std::int32_t> &experts, float strength, float epsilon,
    std::vector<float> logits = goldenLogits)
{
    const std::vector<float> own = logits;
    const std::vector<float> vector{1, 2, 3, 4, 5, 6, 7, 8};
    const InterventionKind &kind = interventionKind(op);
    kind.editLogits(
        {own, experts, kind.takesVectors ? std::span<const float>{vector} : std::span<const float>{}, strength, epsilon}, logits);
    return logits;
}

bool near(double a, double b, double within = 2e-6)
{
    return std::fabs(a - b) <= within;
}

void checkDeclared(
    std::string_view id, std::string_view title, std::string_view help, std::string_view source, std::span<const ParamKind> params)
{
    const QByteArray name{id.data(), static_cast<qsizetype>(id.size())};
    QVERIFY2(!id.empty() && std::all_of(id.begin(), id.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; }), name);
    QVERIFY2(!title.empty() && help.size() > 10 && help.ends_with('.') && !source.empty(), name);
    std::set<std::string_view> ids;
    for (const ParamKind &param : params) {
        QVERIFY2(!param.title.empty() && param.help.size() > 5 && ids.insert(param.id).second, name);
        const std::pair<std::string, std::string> standard{param.id, param.standard};
        const Params accepted{params, {&standard, 1}}; // throws if the default is out of range
    }
}

} // namespace

class TestSteeringKinds : public QObject {
    Q_OBJECT
private slots:
    void interventionsAreDeclared()
    {
        std::set<std::string_view> ids;
        for (const InterventionKind &kind : interventionKinds()) {
            checkDeclared(kind.id, kind.title, kind.help, kind.source, kind.params);
            QVERIFY(ids.insert(kind.id).second);
            QCOMPARE((kind.editLogits != nullptr) + (kind.editChoice != nullptr) + (kind.editWeights != nullptr), 1);
            QCOMPARE(&interventionKind(kind.id), &kind);
        }
        QVERIFY_EXCEPTION_THROWN(interventionKind("boost"), Error);
    }

    void policiesAreDeclared()
    {
        std::set<std::string_view> ids;
        for (const PolicyKind &kind : policyKinds()) {
            checkDeclared(kind.id, kind.title, kind.help, kind.source, kind.params);
            QVERIFY(ids.insert(kind.id).second);
            QCOMPARE(&policyKind(kind.id), &kind);
            QCOMPARE(kind.make == nullptr, kind.scope == PolicyScope::Generation);
            QVERIFY(kind.scope == PolicyScope::Rows || !kind.selects);
        }
        QVERIFY_EXCEPTION_THROWN(policyKind("top-q"), Error);
    }

    void logitEditsTouchOnlyTheirExperts()
    {
        const std::vector<std::int32_t> experts{6, 1};
        for (const InterventionKind &kind : interventionKinds()) {
            if (!kind.editLogits || kind.takesVectors || kind.id.starts_with("log-"))
                continue;
            const std::vector<float> z = edited(std::string{kind.id}, experts, 0.7f, 0.01f);
            for (std::size_t e = 0; e < z.size(); ++e)
                QCOMPARE(z[e] == goldenLogits[e], e != 1 && e != 6);
        }
    }

    void logitFormulas()
    {
        // the deviation of the eight logits, and their log-sum-exp, from their definitions
        const double mean = std::accumulate(goldenLogits.begin(), goldenLogits.end(), 0.0) / 8;
        double squares = 0;
        double sum = 0;
        for (float z : goldenLogits) {
            squares += (static_cast<double>(z) - mean) * (static_cast<double>(z) - mean);
            sum += std::exp(static_cast<double>(z));
        }
        QVERIFY(near(static_cast<double>(edited("add", {2}, 0.5f, 0)[2]), 1.4));
        QVERIFY(near(static_cast<double>(edited("soft", {2}, 0.5f, 0)[2]), 0.9 + 0.5 * std::sqrt(squares / 8)));
        QVERIFY(near(static_cast<double>(edited("scale-abs", {1}, -0.1f, 0)[1]), -0.44));
        QCOMPARE(edited("mask", {3}, 0, 0)[3], -std::numeric_limits<float>::infinity());
        QVERIFY(near(static_cast<double>(edited("log-max", {1}, 0, 0.01f)[1]), 2.1 - std::log(sum) + 0.01));
        QVERIFY(near(static_cast<double>(edited("log-min", {3}, 0, 0.01f)[3]), -1.5 - std::log(sum) - 0.01));
        QVERIFY(near(static_cast<double>(edited("log-min", {3}, 0, 0.01f)[0]), 1.2 - std::log(sum)));
        const std::vector<float> biased = edited("bias", {}, 0.5f, 0);
        for (std::size_t e = 0; e < 8; ++e)
            QCOMPARE(biased[e], goldenLogits[e] + 0.5f * static_cast<float>(e + 1));
    }

    void forcedExpertsAreRankedAboveAllOthers()
    {
        for (float shift : {0.0f, 100.0f, -3000.0f}) {
            std::vector<float> logits = goldenLogits;
            for (float &z : logits)
                z += shift;
            const std::vector<float> up = edited("force-max", {6, 1, 4}, 0, 1e-6f, logits);
            QVERIFY(up[6] > up[1] && up[1] > up[4] && up[4] > up[3]);
            QVERIFY(static_cast<double>(up[6]) - static_cast<double>(up[3]) < 1e-5 * (1 + std::fabs(static_cast<double>(shift))) + 1e-5);
            const std::vector<float> down = edited("force-min", {3, 5}, 0, 1e-6f, logits);
            QVERIFY(down[3] < down[6] && down[5] == down[3]);
        }
        // a masked expert is no minimum
        std::vector<float> masked = goldenLogits;
        masked[6] = -std::numeric_limits<float>::infinity();
        QVERIFY(near(static_cast<double>(edited("force-min", {3}, 0, 1e-6f, masked)[3]), -0.4, 1e-5));
    }

    void weightFormulas()
    {
        const std::vector<std::int32_t> chosen{5, 2, 7};
        const std::vector<std::int32_t> experts{2, 0};
        const auto weights = [&](const char *op, float strength) {
            std::vector<float> w{0.5f, 0.25f, 0.125f};
            interventionKind(op).editWeights({{}, experts, {}, strength, 0}, chosen, w);
            return w;
        };
        QCOMPARE(weights("weight-scale", 4), (std::vector<float>{0.5f, 1.0f, 0.125f}));
        QCOMPARE(weights("weight-scale", 1), (std::vector<float>{0.5f, 0.25f, 0.125f}));
        QCOMPARE(weights("weight-set", 0), (std::vector<float>{0.5f, 0.0f, 0.125f}));
        QCOMPARE(weights("weight-rescale", 1.75f), (std::vector<float>{1.0f, 0.5f, 0.25f}));
    }

    void goldenPolicies_data()
    {
        QTest::addColumn<QString>("policy");
        QTest::addColumn<ParamValues>("settings");
        QTest::addColumn<bool>("normalise");
        QTest::addColumn<std::vector<int>>("ids");
        QTest::addColumn<std::vector<double>>("weights");
        using Ids = std::vector<int>;
        using Weights = std::vector<double>;
        // vectors of methods 2, section 6.4
        QTest::newRow("top-p 0.4") << "top-p" << ParamValues{{"theta", "0.4"}} << true << Ids{3, 5} << Weights{0.313494, 0.301201};
        QTest::newRow("top-p 0.7") << "top-p" << ParamValues{{"theta", "0.7"}} << true << Ids{3, 5, 0}
                                   << Weights{0.313494, 0.301201, 0.127457};
        QTest::newRow("top-p capped") << "top-p" << ParamValues{{"theta", "0.7"}, {"variant", "cap-renormalise"}} << false << Ids{3, 5}
                                      << Weights{0.509999, 0.490001};
        QTest::newRow("top-p normalised") << "top-p" << ParamValues{{"theta", "0.7"}, {"variant", "include-renormalise"}} << false
                                          << Ids{3, 5, 0} << Weights{0.313494 / 0.742152, 0.301201 / 0.742152, 0.127457 / 0.742152};
        QTest::newRow("top-p, most") << "top-p" << ParamValues{{"theta", "0.99"}, {"k_max", "1"}} << false << Ids{3} << Weights{0.313494};
        QTest::newRow("top-p, fewest") << "top-p" << ParamValues{{"theta", "0"}, {"k_min", "2"}} << false << Ids{3, 5}
                                       << Weights{0.313494, 0.301201};
        QTest::newRow("dynmole") << "entropy-hybrid"
                                 << ParamValues{{"q", "1.1"}, {"threshold", "0.95"}, {"top_p", "0.7"}, {"keep_top_k", "2"}} << true
                                 << Ids{3, 5} << Weights{0.313494, 0.301201};
        QTest::newRow("dynmole, undecided") << "entropy-hybrid" << ParamValues{{"q", "1.1"}, {"threshold", "0.8193"}} << true
                                            << Ids{3, 5, 0, 2, 7, 4, 1, 6}
                                            << Weights{0.313494, 0.301201, 0.127457, 0.094422, 0.077307, 0.05182, 0.025733, 0.008566};
        QTest::newRow("dynmole, just decided") << "entropy-hybrid" << ParamValues{{"q", "1.1"}, {"threshold", "0.8195"}} << true
                                               << Ids{3, 5, 0} << Weights{0.313494, 0.301201, 0.127457};
        QTest::newRow("rank 2") << "rank-k" << ParamValues{{"rank", "2"}} << true << Ids{5} << Weights{1};
        QTest::newRow("rank 2, raw") << "rank-k" << ParamValues{{"rank", "2"}} << false << Ids{5} << Weights{0.301201};
        QTest::newRow("k 4") << "top-k" << ParamValues{{"k", "4"}} << false << Ids{3, 5, 0, 2}
                             << Weights{0.313494, 0.301201, 0.127457, 0.094422};
        QTest::newRow("k 4, model normalises") << "top-k" << ParamValues{{"k", "4"}} << true << Ids{3, 5, 0, 2}
                                               << Weights{0.374735, 0.360041, 0.152356, 0.112868};
        QTest::newRow("k 4, normalised") << "top-k" << ParamValues{{"k", "4"}, {"sum", "renormalise"}} << false << Ids{3, 5, 0, 2}
                                         << Weights{0.374735, 0.360041, 0.152356, 0.112868};
        const double two = 0.313494 + 0.301201; // what k = 2 sums to
        QTest::newRow("k 4, rescaled") << "top-k" << ParamValues{{"k", "4"}, {"sum", "rescale"}} << false << Ids{3, 5, 0, 2}
                                       << Weights{0.374735 * two, 0.360041 * two, 0.152356 * two, 0.112868 * two};
        QTest::newRow("min-p") << "min-p" << ParamValues{{"ratio", "0.3"}} << false << Ids{3, 5, 0, 2}
                               << Weights{0.313494, 0.301201, 0.127457, 0.094422};
        QTest::newRow("uniform, raw") << "uniform-weights" << ParamValues{} << false << Ids{3, 5} << Weights{two / 2, two / 2};
        QTest::newRow("uniform") << "uniform-weights" << ParamValues{} << true << Ids{3, 5} << Weights{0.5, 0.5};
        QTest::newRow("null 1") << "null-threshold" << ParamValues{{"tau", "2.08"}} << false << Ids{3} << Weights{1};
        QTest::newRow("null, nothing left") << "null-threshold" << ParamValues{{"tau", "3"}} << false << Ids{} << Weights{};
        QTest::newRow("null, below all") << "null-threshold" << ParamValues{{"tau", "-3"}, {"sum", "as-model"}} << false << Ids{3, 5}
                                         << Weights{0.313494, 0.301201};
    }

    void goldenPolicies()
    {
        QFETCH(QString, policy);
        QFETCH(ParamValues, settings);
        QFETCH(bool, normalise);
        QFETCH(std::vector<int>, ids);
        QFETCH(std::vector<double>, weights);
        const Routed got = routed(policy.toStdString(), settings, rule(2, normalise));
        QCOMPARE(got.experts, ids);
        for (std::size_t i = 0; i < weights.size(); ++i)
            QVERIFY2(near(got.weights[i], weights[i]), qPrintable(QString::number(got.weights[i], 'g', 8)));
    }

    void temperatureChangesWeightsNotTheChoice()
    {
        const Routed cool = routed("temperature", {{"t", "0.5"}}, rule(3, false));
        const Routed own = routed("temperature", {{"t", "1"}}, rule(3, false));
        const Routed hot = routed("temperature", {{"t", "4"}}, rule(3, false));
        QCOMPARE(cool.experts, own.experts);
        QCOMPARE(hot.experts, own.experts);
        QVERIFY(cool.weights[0] > own.weights[0] && own.weights[0] > hot.weights[0]);
        QVERIFY(near(own.weights[0], 0.313494));
        QVERIFY(near(hot.weights[0] / hot.weights[1], std::exp((2.1 - 2.06) / 4), 1e-5));
    }

    void allExpertsAreTheDenseLimit()
    {
        const Routed all = routed("all-experts", {}, rule(2, true));
        QCOMPARE(all.experts.size(), std::size_t{8});
        QVERIFY(near(all.sum(), 1));
        QVERIFY(near(routed("all-experts", {{"sum", "rescale"}}, rule(2, false)).sum(), 0.313494 + 0.301201));
    }

    void randomExpertsAreUniformAndDifferent()
    {
        std::vector<int> seen(8);
        for (int seed = 0; seed < 4000; ++seed) {
            const Routed got = routed("random", {{"n", "3"}, {"seed", std::to_string(seed)}}, rule(2, false));
            QCOMPARE(std::set(got.experts.begin(), got.experts.end()).size(), std::size_t{3});
            for (int e : got.experts)
                ++seen[static_cast<std::size_t>(e)];
        }
        for (int count : seen) // 1500 expected, deviation about 31
            QVERIFY2(std::abs(count - 1500) < 140, qPrintable(QString::number(count)));
        QVERIFY(near(routed("random", {{"n", "3"}}, rule(2, true)).sum(), 1));
    }

    void countedRandomNumbers()
    {
        CounterRandom one{1, 2, 3};
        CounterRandom same{1, 2, 3};
        CounterRandom other{1, 3, 2};
        const std::uint64_t first = one.next();
        QCOMPARE(same.next(), first);
        QVERIFY(other.next() != first);
        double sum = 0;
        double squares = 0;
        constexpr int n = 20000;
        for (int i = 0; i < n; ++i) {
            const double x = one.normal();
            sum += x;
            squares += x * x;
        }
        QVERIFY(std::fabs(sum / n) < 0.03 && std::fabs(squares / n - 1) < 0.05);
    }
};

QTEST_APPLESS_MAIN(TestSteeringKinds)
#include "test_steering_kinds.moc"
