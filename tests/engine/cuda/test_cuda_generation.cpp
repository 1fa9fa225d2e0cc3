// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Generation with decode steps that the CUDA backend keeps as graphs, under emulation: text and recording are bit for bit those of plain
// launching, in every family, with steering, and nothing is kept where the host has a part.
#include "engine/core/error.h"
#include "engine/steering/compiled_recipe.h"
#include "graph_devices.h"

#include <QTest>

#include <cstring>
#include <optional>

using namespace expertscope;

namespace {

/// All that a recording is given.
struct Kept final : TraceSink {
    void begin(const TraceMeta &) override { }
    void append(const TraceBlock &block) override
    {
        all.add(block.tokenId);
        all.add(block.position);
        all.add(block.predictedId);
        all.add(block.logprob);
        all.add(block.expertId);
        all.add(block.gateWeight);
        all.add(block.routerLogit);
        all.add(block.selectionScore);
        all.add(block.expertOutNorm);
    }
    void endSequence(const SequenceInfo &, std::span<const float> meanSoftmax) override
    {
        all.add(std::vector<float>(meanSoftmax.begin(), meanSoftmax.end()));
    }
    void finish(std::span<const TraceCheck>) override { }
    Bits all;
};

Edit edit(const std::string &op, std::vector<int> experts, ParamValues settings = {}, TokenSpan tokens = {})
{
    Edit made;
    made.op = op;
    made.experts = {{everyLayer, experts.empty(), std::move(experts)}};
    made.settings = std::move(settings);
    made.tokens = tokens;
    return made;
}

TokenSpan at(std::int64_t position)
{
    TokenSpan span;
    span.kind = TokenSpan::Kind::Position;
    span.position = position;
    return span;
}

PolicySetting policy(const std::string &id, std::vector<int> layers, ParamValues settings = {})
{
    PolicySetting made;
    made.policy = id;
    made.layers = std::move(layers);
    made.settings = std::move(settings);
    return made;
}

/// Recipes by what is special about them; the first is none.
const std::map<std::string, Recipe> &recipes()
{
    static const std::map<std::string, Recipe> all = [] {
        std::map<std::string, Recipe> made;
        Edit later = edit("exclude", {0});
        later.phase = RunPhase::Decode;
        made["edits of single positions and of what is drawn"].edits = {edit("soft", {1, 3}, {{"strength", "1"}}, at(63)),
            edit("force-max", {2}, {}, at(64)), edit("soft", {4}, {{"strength", "1"}}, at(66)), later};
        made["other k"].policies = {policy("top-k", {everyLayer}, {{"k", "2"}, {"sum", "rescale"}})};
        made["a layer again, another left out"].policies = {policy("repeat-layer", {1}, {{"times", "2"}}), policy("skip-layer", {2})};
        return made;
    }();
    return all;
}

/// A text of so many tokens, and so many drawn.
struct Length {
    std::int64_t prompt = 5;
    std::int64_t drawn = 5;
    /// The last token is not run, and the first two steps are not kept.
    std::uint64_t kept() const { return static_cast<std::uint64_t>(drawn - 1 - 2); }
};
constexpr Length shortText;
constexpr Length overABorder{61, 7}; ///< of a page of the cache, in a kept step

struct Generated {
    GenerateResult result;
    Bits recorded;
    std::uint64_t graphs = 0;
};

Generated generated(const Device &device, const Recipe *recipe, bool record, Length length = shortText)
{
    std::optional<CompiledRecipe> compiled;
    if (recipe)
        compiled.emplace(*recipe, *device.model, *device.backend, nullptr);
    TokenSequence sequence;
    sequence.tokens = text(length.prompt);
    RunSpec spec;
    spec.capture = {true, true, true, true};
    spec.maxNewTokens = length.drawn;
    Kept kept;
    Generated out;
    const std::uint64_t before = emulator::counts().graphLaunches;
    out.result = generate(*device.model, *device.backend, sequence, spec, nullptr, record ? &kept : nullptr, {}, {},
        compiled ? compiled->steering() : Steering{});
    out.graphs = emulator::counts().graphLaunches - before;
    out.recorded = kept.all;
    return out;
}

bool sameText(const GenerateResult &a, const GenerateResult &b)
{
    return std::equal(a.tokens.begin(), a.tokens.end(), b.tokens.begin(), b.tokens.end(), [](const auto &left, const auto &right) {
        return left.id == right.id && std::memcmp(&left.logprob, &right.logprob, sizeof left.logprob) == 0;
    });
}

} // namespace

