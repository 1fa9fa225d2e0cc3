// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The checks that our own recordings carry: sound ones pass, each fault is seen, and what cannot be checked says why.
#include "engine/core/memory_trace.h"
#include "engine/core/recording_checks.h"
#include "engine/core/tensor.h"
#include "tests/engine/core/random_trace.h"

#include <QtTest>

#include <cmath>

using namespace expertscope;
using namespace expertscope::test;

namespace {

TraceMeta smallMeta()
{
    TraceShape shape;
    shape.experts = 4;
    shape.layers = {0};
    shape.fields = {.gateWeight = true, .routerLogit = true};
    TraceMeta meta = metaOf(shape);
    meta.routing.recipe.clear();
    meta.routing.interventions.clear();
    meta.model.scaling = 1;
    meta.model.nGroup = 1;
    return meta;
}

/// Two tokens of one layer whose choices are those of the logits.
TraceBlock soundBlock()
{
    TraceBlock block;
    block.count = 2;
    block.tokenId = {1, 2};
    block.position = {0, 1};
    block.seqIndex = {0, 0};
    block.phase = {Phase::Prefill, Phase::Prefill};
    block.expertId = {3, 0, 1, 2};
    block.gateWeight = {0.6f, 0.4f, 0.7f, 0.2f};
    for (const float logit : {1.0f, -1.0f, -2.0f, 2.0f, -3.0f, 0.5f, -0.5f, -0.5f})
        block.routerLogit.push_back(f32ToF16(logit));
    return block;
}

std::string statusOf(const TraceBlock &block, const char *name, const TraceMeta &meta = smallMeta())
{
    RecordingChecks checks;
    checks.begin(meta);
    checks.add(block);
    for (const TraceCheck &row : checks.rows())
        if (row.name == name)
            return row.status;
    return "absent";
}

} // namespace

class TestRecordingChecks : public QObject {
    Q_OBJECT

private slots:
    void aSoundRecordingPasses()
    {
        MemoryTrace trace;
        RecordingChecks checks;
        CheckedSink sink{trace, checks};
        sink.begin(smallMeta());
        sink.append(soundBlock());
        SequenceInfo info;
        info.labels = {"", ""};
        info.nPrompt = 2;
        sink.endSequence(info, {});
        sink.finish({});
        QVERIFY(trace.meta().checks.size() >= 8);
        for (const TraceCheck &row : trace.meta().checks)
            QVERIFY2(row.status == "pass" && row.value <= row.limit, row.name.c_str());
    }

    void everyFaultIsSeen()
    {
        const char *twice = "tokens and layers with an expert twice", *partly = "tokens and layers with places partly empty",
                   *order = "tokens and layers whose experts are not in order of weight",
                   *choice = "tokens and layers whose experts are not those of the largest logits";
        TraceBlock block = soundBlock();
        block.expertId[1] = 3;
        QCOMPARE(statusOf(block, twice), std::string{"fail"});
        block = soundBlock();
        block.expertId[1] = noExpert;
        QCOMPARE(statusOf(block, partly), std::string{"fail"});
        TraceMeta varying = smallMeta();
        varying.fields.nActive = true;
        QCOMPARE(statusOf(block, partly, varying), std::string{"skip"});
        block.expertId[0] = noExpert;
        QCOMPARE(statusOf(block, "tokens and layers that were not recorded"), std::string{"fail"});
        block = soundBlock();
        block.gateWeight[0] = std::nanf("");
        QCOMPARE(statusOf(block, "tokens and layers with gate weights that are no numbers"), std::string{"fail"});
        block.gateWeight[0] = 0.3f;
        QCOMPARE(statusOf(block, order), std::string{"warn"});
        block.gateWeight[0] = 0.7f;
        QCOMPARE(statusOf(block, "largest sum of a token's gate weights"), std::string{"warn"});
        block.gateWeight[3] = -0.2f;
        QCOMPARE(statusOf(block, "tokens and layers with negative gate weights"), std::string{"fail"});
        block = soundBlock();
        block.expertId[1] = 1; // expert 0 has the larger logit
        QCOMPARE(statusOf(block, choice), std::string{"fail"});
        TraceMeta steered = smallMeta();
        steered.routing.recipe = "{}";
        QCOMPARE(statusOf(block, choice, steered), std::string{"skip"});
        block = soundBlock();
        block.expertId[3] = 3; // experts 2 and 3 have the same
        QCOMPARE(statusOf(block, choice), std::string{"pass"});
        block.routerLogit[4] = 0x7e00;
        QCOMPARE(statusOf(block, "tokens and layers with router logits that are no numbers"), std::string{"fail"});
    }
};

QTEST_APPLESS_MAIN(TestRecordingChecks)
#include "test_recording_checks.moc"
