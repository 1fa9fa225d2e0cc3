// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Decode steps that the CUDA backend keeps as graphs, under emulation: one graph a step, bit for bit the numbers of plain launching,
// for sequences side by side, other shapes, other work in between, early ends and wrong inputs.
#include "engine/core/error.h"
#include "graph_devices.h"

#include <QTest>

#include <optional>

using namespace expertscope;

namespace {

/// All that routing tells of, without reading tensors.
struct Listener final : ForwardObserver {
    explicit Listener(RoutingNeeds needs_)
        : needs{needs_}
    {
    }
    RoutingNeeds routingNeeds() const override { return needs; }
    bool readsTensors() const override { return false; }
    void onRouting(const Batch &, const RoutingTap &tap) override
    {
        heard.add(tap.routed.assignments.expert);
        heard.add(tap.routed.assignments.weight);
        heard.add(tap.routed.softmax);
        heard.add(tap.routed.changed);
        heard.add(std::vector<float>(tap.logits.begin(), tap.logits.end()));
        heard.add(std::vector<float>(tap.expertNorms.begin(), tap.expertNorms.end()));
        heard.add(std::vector<double>(tap.softmaxSums.begin(), tap.softmaxSums.end()));
        ++layers;
    }
    RoutingNeeds needs;
    Bits heard;
    int layers = 0;
};

constexpr RoutingNeeds everything{true, true, false, true};

/// Sequences that go on side by side, each as its own tokens say.
class Run {
public:
    Run(const Device &device, const std::vector<std::int64_t> &prompts, std::int64_t capacity, StageOverrides *overrides = nullptr,
        RoutingNeeds needs = everything)
        : m_device{device}
        , listener{needs}
        , forward{*device.model, *device.backend, overrides, &listener}
        , m_lengths{prompts}
        , m_cache{device.backend->makeKvCache(cachedLayers(device.model->config(), overrides), static_cast<int>(prompts.size()), capacity)}
    {
        Batch batch;
        for (std::size_t s = 0; s < prompts.size(); ++s)
            batch.append(static_cast<std::int32_t>(s), text(prompts[s], static_cast<std::int64_t>(s)), 0, static_cast<int>(s));
        forward.run(batch, m_cache.get(), {});
    }
    /// Of the first sequences, or of all.
    void step(std::size_t sequences = SIZE_MAX, const Progress &progress = {})
    {
        Batch batch;
        batch.phase = Phase::Decode;
        for (std::size_t s = 0; s < std::min(sequences, m_lengths.size()); ++s)
            batch.append(
                static_cast<std::int32_t>(s), text(1, m_lengths[s] * 3 + static_cast<std::int64_t>(s)), m_lengths[s], static_cast<int>(s));
        const std::uint64_t before = emulator::counts().launches;
        const std::uint64_t graphsBefore = emulator::counts().graphLaunches;
        const Tensor logits = forward.step(batch, *m_cache, progress);
        launches = emulator::counts().launches - before;
        graphs = emulator::counts().graphLaunches - graphsBefore;
        for (std::size_t s = 0; s < batch.spans.size(); ++s)
            ++m_lengths[s];
        std::vector<float> values(static_cast<std::size_t>(logits.count()));
        m_device.backend->download(logits, values);
        numbers.add(values);
    }
    void steps(int count, std::size_t sequences = SIZE_MAX)
    {
        for (int i = 0; i < count; ++i)
            step(sequences);
    }
    /// From this step on in another cache.
    void changeCache(std::int64_t capacity)
    {
        m_cache = m_device.backend->makeKvCache(m_device.model->config(), static_cast<int>(m_lengths.size()), capacity);
        m_lengths.assign(m_lengths.size(), 0);
    }

private:
    const Device &m_device;

public:
    Listener listener;
    Forward forward;
    Bits numbers;
    std::uint64_t launches = 0, graphs = 0; ///< of the last step

private:
    std::vector<std::int64_t> m_lengths;
    std::unique_ptr<KvCache> m_cache;
};

/// Steered on the device, and doing something of its own in the second layer.
class Interruption final : public StageOverrides {
public:
    explicit Interruption(int slotCount) { m_changes.slotCount = slotCount; }
    int runs(int layer) const override
    {
        if (layer == 1 && inLayer)
            inLayer();
        return 1;
    }
    const RoutingChanges *changes(int) const override { return &m_changes; }
    std::function<void()> inLayer;

private:
    RoutingChanges m_changes;
};

} // namespace

