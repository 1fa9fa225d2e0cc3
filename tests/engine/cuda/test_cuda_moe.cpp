// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The CUDA kernels of the MoE block, under emulation: what op_checks leaves out of experts, and routing against the pipeline of
// engine/routing, on odd shapes. Every output is written (memory begins as NaN), and no order of threads changes a bit.
#include "emulated_device.h"
#include "emulator/emulator.h"
#include "engine/core/error.h"
#include "engine/routing/pipeline.h"

#include <QTest>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>

using namespace expertscope;

namespace {

using Values = std::vector<float>;

class Random {
public:
    explicit Random(unsigned seed)
        : m_engine{seed}
    {
    }
    Values normals(std::int64_t count, float deviation = 1)
    {
        std::normal_distribution<float> normal{0, deviation};
        Values values(static_cast<std::size_t>(count));
        for (float &v : values)
            v = normal(m_engine);
        return values;
    }
    int below(int end) { return static_cast<int>(m_engine() % static_cast<unsigned>(end)); }

private:
    std::mt19937 m_engine;
};

double rms(const Values &values)
{
    double sum = 0;
    for (float v : values)
        sum += static_cast<double>(v) * static_cast<double>(v);
    return std::sqrt(sum / static_cast<double>(values.size()));
}

/// Largest difference relative to the largest expected magnitude; infinite where a number is not one.
double worst(const Values &got, const Values &expected)
{
    if (got.size() != expected.size())
        return INFINITY;
    double top = 1e-30;
    double largest = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        if (std::isnan(got[i]))
            return INFINITY;
        top = std::max(top, static_cast<double>(std::abs(expected[i])));
        largest = std::max(largest, static_cast<double>(std::abs(got[i] - expected[i])));
    }
    return largest / top;
}

} // namespace

class TestCudaMoe : public QObject {
    Q_OBJECT

    std::unique_ptr<EmulatedDevice> m_device = std::make_unique<EmulatedDevice>();

    /// With all rows in span 0 of the changes.
    CollectedRouting routeThere(const MoeFfn &rule, const Values &bias, const Values &logits, const RoutingChanges *changes,
        std::span<const BatchSpan> sequences, const RoutingNeeds &needs)
    {
        const std::vector<std::uint64_t> spans(changes ? logits.size() / static_cast<std::size_t>(rule.experts) : 0, 1);
        return m_device->route(rule, bias, logits, changes, spans, sequences, needs);
    }

private slots:
    void cleanupTestCase()
    {
        m_device.reset();
        QCOMPARE(emulator::usedBytes(), std::size_t{0});
    }

    void bf16TilesRoundOnlyWhatTheySay()
    {
        // Activations that are bf16 numbers, weights 0 or 1 along a diagonal: every step but silu is exact.
        constexpr int size = 72;
        constexpr int rows = 130;
        const Buffer identity = hostBuffer(DType::BF16, {size, size});
        for (int i = 0; i < size; ++i)
            static_cast<std::uint16_t *>(identity.tensor().data)[i * size + i] = f32ToBf16(1);
        Random random{11};
        Values x = random.normals(rows * size);
        Values expected;
        for (float &v : x) {
            v = bf16ToF32(f32ToBf16(v));
            expected.push_back(bf16ToF32(f32ToBf16(v / (1 + std::exp(-v)) * v)));
        }
        const auto set = cuda::loadExperts(m_device->context(), std::vector{StoredMlp{identity, identity, identity}});
        const Buffer out = m_device->tensor(Values(x.size(), 0), {rows, size});
        const Assignments to{rows, 1, std::vector(rows, 0), Values(static_cast<std::size_t>(rows), 1), std::vector(rows, 1)};
        cuda::experts(m_device->context(), m_device->tensor(x, {rows, size}), to, *set, out, nullptr);
        QVERIFY(worst(m_device->values(out), expected) <= 0.004); // expf may differ in its last bit, which may round the other way
        QVERIFY(rms(expected) > 0.1);
    }

