// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/token_metrics.h"
#include "engine/core/error.h"
#include "engine/core/tensor.h"
#include "tests/engine/core/random_trace.h"

#include <QtTest>

#include <cmath>
#include <set>

using namespace expertscope;
using namespace expertscope::test;

namespace {

/// Two tokens, one layer, E = 4, K = 2. Token 0: logits 0, 0, 0, 0. Token 1: logits 2, 0, -1, -8, but expert 2 chosen instead of 1.
TracePtr twoTokens()
{
    TraceMeta meta;
    meta.fields.gateWeight = meta.fields.routerLogit = meta.fields.logprob = true;
    meta.slotCount = 2;
    meta.experts = 4;
    meta.layers = {0};
    TraceBlock block;
    block.count = 2;
    block.tokenId = {5, 6};
    block.position = {0, 1};
    block.seqIndex = {0, 0};
    block.phase = {Phase::Prefill, Phase::Prefill};
    block.logprob = {std::nanf(""), -1.5f};
    block.expertId = {0, 1, 0, 2};
    block.gateWeight = {0.25f, 0.25f, 0.75f, 0.25f};
    for (float logit : {0.0f, 0.0f, 0.0f, 0.0f, 2.0f, 0.0f, -1.0f, -8.0f})
        block.routerLogit.push_back(f32ToF16(logit));
    MemoryTrace trace;
    trace.begin(meta);
    trace.append(block);
    SequenceInfo info;
    info.nPrompt = 2;
    trace.endSequence(info, {});
    return trace.snapshot();
}

std::vector<float> valuesOf(const char *id, const RoutingTrace &trace, TokenRange range, int layer = 0)
{
    std::vector<float> values(static_cast<std::size_t>(range.count()));
    tokenMetric(id).compute(trace, range, layer, values);
    return values;
}

void compare(const std::vector<float> &values, const std::vector<double> &expected)
{
    QCOMPARE(values.size(), expected.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        QVERIFY2(std::abs(static_cast<double>(values[i]) - expected[i]) < 1e-6,
            qPrintable(QString::number(values[i]) + " is not " + QString::number(expected[i])));
}

} // namespace

class TestTokenMetrics : public QObject {
    Q_OBJECT

private slots:
    void handComputed()
    {
        const TracePtr trace = twoTokens();
        const TokenRange both{0, 2};
        compare(valuesOf("top_expert", *trace, both), {0, 0});
        // e^2, 1, e^-1, e^-8 normalised
        const double e[] = {std::exp(2.0), 1.0, std::exp(-1.0), std::exp(-8.0)};
        const double z = e[0] + e[1] + e[2] + e[3];
        double bits = 0;
        for (double x : e)
            bits -= x / z * std::log2(x / z);
        compare(valuesOf("entropy", *trace, both), {2.0, bits});
        compare(valuesOf("weight_entropy", *trace, both), {1.0, 0.75 * std::log2(4.0 / 3.0) + 0.25 * 2.0});
        compare(valuesOf("top_weight", *trace, both), {0.25, 0.75});
        compare(valuesOf("margin", *trace, both), {0.0, -1.0});
        compare(valuesOf("weight_sum", *trace, both), {0.5, 1.0});
        const std::vector<float> logprob = valuesOf("logprob", *trace, both);
        QVERIFY(std::isnan(logprob[0]));
        QCOMPARE(logprob[1], -1.5f);
    }

    void emptySlotsAreUndefinedNotZero()
    {
        TraceShape shape;
        shape.fields.nActive = true;
        shape.fields.routerLogit = true;
        shape.sequences = 20;
        const TracePtr trace = randomTrace(shape, 3);
        const TokenRange all{0, trace->meta().tokens};
        std::vector<ExpertId> ids(static_cast<std::size_t>(all.count() * 2));
        trace->expertIds(all, 0, ids);
        const std::vector<float> top = valuesOf("top_expert", *trace, all), bits = valuesOf("weight_entropy", *trace, all),
                                 margin = valuesOf("margin", *trace, all);
        int empty = 0;
        for (std::size_t t = 0; t < top.size(); ++t)
            if (ids[2 * t] == noExpert) {
                ++empty;
                QVERIFY(std::isnan(top[t]) && std::isnan(bits[t]) && std::isnan(margin[t]));
            }
        QVERIFY(empty > 10);
    }

    void blocksJoinWithoutASeam()
    {
        TraceShape shape;
        shape.sequences = 2;
        shape.maxTokens = 12'000;
        shape.layers = {0, 1};
        shape.fields = allFields();
        const TracePtr trace = randomTrace(shape, 4);
        QVERIFY(trace->meta().tokens > 5000);
        for (const TokenMetricKind &metric : tokenMetrics()) {
            const std::vector<float> whole = valuesOf(metric.id.data(), *trace, {10, 4900}, 1);
            for (std::int64_t t : {10, 4095, 4105, 4106, 4107, 4899}) {
                const std::vector<float> one = valuesOf(metric.id.data(), *trace, {t, t + 1}, 1);
                const float x = whole[static_cast<std::size_t>(t - 10)];
                QVERIFY2(x == one[0] || (std::isnan(x) && std::isnan(one[0])), metric.id.data());
            }
        }
    }

    void everyMetricIsExplainedAndGuarded()
    {
        TraceShape bare;
        bare.fields = {};
        const TracePtr trace = randomTrace(bare, 1);
        std::vector<float> values(1);
        std::set<std::string_view> ids;
        for (const TokenMetricKind &metric : tokenMetrics()) {
            QVERIFY(ids.insert(metric.id).second);
            QVERIFY(!metric.title.empty() && !metric.unit.empty() && metric.help.size() > 40);
            QVERIFY(metric.available(allFields()));
            if (metric.available(bare.fields))
                metric.compute(*trace, {0, 1}, 0, values);
            else
                QVERIFY_THROWS_EXCEPTION(Error, metric.compute(*trace, {0, 1}, 0, values));
            QVERIFY_THROWS_EXCEPTION(Error, metric.compute(*trace, {0, 2}, 0, values)); // two rows, one value
        }
        QCOMPARE(ids.size(), std::size_t{7});
        QVERIFY_THROWS_EXCEPTION(Error, tokenMetric("colour"));
    }
};

QTEST_APPLESS_MAIN(TestTokenMetrics)
#include "test_token_metrics.moc"