class TestCudaGraphs : public QObject {
    Q_OBJECT

    std::optional<Device> m_graphs, m_plain;

    /// What both runs came to.
    void compare(Run &kept, Run &plain)
    {
        QVERIFY(kept.numbers == plain.numbers);
        QVERIFY(kept.listener.heard == plain.listener.heard);
        QCOMPARE(kept.listener.layers, plain.listener.layers);
    }

private slots:
    void initTestCase()
    {
        m_graphs.emplace(true);
        m_plain.emplace(false);
    }
    void cleanup() { QCOMPARE(emulator::captureFaults(), std::string{}); }
    void cleanupTestCase()
    {
        m_graphs.reset();
        m_plain.reset();
        QCOMPARE(emulator::usedBytes(), std::size_t{0});
    }

    void sequencesSideBySide_data()
    {
        QTest::addColumn<int>("sequences");
        QTest::addColumn<bool>("sums");
        QTest::addRow("one sequence, all scores") << 1 << false;
        QTest::addRow("3 sequences, sums of scores") << 3 << true;
        QTest::addRow("9 sequences, all scores") << 9 << false; // through cuBLAS
    }
    void sequencesSideBySide()
    {
        QFETCH(int, sequences);
        QFETCH(bool, sums);
        std::vector<std::int64_t> prompts{61, 5, 2, 1, 2, 3, 1, 2, 3};
        prompts.resize(static_cast<std::size_t>(sequences));
        const RoutingNeeds needs = sums ? RoutingNeeds{false, false, true, false} : everything;
        Run kept{*m_graphs, prompts, 128, nullptr, needs};
        Run plain{*m_plain, prompts, 128, nullptr, needs};
        for (int step = 0; step < 4; ++step) {
            emulator::setSeed(static_cast<std::uint64_t>(step) + 1);
            kept.step();
            QCOMPARE(kept.forward.keepsStep(), step >= 2);
            QCOMPARE(kept.graphs, step >= 2 ? std::uint64_t{1} : std::uint64_t{0});
            if (step >= 2)
                QCOMPARE(kept.launches, std::uint64_t{3}); // what it is told, the graph, its results
            plain.step();
            QVERIFY(plain.launches > 50);
            compare(kept, plain);
        }
    }

    void otherShapesAreKeptAnew()
    {
        Run kept{*m_graphs, {2, 3, 7}, 80};
        Run plain{*m_plain, {2, 3, 7}, 80};
        const auto both = [&](int count, std::size_t sequences, bool isKept) {
            kept.steps(count, sequences);
            plain.steps(count, sequences);
            QCOMPARE(kept.graphs, isKept ? std::uint64_t{1} : std::uint64_t{0});
            compare(kept, plain);
        };
        both(3, 3, true);
        both(2, 2, false); // one of them has ended
        both(2, 2, true);
        kept.changeCache(80);
        plain.changeCache(80);
        both(1, 2, true); // a cache like the one before
        kept.changeCache(200);
        plain.changeCache(200);
        both(2, 2, false);
        both(1, 2, true);
    }

    void otherWorkInBetweenChangesNothing()
    {
        Run kept{*m_graphs, {5}, 80};
        Run plain{*m_plain, {5}, 80};
        kept.steps(3);
        plain.steps(4);
        Batch other;
        other.append(0, text(20, 5), 0, -1);
        other.append(1, text(7, 9), 0, -1);
        Listener listener{everything};
        Forward{*m_graphs->model, *m_graphs->backend, nullptr, &listener}.run(other, nullptr, {});
        kept.step();
        QCOMPARE(kept.graphs, std::uint64_t{1});
        kept.forward.run(other, nullptr, {}); // takes the place of what the step worked in
        plain.forward.run(other, nullptr, {});
        kept.steps(3);
        plain.steps(3);
        QCOMPARE(kept.graphs, std::uint64_t{1});
        compare(kept, plain);
    }