    void routing_data()
    {
        QTest::addColumn<int>("experts");
        QTest::addColumn<int>("k");
        QTest::addColumn<int>("groups");
        QTest::addColumn<bool>("sigmoid");
        QTest::addColumn<bool>("biased");
        QTest::addColumn<bool>("normalise");
        for (const auto &[experts, k, groups] :
            std::initializer_list<std::array<int, 3>>{{8, 2, 1}, {1, 1, 1}, {60, 4, 1}, {64, 8, 8}, {33, 33, 1}, {256, 3, 64}})
            for (int which = experts > 64 ? 3 : 0; which < 4; ++which) // the emulator is slow
                QTest::addRow("%d experts, %d, %d groups, %d", experts, k, groups, which)
                    << experts << k << groups << (which >= 2) << (which == 1 || which == 3) << (which % 2 == 0);
    }
    void routing()
    {
        QFETCH(int, experts);
        QFETCH(int, k);
        QFETCH(int, groups);
        QFETCH(bool, sigmoid);
        QFETCH(bool, biased);
        QFETCH(bool, normalise);
        MoeFfn rule;
        rule.experts = experts;
        rule.topK = k;
        rule.groups = groups;
        rule.topkGroups = (groups + 1) / 2;
        rule.score = sigmoid ? ScoreFunction::Sigmoid : ScoreFunction::Softmax;
        rule.normalise = normalise;
        rule.scale = 1.5;
        const int rows = experts == 8 ? 70 : experts > 64 ? 5 : 9; // more than one chunk of a sum
        Random random{static_cast<unsigned>(experts)};
        const Values logits = random.normals(rows * experts);
        const Values bias = biased ? random.normals(experts, 0.1f) : Values{};
        std::vector<RoutingPlace> places;
        for (std::int64_t r = 0; r < rows; ++r)
            places.push_back({0, r, 0, static_cast<std::int32_t>(r)});
        const RoutedBatch host = route(rule, bias, logits, places, nullptr);
        const std::vector<BatchSpan> sequences{{0, 3}, {3, rows - 4}, {rows - 1, 1}};
        const CollectedRouting there = routeThere(rule, bias, logits, nullptr, sequences, {true, true, false, true});
        QVERIFY(!there.fault);
        QCOMPARE(there.routed.assignments.expert, host.assignments.expert);
        QCOMPARE(there.routed.assignments.count, host.assignments.count);
        QVERIFY(worst(there.routed.assignments.weight, host.assignments.weight) < 2e-6);
        QVERIFY(worst(there.routed.softmax, host.softmax) < 2e-6);
        QVERIFY(worst(there.routed.choice, host.choice) < 2e-6);
        QCOMPARE(there.logits, logits);
        QCOMPARE(there.expertNorms.size(), static_cast<std::size_t>(rows * k));

        const CollectedRouting sums = routeThere(rule, bias, logits, nullptr, sequences, {false, false, true, false});
        QVERIFY(sums.logits.empty() && sums.routed.softmax.empty() && sums.routed.choice.empty() && sums.expertNorms.empty());
        QCOMPARE(sums.softmaxSums.size(), sequences.size() * static_cast<std::size_t>(experts));
        for (std::size_t s = 0; s < sequences.size(); ++s)
            for (std::size_t e = 0; e < static_cast<std::size_t>(experts); ++e) {
                double sum = 0;
                for (std::int64_t r = sequences[s].firstRow; r < sequences[s].firstRow + sequences[s].rows; ++r)
                    sum += static_cast<double>(host.softmax[static_cast<std::size_t>(r * experts) + e]);
                QVERIFY(std::abs(sums.softmaxSums[s * static_cast<std::size_t>(experts) + e] - sum) < 1e-6 * (1 + sum));
            }
    }

    void equalScoresGoToTheLowerIndex()
    {
        MoeFfn rule;
        rule.experts = 100;
        rule.topK = 40;
        Values logits(300);
        for (std::size_t i = 0; i < logits.size(); ++i)
            logits[i] = static_cast<float>(i * 7 % 5);
        std::vector<RoutingPlace> places(3);
        const RoutedBatch host = route(rule, {}, logits, places, nullptr);
        const std::vector<BatchSpan> sequences{{0, 3}};
        QCOMPARE(routeThere(rule, {}, logits, nullptr, sequences, {}).routed.assignments.expert, host.assignments.expert);
    }

    void thereIsRoomForManyExperts()
    {
        MoeFfn rule;
        rule.experts = cuda::maxRoutedExperts;
        rule.topK = 2;
        Random random{9};
        const Values logits = random.normals(rule.experts);
        const std::vector<BatchSpan> sequences{{0, 1}};
        const std::vector<RoutingPlace> places(1);
        QCOMPARE(routeThere(rule, {}, logits, nullptr, sequences, {}).routed.assignments.expert,
            route(rule, {}, logits, places, nullptr).assignments.expert);
    }

    void brokenNumbersAreReported()
    {
        MoeFfn rule;
        rule.experts = 40;
        rule.topK = 3;
        Random random{3};
        const std::vector<BatchSpan> sequences{{0, 9}};
        for (float broken : {NAN, INFINITY, -INFINITY}) {
            Values logits = random.normals(9 * 40);
            logits[5 * 40 + 17] = broken;
            logits[7 * 40] = broken;
            const CollectedRouting there = routeThere(rule, {}, logits, nullptr, sequences, {});
            QVERIFY(there.fault);
            QCOMPARE(there.fault->row, std::int64_t{5});
            QCOMPARE(there.fault->expert, -1);
        }
        // nothing left to choose from
        RoutingChanges changes;
        RoutingEdit mask{RoutingOp::Mask, 0, {}, {}, 0, 0};
        for (int e = 0; e < 40; ++e)
            mask.experts.push_back(e);
        changes.edits = {mask};
        changes.slotCount = 3;
        const CollectedRouting there = routeThere(rule, {}, random.normals(9 * 40), &changes, sequences, {});
        QVERIFY(there.fault);
        QCOMPARE(there.fault->row, std::int64_t{0});
        QCOMPARE(there.fault->expert, 0);
    }
};

QTEST_APPLESS_MAIN(TestCudaMoe)
#include "test_cuda_moe.moc"
