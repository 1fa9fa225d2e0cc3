// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Recordings of the CUDA backend, under emulation: what routing that stays on the device tells is what the host would have told, it comes
// beside the work, and nothing is left of a run that ends early.
#include "emulator/emulator.h"
#include "engine/core/error.h"
#include "engine/core/memory_trace.h"
#include "engine/forward/forward.h"
#include "engine/steering/compiled_recipe.h"
#include "golden.h"

#include <QTest>

#include <cmath>
#include <optional>

using namespace expertscope;

namespace {

TokenSequence sequence(const std::string &id, std::int64_t length)
{
    TokenSequence out;
    out.info.id = id;
    for (std::int64_t i = 0; i < length; ++i)
        out.tokens.push_back(static_cast<std::int32_t>((i * 37 + 11) % 126));
    out.nPrompt = length / 2;
    return out;
}

const std::vector<TokenSequence> texts{sequence("a", 7), sequence("b", 3), sequence("c", 1)};

Recipe recipeOf(std::vector<Edit> edits, std::vector<PolicySetting> policies = {})
{
    Recipe made;
    made.edits = std::move(edits);
    made.policies = std::move(policies);
    return made;
}

Edit edit(const std::string &op, std::vector<int> experts, int layer, ParamValues settings = {}, TokenSpan tokens = {})
{
    Edit made;
    made.op = op;
    made.experts = {{layer, false, std::move(experts)}};
    made.settings = std::move(settings);
    made.tokens = tokens;
    return made;
}

PolicySetting policy(const std::string &id, std::vector<int> layers, ParamValues settings = {})
{
    PolicySetting made;
    made.policy = id;
    made.layers = std::move(layers);
    made.settings = std::move(settings);
    return made;
}

std::shared_ptr<MemoryTrace> trace(const Model &model, Backend &backend, const RunSpec &spec, const Recipe *recipe = nullptr,
    SteeringLog *log = nullptr, KeptLayers *kept = nullptr)
{
    std::optional<CompiledRecipe> compiled;
    if (recipe)
        compiled.emplace(*recipe, model, backend, nullptr);
    Steering steering = compiled ? compiled->steering(log) : Steering{.log = log};
    steering.kept = kept;
    auto memory = std::make_shared<MemoryTrace>();
    memory->begin(traceMeta(model, backend, spec, steering));
    traceSequences(model, backend, texts, spec, nullptr, *memory, {}, steering);
    memory->finish({});
    return memory;
}

/// Largest difference of all that two traces hold, relative to 1 or the number; infinite where experts or fields differ.
double difference(const RoutingTrace &a, const RoutingTrace &b)
{
    const TraceMeta &meta = a.meta();
    const TokenRange all{0, meta.tokens};
    if (b.meta().tokens != meta.tokens || b.meta().slotCount != meta.slotCount || !(b.meta().fields == meta.fields))
        return INFINITY;
    double largest = 0;
    const auto compare = [&](std::size_t width, const auto &read) {
        std::vector<float> left(width), right(width);
        read(a, left);
        read(b, right);
        for (std::size_t i = 0; i < width; ++i) {
            const double error = std::abs(static_cast<double>(left[i]) - static_cast<double>(right[i]))
                / std::max(1.0, std::abs(static_cast<double>(left[i])));
            largest = std::isnan(error) ? INFINITY : std::max(largest, error);
        }
    };
    const auto tokens = static_cast<std::size_t>(meta.tokens);
    const std::size_t perSlot = tokens * static_cast<std::size_t>(meta.slotCount);
    const std::size_t perExpert = tokens * static_cast<std::size_t>(meta.experts);
    for (int m = 0; m < meta.moeLayers(); ++m) {
        std::vector<ExpertId> left(perSlot), right(perSlot);
        a.expertIds(all, m, left);
        b.expertIds(all, m, right);
        if (left != right)
            return INFINITY;
        if (meta.fields.gateWeight)
            compare(perSlot, [&](const RoutingTrace &t, std::vector<float> &to) { t.gateWeights(all, m, to); });
        if (meta.fields.routerLogit)
            compare(perExpert, [&](const RoutingTrace &t, std::vector<float> &to) { t.routerLogits(all, m, to); });
        if (meta.fields.selectionScore)
            compare(perExpert, [&](const RoutingTrace &t, std::vector<float> &to) { t.selectionScores(all, m, to); });
        if (meta.fields.expertOutNorm)
            compare(perSlot, [&](const RoutingTrace &t, std::vector<float> &to) { t.expertOutNorms(all, m, to); });
    }
    for (int s = 0; s < static_cast<int>(meta.sequences.size()); ++s)
        compare(static_cast<std::size_t>(meta.moeLayers() * meta.experts),
            [&](const RoutingTrace &t, std::vector<float> &to) { t.meanSoftmax(s, to); });
    return largest;
}

constexpr double halves = 2e-3; ///< logits and norms are kept as f16, and may round the other way

RunSpec specOf(bool everything, std::int64_t batchTokens)
{
    RunSpec spec;
    spec.capture = everything ? Capture{true, true, true, true} : Capture{true, false, false, false};
    spec.batchTokens = batchTokens;
    return spec;
}

/// How often the host waited in each layer, and between the last layer and the end.
struct WaitCounter final : ForwardObserver {
    RoutingNeeds routingNeeds() const override { return {false, false, true, false}; }
    void onMoeInput(const Batch &, int, const Tensor &) override { before = emulator::counts().waits; }
    void onRouting(const Batch &, const RoutingTap &tap) override { told.push_back(tap.layer); }
    void onLayer(const Batch &, int layer, const Tensor &) override
    {
        waits.push_back(emulator::counts().waits - before);
        toldAfter.push_back(std::ssize(told));
        static_cast<void>(layer);
    }
    std::uint64_t before = 0;
    std::vector<std::uint64_t> waits;
    std::vector<std::ptrdiff_t> toldAfter;
    std::vector<int> told;
};

} // namespace