class TestCudaGeneration : public QObject {
    Q_OBJECT

    std::optional<Device> m_graphs, m_plain;

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

    void everyFamilyGeneratesTheSame_data()
    {
        QTest::addColumn<QString>("family");
        for (const char *name : {"olmoe_bf16", "mixtral_window", "qwen2_moe", "qwen3_moe"}) // all kinds of layers and weights
            QTest::addRow("%s", name) << QString{name};
    }
    void everyFamilyGeneratesTheSame()
    {
        QFETCH(QString, family);
        emulator::setSeed(7);
        const Generated kept = generated(Device{true, family.toStdString()}, nullptr, true);
        const Generated plain = generated(Device{false, family.toStdString()}, nullptr, true);
        QCOMPARE(kept.graphs, shortText.kept());
        QCOMPARE(plain.graphs, std::uint64_t{0});
        QVERIFY(sameText(kept.result, plain.result));
        QVERIFY(!kept.recorded.empty() && kept.recorded == plain.recorded);
    }

    void steeringOnTheDeviceIsTheSame_data()
    {
        QTest::addColumn<QString>("recipe");
        for (const auto &[name, recipe] : recipes())
            QTest::addRow("%s", name.c_str()) << QString::fromStdString(name);
    }
    void steeringOnTheDeviceIsTheSame()
    {
        QFETCH(QString, recipe);
        const Recipe &made = recipes().at(recipe.toStdString());
        const Length length = made.policies.empty() ? overABorder : shortText;
        const Generated kept = generated(*m_graphs, &made, true, length);
        const Generated plain = generated(*m_plain, &made, true, length);
        QCOMPARE(kept.graphs, length.kept());
        QVERIFY(sameText(kept.result, plain.result));
        QVERIFY(kept.recorded == plain.recorded);
        QVERIFY(!(kept.recorded == generated(*m_graphs, nullptr, true, length).recorded)); // a changed recipe is captured anew
    }

    void nothingIsRecordedWithoutARecorder()
    {
        const Generated kept = generated(*m_graphs, nullptr, false);
        QCOMPARE(kept.graphs, shortText.kept());
        QVERIFY(sameText(kept.result, generated(*m_plain, nullptr, false).result));
    }

    void whatNeedsTheHostIsNotKept_data()
    {
        QTest::addColumn<QString>("id");
        QTest::addColumn<bool>("oneOfTwo");
        QTest::addRow("a policy that only the host knows") << "top-p" << false;
        QTest::addRow("the weak pass of self-contrast") << "self-contrast" << true;
    }
    void whatNeedsTheHostIsNotKept()
    {
        QFETCH(QString, id);
        QFETCH(bool, oneOfTwo);
        Recipe recipe;
        recipe.policies = {policy(id.toStdString(), {oneOfTwo ? everyLayer : 1})};
        const Generated kept = generated(*m_graphs, &recipe, true);
        const Generated plain = generated(*m_plain, &recipe, true);
        QCOMPARE(kept.graphs, oneOfTwo ? shortText.kept() : std::uint64_t{0});
        QVERIFY(sameText(kept.result, plain.result));
        QVERIFY(kept.recorded == plain.recorded);
    }

    void brokenRoutingIsTheSameError()
    {
        Recipe recipe;
        recipe.edits = {edit("mask", {}, {}, at(8))};
        QString said[2];
        for (const bool graphs : {false, true}) {
            try {
                generated(graphs ? *m_graphs : *m_plain, &recipe, true);
            } catch (const Error &error) {
                said[graphs] = error.what();
            }
        }
        QVERIFY2(said[0].contains("not a finite number"), qPrintable(said[0]));
        QCOMPARE(said[1], said[0]);
        QVERIFY(sameText(generated(*m_graphs, nullptr, false).result, generated(*m_plain, nullptr, false).result));
    }
};

QTEST_APPLESS_MAIN(TestCudaGeneration)
#include "test_cuda_generation.moc"