    void earlyEndsAreClean_data()
    {
        QTest::addColumn<bool>("cancelled");
        QTest::addRow("cancelled") << true;
        QTest::addRow("an error") << false;
    }
    void earlyEndsAreClean()
    {
        QFETCH(bool, cancelled);
        const int slotCount = m_graphs->model->config().maxTopK();
        Interruption none{slotCount};
        Run plain{*m_plain, {5}, 80, &none};
        plain.steps(5);
        const std::size_t before = emulator::usedBytes();
        {
            Interruption interruption{slotCount};
            Run kept{*m_graphs, {5}, 80, &interruption};
            kept.steps(2);
            std::stop_source stop;
            interruption.inLayer = [&] {
                if (!cancelled)
                    throw Error{ErrorKind::Check, "a test", "", "None"};
                stop.request_stop();
            };
            if (cancelled)
                QVERIFY_EXCEPTION_THROWN(kept.step(1, Progress{stop.get_token()}), Cancelled); // while it is captured
            else
                QVERIFY_EXCEPTION_THROWN(kept.step(), Error);
            QVERIFY(!kept.forward.keepsStep());
            interruption.inLayer = {};
            kept.steps(1);
            QCOMPARE(kept.graphs, std::uint64_t{1});
            if (cancelled) {
                QVERIFY_EXCEPTION_THROWN(kept.step(1, Progress{stop.get_token()}), Cancelled); // before it is launched
                QVERIFY(kept.forward.keepsStep());
            }
            kept.steps(2);
            QCOMPARE(kept.graphs, std::uint64_t{1});
            compare(kept, plain);
        }
        Run{*m_graphs, {1}, 80}.step(); // and what was given back is gone when the stream has come so far
        QVERIFY(emulator::usedBytes() <= before);
    }

    void memoryMayGoWhileAStepIsCaptured()
    {
        Interruption interruption{m_graphs->model->config().maxTopK()};
        Run kept{*m_graphs, {5}, 80, &interruption};
        kept.steps(2);
        const std::size_t before = emulator::usedBytes();
        Buffer other = m_graphs->backend->allocate(DType::F32, {std::int64_t{1} << 20});
        interruption.inLayer = [&other] { other = {}; };
        kept.steps(2);
        QCOMPARE(kept.graphs, std::uint64_t{1});
        QVERIFY(emulator::usedBytes() < before + (std::size_t{1} << 20));
    }

    void wrongInputsAreTheSameError()
    {
        Run kept{*m_graphs, {5}, 9};
        kept.steps(4);
        QVERIFY(kept.forward.keepsStep());
        QVERIFY_EXCEPTION_THROWN(kept.step(), Error); // no room in the cache
        const auto cache = m_graphs->backend->makeKvCache(m_graphs->model->config(), 1, 64);
        Batch batch;
        batch.append(0, std::vector<std::int32_t>{100000}, 0, 0);
        QVERIFY_EXCEPTION_THROWN(kept.forward.step(batch, *cache, {}), Error);
    }

    void withoutRoomForAGraphItGoesOn()
    {
        Run kept{*m_graphs, {5}, 80};
        Run plain{*m_plain, {5}, 80};
        kept.steps(2);
        plain.steps(5);
        emulator::refuseGraphs(true);
        kept.steps(3);
        emulator::refuseGraphs(false);
        QCOMPARE(kept.graphs, std::uint64_t{0});
        compare(kept, plain);
    }

    void expertsThatDoNotFitAreNotKept()
    {
        Device small{true};
        const auto room = static_cast<std::size_t>(0.9 * static_cast<double>(small.model->weightBytes()));
        small.model.reset();
        emulator::setMemoryBytes(emulator::usedBytes() + room);
        small.model = Model::load(Golden{"olmoe"}.files(), *small.backend, {});
        emulator::setMemoryBytes(std::size_t{64} << 30);
        QVERIFY(!small.backend->info().experts.empty());
        Run parts{small, {5}, 80};
        Run plain{*m_plain, {5}, 80};
        parts.steps(4);
        plain.steps(4);
        QCOMPARE(parts.graphs, std::uint64_t{0});
        compare(parts, plain);
    }

    void wrongSettingsAreSaid()
    {
        qputenv("EXPERTSCOPE_CUDA_GRAPHS", "perhaps");
        QVERIFY_EXCEPTION_THROWN(makeCudaBackend(), Error);
        qunsetenv("EXPERTSCOPE_CUDA_GRAPHS");
    }
};

QTEST_APPLESS_MAIN(TestCudaGraphs)
#include "test_cuda_graphs.moc"