class TestCudaRecording : public QObject {
    Q_OBJECT

    std::unique_ptr<Backend> m_host = makeBackend("cpu");
    std::unique_ptr<Backend> m_device = makeCudaBackend();
    std::shared_ptr<const Model> m_hostModel, m_deviceModel;
    std::shared_ptr<MemoryTrace> m_whole; ///< with all experts on the device

    void compareSteered(const Recipe &recipe)
    {
        SteeringLog hostLog, deviceLog;
        const RunSpec spec = specOf(true, 64);
        const auto host = trace(*m_hostModel, *m_host, spec, &recipe, &hostLog);
        const auto device = trace(*m_deviceModel, *m_device, spec, &recipe, &deviceLog);
        const double error = difference(*host, *device);
        QVERIFY2(error < halves, qPrintable(QString::number(error)));
        QVERIFY(hostLog.layers == deviceLog.layers);
    }

private slots:
    void initTestCase()
    {
        const auto files = Golden{"olmoe"}.files();
        m_hostModel = Model::load(files, *m_host, {});
        m_deviceModel = Model::load(files, *m_device, {});
    }
    void cleanupTestCase()
    {
        m_deviceModel.reset();
        m_device.reset();
        QCOMPARE(emulator::usedBytes(), std::size_t{0});
    }

    void tellsWhatTheHostTells_data()
    {
        QTest::addColumn<bool>("everything");
        QTest::addColumn<int>("batchTokens");
        for (bool everything : {false, true})
            for (int batchTokens : {64, 4}) // the second cuts a text in two, whose first part stays in the cache
                QTest::addRow("%s, batches of %d", everything ? "all" : "ids and weights", batchTokens) << everything << batchTokens;
    }
    void tellsWhatTheHostTells()
    {
        QFETCH(bool, everything);
        QFETCH(int, batchTokens);
        const RunSpec spec = specOf(everything, batchTokens);
        const double error = difference(*trace(*m_hostModel, *m_host, spec), *trace(*m_deviceModel, *m_device, spec));
        QVERIFY2(error < (everything ? halves : 1e-5), qPrintable(QString::number(error)));
    }

    void waitsOnlyForLayersThatAreDone()
    {
        Batch batch;
        for (std::size_t s = 0; s < texts.size(); ++s)
            batch.append(static_cast<std::int32_t>(s), texts[s].tokens, 0, -1);
        WaitCounter counter;
        Forward forward{*m_deviceModel, *m_device, nullptr, &counter};
        forward.run(batch, nullptr, {}); // what stays from batch to batch comes to the device
        counter = {};
        forward.run(batch, nullptr, {});
        QCOMPARE(counter.told, m_deviceModel->config().moeLayers());
        for (std::size_t l = 0; l < counter.waits.size(); ++l) {
            const std::size_t told = l < 2 ? 0 : l - 1; // two layers are pending
            QCOMPARE(counter.toldAfter[l], static_cast<std::ptrdiff_t>(told));
            QCOMPARE(counter.waits[l], std::uint64_t{l < 2 ? 0u : 1u}); // for the copy of the layer before the last
        }
    }

    void steeringIsTheSame()
    {
        TokenSpan prompt;
        prompt.kind = TokenSpan::Kind::Prompt;
        compareSteered(recipeOf({edit("soft", {1, 3}, everyLayer, {{"strength", "1"}}, prompt), edit("exclude", {0}, everyLayer)},
            {policy("top-k", {everyLayer}, {{"k", "3"}, {"sum", "rescale"}})}));
    }
    void layersThatOnlyTheHostCanSteerComeInOrder()
    {
        const std::vector<int> layers = m_hostModel->config().moeLayers();
        compareSteered(recipeOf({edit("add", {2}, everyLayer)}, {policy("top-p", {layers.at(1)}, {{"theta", "0.5"}})}));
    }

    void keptLayersAreNotRunAgain()
    {
        const int last = m_deviceModel->config().moeLayers().back();
        const RunSpec spec = specOf(true, 64);
        KeptLayers kept;
        trace(*m_deviceModel, *m_device, spec, nullptr, nullptr, &kept);
        const Recipe recipe = recipeOf({edit("force-max", {2}, last)});
        const auto again = trace(*m_deviceModel, *m_device, spec, &recipe, nullptr, &kept);
        QVERIFY(difference(*again, *trace(*m_deviceModel, *m_device, spec, &recipe)) == 0);
    }

