// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The routing pipeline against hand-made router golden vectors, and its override points.
#include "engine/core/error.h"
#include "engine/core/parallel.h"
#include "engine/routing/pipeline.h"

#include <QTest>

#include <cmath>
#include <limits>
#include <numeric>

using namespace expertscope;

namespace {

const std::vector<float> goldenLogits{1.2f, -0.4f, 0.9f, 2.1f, 0.3f, 2.06f, -1.5f, 0.7f};
const std::vector<float> goldenBias{0.30f, 0.00f, 0.25f, -0.40f, 0.05f, -0.10f, 0.00f, 0.10f};

MoeFfn rule(int k, bool normalise)
{
    MoeFfn moe;
    moe.experts = 8;
    moe.topK = k;
    moe.normalise = normalise;
    return moe;
}

std::vector<RoutingPlace> places(std::int64_t rows)
{
    std::vector<RoutingPlace> out;
    for (std::int64_t r = 0; r < rows; ++r)
        out.push_back({5, r, 0, static_cast<std::int32_t>(r)});
    return out;
}

RoutedBatch routeOne(
    const MoeFfn &moe, const std::vector<float> &logits, const std::vector<float> &bias = {}, const StageOverrides *overrides = nullptr)
{
    return route(moe, bias, logits, places(static_cast<std::int64_t>(logits.size()) / moe.experts), overrides);
}

float weightOf(const RoutedBatch &routed, std::int32_t expert)
{
    for (std::size_t s = 0; s < static_cast<std::size_t>(routed.assignments.count[0]); ++s)
        if (routed.assignments.expert[s] == expert)
            return routed.assignments.weight[s];
    return std::numeric_limits<float>::quiet_NaN();
}

/// Bans one expert, as an intervention does.
struct Ban : StageOverrides {
    void editLogits(const RoutingPlace &, std::span<float> logits) const override { logits[3] = -std::numeric_limits<float>::infinity(); }
};

/// The smallest prefix of experts whose probability exceeds p: a varying count.
struct TopP : StageOverrides {
    int slotCount(int, const MoeFfn &moe) const override { return moe.experts; }
    bool select(const RoutingRow &row, std::vector<std::int32_t> &chosen) const override
    {
        const std::span<const float> choice = row.choice;
        if (row.place.position == 1)
            return false; // this row keeps the family's rule
        topK(choice, static_cast<int>(choice.size()), chosen);
        float mass = 0;
        std::size_t n = 0;
        while (n < chosen.size() && mass <= 0.7f)
            mass += choice[static_cast<std::size_t>(chosen[n++])];
        chosen.resize(n);
        return true;
    }
};

/// Takes over every stage, so that each is seen to be called.
struct Everything : StageOverrides {
    bool score(const RoutingPlace &, std::span<const float> logits, std::span<float> scores) const override
    {
        std::copy(logits.begin(), logits.end(), scores.begin());
        return true;
    }
    bool choiceScore(const RoutingPlace &, std::span<const float> scores, std::span<float> choice) const override
    {
        std::transform(scores.begin(), scores.end(), choice.begin(), [](float s) { return -s; });
        return true;
    }
    bool rawWeights(const RoutingRow &, std::span<const std::int32_t> chosen, std::span<float> weights) const override
    {
        std::copy(chosen.begin(), chosen.end(), weights.begin());
        return true;
    }
    bool normalise(const RoutingRow &, std::span<float> weights) const override
    {
        for (float &w : weights)
            w += 100;
        return true;
    }
    void editWeights(const RoutingPlace &, std::span<const std::int32_t> chosen, std::span<float> weights) const override
    {
        for (std::size_t i = 0; i < chosen.size(); ++i)
            if (chosen[i] == 1)
                weights[i] = 0.5f;
    }
};

struct Wrong : StageOverrides {
    explicit Wrong(std::vector<std::int32_t> list)
        : chosen{std::move(list)}
    {
    }
    bool select(const RoutingRow &, std::vector<std::int32_t> &out) const override
    {
        out = chosen;
        return true;
    }
    std::vector<std::int32_t> chosen;
};

} // namespace

