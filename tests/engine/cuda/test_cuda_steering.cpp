// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Every golden recipe as the CUDA kernel does it, under emulation, against the pipeline on the host: on random logits, for rows of
// prompts, of continuations and of decoding. Recipes that only the host can do are named.
#include "emulated_device.h"
#include "engine/routing/pipeline.h"
#include "engine/steering/recipe_overrides.h"
#include "io/recipe.h"
#include "steering_goldens.h"

#include <QTest>

#include <cmath>
#include <random>
#include <set>

using namespace expertscope;
using namespace expertscope::steering_goldens;

namespace {

/// Policies whose choice is not a number of the best experts.
const std::set<std::string> onlyOnTheHost{"top-p", "min-p", "entropy-hybrid", "rank-k", "random", "fixed-random-router", "null-threshold"};

bool isPlain(const Recipe &recipe)
{
    return std::none_of(recipe.policies.begin(), recipe.policies.end(),
        [](const PolicySetting &setting) { return setting.enabled && onlyOnTheHost.contains(setting.policy); });
}

/// Largest difference relative to the expected number or 1e-3; infinite where one of two numbers is not finite.
double worst(const std::vector<float> &got, const std::vector<float> &expected)
{
    double largest = got.size() == expected.size() ? 0 : INFINITY;
    for (std::size_t i = 0; i < got.size() && largest < INFINITY; ++i)
        if (got[i] != expected[i]) {
            const double error = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]))
                / std::max(1e-3, static_cast<double>(std::abs(expected[i])));
            largest = std::isnan(error) ? INFINITY : std::max(largest, error);
        }
    return largest;
}

} // namespace

class TestCudaSteering : public QObject {
    Q_OBJECT

    EmulatedDevice m_device;
    std::unique_ptr<Backend> m_host = makeBackend("plain");

private slots:
    void likeTheHost_data()
    {
        QTest::addColumn<QString>("family");
        QTest::addColumn<QString>("file");
        for (const std::string &family : families)
            for (const auto &file : recipesFor(family))
                QTest::addRow("%s, %s", family.c_str(), file.stem().c_str())
                    << QString::fromStdString(family) << QString::fromStdString(file.string());
    }
    void likeTheHost()
    {
        QFETCH(QString, family);
        QFETCH(QString, file);
        const std::string name = family.toStdString();
        const auto model = Model::load(Golden{name}.files(), *m_host, {});
        const Recipe recipe = readRecipe(file.toStdString());
        RecipeOverrides overrides{recipe, *model, *m_host, nullptr};
        const std::vector<TokenSequence> texts = sequences(GoldenTensors{"steering/" + name + "/golden.safetensors"});
        overrides.begin(texts);

        std::vector<RoutingPlace> places;
        std::vector<std::uint64_t> spans;
        for (std::size_t s = 0; s < texts.size(); ++s)
            for (std::int32_t position : {0, 7, static_cast<int>(texts[s].nPrompt)})
                for (Phase phase : {Phase::Prefill, Phase::Decode}) {
                    places.push_back({0, std::ssize(places), static_cast<std::int32_t>(s), position, phase});
                    spans.push_back(overrides.spansOf(places.back()));
                }
        const std::vector<BatchSpan> sequences{{0, std::ssize(places)}};
        std::mt19937 engine{42};
        std::normal_distribution<float> normal{0, 1};
        for (int l : model->config().moeLayers()) {
            const RoutingChanges *const changes = overrides.changes(l);
            if (!changes) {
                QVERIFY(!isPlain(recipe));
                continue;
            }
            const MoeFfn &rule = *model->config().layers[static_cast<std::size_t>(l)].moe();
            std::vector<float> logits(places.size() * static_cast<std::size_t>(rule.experts));
            for (float &z : logits)
                z = normal(engine);
            for (RoutingPlace &place : places)
                place.layer = l;
            const RoutedBatch host = expertscope::route(rule, {}, logits, places, &overrides);
            const CollectedRouting there = m_device.route(rule, {}, logits, changes, spans, sequences, {});
            QVERIFY(!there.fault);
            QCOMPARE(there.routed.assignments.slotCount, host.assignments.slotCount);
            QCOMPARE(there.routed.assignments.count, host.assignments.count);
            QCOMPARE(there.routed.assignments.expert, host.assignments.expert);
            QCOMPARE(there.routed.changed, host.changed);
            QCOMPARE(there.logits, logits);
            QVERIFY(worst(there.routed.assignments.weight, host.assignments.weight) < 1e-5);
            QVERIFY(worst(there.routed.softmax, host.softmax) < 1e-5);
            QVERIFY(worst(there.routed.choice, host.choice) < 1e-5);
        }
    }

    void mostRecipesNeedNoHost()
    {
        int plain = 0;
        int all = 0;
        for (const auto &file : recipesFor("olmoe")) {
            plain += isPlain(readRecipe(file));
            ++all;
        }
        qInfo("%d of %d recipes are routed by the device alone", plain, all);
        QVERIFY(3 * plain > 2 * all);
    }
};

QTEST_APPLESS_MAIN(TestCudaSteering)
#include "test_cuda_steering.moc"