    void earlyEndsLeaveNothing()
    {
        const RunSpec spec = specOf(true, 64);
        const auto whole = trace(*m_deviceModel, *m_device, spec);
        const std::size_t used = emulator::usedBytes();
        for (int stopAt : {1, 2}) {
            std::stop_source stop;
            int layers = 0;
            const Progress progress{stop.get_token(), [&](std::int64_t, std::int64_t, std::string_view) {
                                        if (++layers == stopAt)
                                            stop.request_stop();
                                    }};
            MemoryTrace cut;
            cut.begin(traceMeta(*m_deviceModel, *m_device, spec));
            QVERIFY_EXCEPTION_THROWN(traceSequences(*m_deviceModel, *m_device, texts, spec, nullptr, cut, progress), Cancelled);
            QVERIFY(emulator::usedBytes() <= used);
        }
        QVERIFY(difference(*whole, *trace(*m_deviceModel, *m_device, spec)) == 0);
    }

    void expertsThatDoNotFitComeAndGo_data()
    {
        QTest::addColumn<double>("share"); // of the experts that there is memory for
        QTest::addColumn<bool>("hurry");
        QTest::addColumn<int>("pinnedLayers");
        for (const double share : {0.95, 0.8, 0.4})
            for (const auto &[hurry, pinnedLayers] : {std::pair{false, 99}, {true, 99}, {true, 1}, {false, 0}})
                QTest::addRow("%g of the experts, %s uploads, %d layers pinned", share, hurry ? "early" : "late", pinnedLayers)
                    << share << hurry << pinnedLayers;
    }
    /// The same trace, bit for bit, whatever comes when; what comes ahead is mostly what is needed.
    void expertsThatDoNotFitComeAndGo()
    {
        QFETCH(double, share);
        QFETCH(bool, hurry);
        QFETCH(int, pinnedLayers);
        if (!m_whole)
            m_whole = trace(*m_deviceModel, *m_device, specOf(true, 4));
        const ModelConfig &config = m_deviceModel->config();
        const MoeFfn &moe = *config.layers.back().moe();
        const std::int64_t layerBytes = moe.experts * 3 * moe.width * config.hidden * 4;
        const auto expertBytes = static_cast<double>(layerBytes * std::ssize(config.moeLayers()));
        const double otherBytes = static_cast<double>(m_deviceModel->weightBytes()) - expertBytes;
        std::unique_ptr<Backend> small = makeCudaBackend();
        emulator::setSeed(static_cast<std::uint64_t>(100 * share) + (hurry ? 7 : 0));
        emulator::setMemoryBytes(
            emulator::usedBytes() + static_cast<std::size_t>((otherBytes + share * expertBytes) * 8 / 7)); // 1/8 to work in
        emulator::setPinnableBytes(static_cast<std::size_t>(pinnedLayers * layerBytes + layerBytes / 2));
        {
            const auto model = Model::load(Golden{"olmoe"}.files(), *small, {});
            emulator::setMemoryBytes(std::size_t{1} << 30);
            emulator::setPinnableBytes(std::size_t{1} << 30);
            emulator::hurryUploads(hurry);
            const auto parts = trace(*model, *small, specOf(true, 4));
            emulator::hurryUploads(false);
            QCOMPARE(difference(*parts, *m_whole), 0.0);
            const std::string counts = small->info().experts;
            QVERIFY2(counts.find("uses were there") != std::string::npos, counts.c_str());
            QCOMPARE(counts.find("brought ahead") != std::string::npos, pinnedLayers > 1); // the first layer's come when they are needed
            qInfo("%s", counts.c_str());
        }
        QVERIFY(small->info().experts.empty()); // it went with the model
    }

    void modelsThatCannotRunAreRefused()
    {
        std::unique_ptr<Backend> small = makeCudaBackend();
        emulator::setMemoryBytes(emulator::usedBytes() + static_cast<std::size_t>(m_deviceModel->weightBytes() / 8));
        QVERIFY_EXCEPTION_THROWN(Model::load(Golden{"olmoe"}.files(), *small, {}), Error);
        emulator::setMemoryBytes(std::size_t{1} << 30);
    }

    void brokenRoutingIsTheSameError()
    {
        Edit all = edit("mask", {}, everyLayer);
        all.experts = {{m_hostModel->config().moeLayers().front(), true, {}}};
        const Recipe recipe = recipeOf({all});
        QString said[2];
        for (int i = 0; i < 2; ++i) {
            try {
                trace(i ? *m_deviceModel : *m_hostModel, i ? *m_device : *m_host, {}, &recipe);
            } catch (const Error &error) {
                said[i] = QString{error.what()} + QString::fromStdString(error.where);
            }
        }
        QVERIFY2(said[0].contains("not a finite number"), qPrintable(said[0]));
        QCOMPARE(said[1], said[0]);
    }
};

QTEST_APPLESS_MAIN(TestCudaRecording)
#include "test_cuda_recording.moc"