class TestPipeline : public QObject {
    Q_OBJECT
private slots:
    void goldenVectors_data()
    {
        QTest::addColumn<MoeFfn>("moe");
        QTest::addColumn<bool>("biased");
        QTest::addColumn<std::vector<int>>("ids");
        QTest::addColumn<std::vector<double>>("weights");

        using Ids = std::vector<int>;
        using Weights = std::vector<double>;
        const Ids four{3, 5, 0, 2};
        QTest::newRow("mixtral") << rule(2, true) << false << Ids{3, 5} << Weights{0.509999, 0.490001};
        QTest::newRow("qwen2_moe, olmoe") << rule(4, false) << false << four << Weights{0.313494, 0.301201, 0.127457, 0.094422};
        QTest::newRow("qwen3_moe") << rule(4, true) << false << four << Weights{0.374735, 0.360041, 0.152356, 0.112868};
        QTest::newRow("gpt_oss, granite: softmax over the chosen equals it")
            << rule(4, true) << false << four << Weights{0.374735, 0.360041, 0.152356, 0.112868};
        MoeFfn deepseek2 = rule(3, false);
        deepseek2.groups = 4;
        deepseek2.topkGroups = 2;
        deepseek2.scale = 16;
        QTest::newRow("deepseek_v2") << deepseek2 << false << Ids{3, 5, 2} << Weights{5.015897, 4.819221, 1.510759};
        MoeFfn deepseek3 = rule(3, true);
        deepseek3.score = ScoreFunction::Sigmoid;
        deepseek3.selectionBias = true;
        deepseek3.groups = 4;
        deepseek3.topkGroups = 2;
        deepseek3.scale = 2.5;
        QTest::newRow("deepseek_v3") << deepseek3 << true << Ids{0, 2, 3} << Weights{0.810551, 0.749827, 0.939622};
        MoeFfn minimax = rule(3, true);
        minimax.score = ScoreFunction::Sigmoid;
        minimax.selectionBias = true;
        QTest::newRow("minimax_m2") << minimax << true << Ids{0, 2, 5} << Weights{0.324761, 0.300431, 0.374807};
        MoeFfn ernie = rule(3, true);
        ernie.selectionBias = true;
        QTest::newRow("ernie4_5_moe") << ernie << true << Ids{0, 2, 5} << Weights{0.243666, 0.180512, 0.575822};
    }

    void goldenVectors()
    {
        QFETCH(MoeFfn, moe);
        QFETCH(bool, biased);
        QFETCH(std::vector<int>, ids);
        QFETCH(std::vector<double>, weights);
        const RoutedBatch routed = routeOne(moe, goldenLogits, biased ? goldenBias : std::vector<float>{});
        QCOMPARE(routed.assignments.count[0], static_cast<int>(ids.size()));
        for (std::size_t i = 0; i < ids.size(); ++i)
            QVERIFY2(std::fabs(static_cast<double>(weightOf(routed, ids[i])) - weights[i]) < 2e-6, qPrintable(QString::number(ids[i])));
        for (std::size_t s = 1; s < ids.size(); ++s)
            QVERIFY(routed.assignments.weight[s - 1] >= routed.assignments.weight[s]);
        QCOMPARE(routed.choice.empty(), !biased && moe.groups == 1);
        QVERIFY(std::fabs(routed.softmax[3] - 0.313494f) < 1e-6f);
    }

    void tiesTakeTheLowestIndex()
    {
        const RoutedBatch routed = routeOne(rule(3, false), {1, 2, 2, 2, 2, 0, 2, 1});
        QCOMPARE(
            std::vector(routed.assignments.expert.begin(), routed.assignments.expert.begin() + 3), (std::vector<std::int32_t>{1, 2, 3}));
    }

