// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/softmax.h"
#include "engine/core/summary.h"
#include "tests/engine/core/random_trace.h"

#include <QtTest>

#include <map>

using namespace expertscope;
using namespace expertscope::test;

class TestSummary : public QObject {
    Q_OBJECT

    /// The definition, token by token: no blocks, no groups of rows.
    static void compareWithDefinition(const RoutingTrace &trace, const std::string &grouping)
    {
        const TraceMeta &meta = trace.meta();
        const GroupOf groupOf = groupBy(meta, grouping);
        const RoutingSummary summary = summarise(trace, grouping, groupOf, Progress{});
        QCOMPARE(summary.layers, meta.layers);
        QCOMPARE(summary.experts, meta.experts);
        std::map<std::string, int> groups;
        for (std::size_t g = 0; g < summary.groups.size(); ++g)
            groups[summary.groups[g]] = static_cast<int>(g);

        RoutingSummary expected = summary;
        std::fill(expected.tokens.begin(), expected.tokens.end(), 0);
        std::fill(expected.counts.begin(), expected.counts.end(), 0);
        std::fill(expected.gateMass.begin(), expected.gateMass.end(), 0.0);
        std::vector<ExpertId> ids(static_cast<std::size_t>(meta.slotCount));
        std::vector<float> weights(ids.size());
        for (const SequenceInfo &info : meta.sequences) {
            const std::string name = groupOf(info);
            if (name.empty())
                continue;
            QVERIFY(groups.count(name));
            for (std::int64_t t = info.range().begin; t < info.range().end; ++t) {
                ++expected.tokens[static_cast<std::size_t>(groups[name])];
                for (int layer = 0; layer < meta.moeLayers(); ++layer) {
                    trace.expertIds({t, t + 1}, layer, ids);
                    trace.gateWeights({t, t + 1}, layer, weights);
                    for (std::size_t s = 0; s < ids.size(); ++s)
                        if (ids[s] != noExpert) {
                            ++expected.counts[expected.index(groups[name], layer, ids[s])];
                            expected.gateMass[expected.index(groups[name], layer, ids[s])] += static_cast<double>(weights[s]);
                        }
                }
            }
        }
        QCOMPARE(summary.tokens, expected.tokens);
        QCOMPARE(summary.counts, expected.counts);
        for (std::size_t i = 0; i < summary.gateMass.size(); ++i)
            QVERIFY(std::abs(summary.gateMass[i] - expected.gateMass[i]) < 1e-9);
    }

private slots:
    void countsWhatTheDefinitionCounts_data()
    {
        QTest::addColumn<QString>("grouping");
        QTest::addColumn<bool>("varyingCount");
        for (const char *grouping : {"language", "domain", "sequence", "source"}) {
            QTest::addRow("%s", grouping) << grouping << false;
            QTest::addRow("%s, varying number of experts", grouping) << grouping << true;
        }
    }
    void countsWhatTheDefinitionCounts()
    {
        QFETCH(QString, grouping);
        QFETCH(bool, varyingCount);
        TraceShape shape;
        shape.sequences = 30;
        shape.fields.nActive = varyingCount;
        compareWithDefinition(*randomTrace(shape, 11), grouping.toStdString());
    }

    void readsLongTracesInBlocks()
    {
        TraceShape shape;
        shape.sequences = 3;
        shape.maxTokens = 9000;
        shape.layers = {0};
        const TracePtr trace = randomTrace(shape, 5);
        QVERIFY(trace->meta().tokens > 4096);
        compareWithDefinition(*trace, "sequence");
    }

    void softmaxMassIsTokensTimesTheMean()
    {
        TraceShape shape;
        const TracePtr trace = randomTrace(shape, 2);
        const RoutingSummary summary = summarise(
            *trace, "all", [](const SequenceInfo &) { return "all"; }, Progress{});
        std::vector<float> mean(3 * 8);
        std::vector<double> expected(mean.size());
        for (std::size_t s = 0; s < trace->meta().sequences.size(); ++s) {
            trace->meanSoftmax(static_cast<int>(s), mean);
            for (std::size_t i = 0; i < mean.size(); ++i)
                expected[i] += static_cast<double>(mean[i]) * static_cast<double>(trace->meta().sequences[s].range().count());
        }
        for (std::size_t i = 0; i < mean.size(); ++i)
            QVERIFY(std::abs(summary.softmaxMass[i] - expected[i]) < 1e-9);
    }

    void softmaxMassComesFromLogitsWhereMeansAreMissing()
    {
        TraceShape shape;
        shape.fields.meanSoftmax = false;
        shape.fields.routerLogit = true;
        const TracePtr trace = randomTrace(shape, 2);
        const RoutingSummary summary = summarise(
            *trace, "all", [](const SequenceInfo &) { return "all"; }, Progress{});
        double sum = 0;
        for (int e = 0; e < 8; ++e)
            sum += summary.softmaxMass[summary.index(0, 1, e)];
        QVERIFY(std::abs(sum - static_cast<double>(trace->meta().tokens)) < 1e-3);
        std::vector<float> row(8);
        double second = 0;
        for (std::int64_t t = 0; t < trace->meta().tokens; ++t) {
            trace->routerLogits({t, t + 1}, 1, row);
            softmaxInPlace(row);
            second += static_cast<double>(row[2]);
        }
        QVERIFY(std::abs(summary.softmaxMass[summary.index(0, 1, 2)] - second) < 1e-6);
    }

    void missingFieldsStayMissing()
    {
        TraceShape shape;
        shape.fields = {};
        const RoutingSummary summary = summarise(
            *randomTrace(shape, 2), "all", [](const SequenceInfo &) { return "all"; }, Progress{});
        QVERIFY(summary.gateMass.empty());
        QVERIFY(summary.softmaxMass.empty());
        QCOMPARE(summary.topK, 2);
    }

    void frequencyIsTheShareOfTokens()
    {
        RoutingSummary summary;
        summary.groups = {"a", "b"};
        summary.layers = {4};
        summary.experts = 2;
        summary.tokens = {8, 0};
        summary.counts = {2, 6, 0, 0};
        QCOMPARE(summary.frequency(0, 0, 0), 0.25);
        QCOMPARE(summary.frequency(0, 0, 1), 0.75);
        QCOMPARE(summary.frequency(1, 0, 1), 0.0);
    }

    void unknownGroupingNamesWhatThereIs()
    {
        const TracePtr trace = randomTrace({}, 1);
        try {
            groupBy(trace->meta(), "colour");
            QFAIL("no error");
        } catch (const Error &error) {
            QCOMPARE(error.kind, ErrorKind::Usage);
            QVERIFY(error.remedy.find("grade") != std::string::npos);
            QVERIFY(error.remedy.find("language") != std::string::npos);
        }
    }

    void stopsWhenAsked()
    {
        std::stop_source stop;
        stop.request_stop();
        const TracePtr trace = randomTrace({}, 1);
        QVERIFY_THROWS_EXCEPTION(Cancelled, summarise(*trace, "language", groupBy(trace->meta(), "language"), Progress{stop.get_token()}));
    }
};

QTEST_APPLESS_MAIN(TestSummary)
#include "test_summary.moc"