    void everyRowWhateverTheThreads()
    {
        constexpr std::size_t rows = 1000;
        std::vector<float> logits(rows * 8);
        for (std::size_t i = 0; i < logits.size(); ++i)
            logits[i] = static_cast<float>(std::sin(static_cast<double>(i) * 1.7) * 3);
        setThreadCount(1);
        const RoutedBatch one = routeOne(rule(2, true), logits);
        setThreadCount(3);
        const RoutedBatch three = routeOne(rule(2, true), logits);
        setThreadCount(0);
        QCOMPARE(one.assignments.expert, three.assignments.expert);
        QCOMPARE(one.assignments.weight, three.assignments.weight);
        QCOMPARE(std::accumulate(one.assignments.count.begin(), one.assignments.count.end(), 0), 2000);
    }

    void interventionEditsLogitsNotTheRecord()
    {
        const RoutedBatch routed = routeOne(rule(2, true), goldenLogits, {}, std::make_unique<Ban>().get());
        QCOMPARE(routed.assignments.expert[0], 5);
        QCOMPARE(routed.assignments.expert[1], 0);
        QVERIFY(std::fabs(routed.assignments.weight[0] + routed.assignments.weight[1] - 1) < 1e-6f);
        QVERIFY(std::fabs(routed.softmax[3] - 0.313494f) < 1e-6f);
        QCOMPARE(routed.choice[3], 0.0f);
        QCOMPARE(routed.changed, std::vector<std::int32_t>{1}); // expert 3 gave way to 0
        QVERIFY(routeOne(rule(2, true), goldenLogits).changed.empty());
        MoeFfn sigmoid = rule(2, true);
        sigmoid.score = ScoreFunction::Sigmoid;
        sigmoid.groups = 4;
        sigmoid.topkGroups = 2;
        QCOMPARE(
            routeOne(sigmoid, goldenLogits, goldenBias, std::make_unique<StageOverrides>().get()).changed, std::vector<std::int32_t>{0});
    }

    void policyVariesTheCount()
    {
        std::vector<float> logits = goldenLogits;
        logits.insert(logits.end(), goldenLogits.begin(), goldenLogits.end());
        const TopP topP;
        const RoutedBatch routed = routeOne(rule(2, false), logits, {}, &topP);
        QCOMPARE(routed.assignments.slotCount, 8);
        QCOMPARE(routed.assignments.count[0], 3);
        QCOMPARE(routed.assignments.count[1], 2);
        QVERIFY(std::fabs(routed.assignments.weight[2] - 0.127457f) < 1e-6f);
        QCOMPARE(routed.changed, (std::vector<std::int32_t>{0, 0})); // more experts, none of the own ones lost
        QCOMPARE(routed.assignments.expert[3], -1);
        QCOMPARE(routed.assignments.expert[8], 3);
    }

    void everyStageCanBeReplaced()
    {
        MoeFfn moe = rule(2, true);
        moe.scale = 2;
        const Everything everything;
        const RoutedBatch routed = routeOne(moe, goldenLogits, {}, &everything);
        // lowest logits first: 6, then 1; weights (id + 100) * 2, then expert 1 is set to 0.5
        QCOMPARE(routed.assignments.expert[0], 6);
        QCOMPARE(routed.assignments.weight[0], 212.0f);
        QCOMPARE(routed.assignments.expert[1], 1);
        QCOMPARE(routed.assignments.weight[1], 0.5f);
    }

    void brokenPoliciesAreErrors()
    {
        for (const auto &list : {std::vector<std::int32_t>{1, 1}, {8, 0}, {-1, 0}, {0, 1, 2}}) {
            const Wrong wrong{list};
            QVERIFY_EXCEPTION_THROWN(routeOne(rule(2, true), goldenLogits, {}, &wrong), Error);
        }
    }

    void brokenLogitsAreErrorsThatSayWhere()
    {
        for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
            std::vector<float> logits = goldenLogits;
            logits[6] = bad;
            try {
                routeOne(rule(2, true), logits);
                QFAIL("accepted");
            } catch (const Error &error) {
                QCOMPARE(error.kind, ErrorKind::Check);
                QVERIFY(error.where.find("layer 5") != std::string::npos);
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestPipeline)
#include "test_pipeline.moc"
