// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Steered runs against the reference implementation with its routers changed in the same way: every recipe in tests/data/steering
// on four families. Tensor names and shapes: tests/reference/make_steering_goldens.py. No decision there is close, so experts must be
// the same everywhere. Random policies are not there; test_steering_kinds has their properties.
#include "engine/steering/compiled_recipe.h"
#include "engine/steering/interventions.h"
#include "engine/steering/policies.h"
#include "golden.h"
#include "io/recipe.h"
#include "steering_goldens.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

using namespace expertscope;
using namespace expertscope::steering_goldens;

namespace {

/// log softmax(logits)[id]
double logProbability(std::span<const float> logits, std::int32_t id)
{
    const double top = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
    double sum = 0;
    for (float z : logits)
        sum += std::exp(static_cast<double>(z) - top);
    return static_cast<double>(logits[static_cast<std::size_t>(id)]) - top - std::log(sum);
}

/// The first `columns` values of each row; what is beyond them must be `filler`.
template<typename T>
std::vector<T> narrowed(const std::vector<T> &values, std::size_t rows, std::size_t columns, T filler)
{
    const std::size_t width = values.size() / rows;
    std::vector<T> out;
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < std::max(width, columns); ++c) {
            const T value = c < width ? values[r * width + c] : filler;
            if (c < columns)
                out.push_back(value);
            else if (value != filler)
                return {};
        }
    return out;
}

constexpr const char *emulatedCuda = "cuda-emulated";
/// Whole runs are slow in the emulator: test_cuda_steering compares the routing of all recipes.
const std::set<std::string> onCuda{
    "soft-label", "exclude", "top-k-rescale", "top-p", "logits-and-weights", "decode-only", "repeat-layer", "uniform-weights"};

} // namespace

class TestSteeringGoldens : public QObject {
    Q_OBJECT

    std::map<std::string, std::unique_ptr<Backend>> m_backends;
    std::map<std::string, std::shared_ptr<const Model>> m_models; ///< by family and backend

    const Model &model(const std::string &family, const std::string &backend)
    {
        auto &made = m_backends[backend];
        if (!made)
            made = backend == emulatedCuda ? makeCudaBackend() : makeBackend(backend);
        auto &loaded = m_models[family + backend];
        if (!loaded)
            loaded = Model::load(Golden{family}.files(), *made, {});
        return *loaded;
    }

    static void compareTraced(
        const GoldenTensors &golden, const std::string &prefix, const Model &model, Backend &backend, const Recipe &recipe)
    {
        const std::vector<TokenSequence> texts = sequences(golden);
        RecipeOverrides overrides{recipe, model, backend, nullptr};
        overrides.begin(texts);
        Capturer ours{backend};
        Forward forward{model, backend, &overrides, &ours};
        Batch batch;
        for (std::size_t s = 0; s < texts.size(); ++s)
            batch.append(static_cast<std::int32_t>(s), texts[s].tokens, 0, -1);
        const Tensor out = forward.run(batch, nullptr, {});
        const Buffer head = backend.allocate(DType::F32, {batch.rows(), model.config().vocab});
        backend.linear(out, *model.head(), nullptr, head);
        std::vector<float> logits(static_cast<std::size_t>(head.tensor().count()));
        backend.download(head, logits);

        const auto rows = static_cast<std::size_t>(batch.rows());
        const auto vocab = static_cast<std::size_t>(model.config().vocab);
        QString report;
        double worst = 0;
        const auto compare = [&](const std::string &name, const std::vector<float> &values) {
            const double error = largestError(values, golden.floats(prefix + name));
            report += QString{" %1 %2"}.arg(QString::fromStdString(name)).arg(error, 0, 'e', 1);
            worst = std::max(worst, error);
        };
        for (int l : model.config().moeLayers()) {
            const std::string layer = "." + std::to_string(l);
            if (!golden.has(prefix + "expert_id" + layer)) // skipped or repeated
                continue;
            const std::vector<std::int32_t> expected = golden.ints(prefix + "expert_id" + layer);
            const std::size_t columns = expected.size() / rows;
            QCOMPARE(narrowed(ours.ids.at("expert_id" + layer), rows, columns, -1), expected);
            compare("router_logits" + layer, ours.floats.at("router_logits" + layer));
            compare("gate_weight" + layer, narrowed(ours.floats.at("gate_weight" + layer), rows, columns, 0.0f));
        }
        std::vector<float> last, logprob, expected;
        const std::vector<float> reference = golden.floats(prefix + "logprob");
        for (std::size_t t = 0; t < rows; ++t) {
            const std::span<const float> row = std::span{logits}.subspan(t * vocab, vocab);
            const bool ends = t + 1 == rows || batch.positions[t + 1] == 0;
            if (ends) {
                last.insert(last.end(), row.begin(), row.end());
                continue;
            }
            logprob.push_back(static_cast<float>(logProbability(row, batch.tokens[t + 1])));
            expected.push_back(reference[t + 1]);
        }
        compare("logits", last);
        const double error = largestError(logprob, expected);
        QVERIFY2(worst <= 1e-4 && error <= 1e-4, qPrintable(report + QString{" logprob %1"}.arg(error, 0, 'e', 1)));
    }

    static void compareGenerated(
        const GoldenTensors &golden, const std::string &prefix, const Model &model, Backend &backend, const Recipe &recipe)
    {
        TokenSequence prompt = sequences(golden).front();
        prompt.tokens.resize(static_cast<std::size_t>(prompt.nPrompt));
        const std::vector<std::int32_t> expected = golden.ints(prefix + "generated");
        // what a token is reported to be worth is by the model's own rule
        const std::vector<float> logits = golden.floats(prefix + (golden.has(prefix + "strong_logits") ? "strong_logits" : "step_logits"));
        const std::size_t vocab = logits.size() / expected.size();
        RunSpec spec;
        spec.maxNewTokens = static_cast<std::int64_t>(expected.size());
        CompiledRecipe compiled{recipe, model, backend, nullptr};
        const GenerateResult result = generate(model, backend, prompt, spec, nullptr, nullptr, {}, {}, compiled.steering());
        QCOMPARE(result.tokens.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            QCOMPARE(result.tokens[i].id, expected[i]);
            const double wanted = logProbability(std::span{logits}.subspan(i * vocab, vocab), expected[i]);
            const double error = std::fabs(static_cast<double>(result.tokens[i].logprob) - wanted);
            QVERIFY2(error <= 1e-4 * std::max(1.0, std::fabs(wanted)), qPrintable(QString{"step %1: %2"}.arg(i).arg(error)));
        }
    }

private slots:
    void everyOpAndPolicyIsCompared()
    {
        std::set<std::string> seen{"random", "fixed-random-router"}; // whose numbers are our own
        for (const std::string &family : families)
            for (const auto &file : recipesFor(family)) {
                const Recipe recipe = readRecipe(file);
                for (const Edit &edit : recipe.edits)
                    if (edit.enabled)
                        seen.insert(edit.op);
                for (const PolicySetting &policy : recipe.policies)
                    seen.insert(policy.policy);
            }
        for (const InterventionKind &kind : interventionKinds())
            QVERIFY2(seen.contains(std::string{kind.id}), std::string{kind.id}.c_str());
        for (const PolicyKind &kind : policyKinds())
            QVERIFY2(seen.contains(std::string{kind.id}), std::string{kind.id}.c_str());
    }

    void steeredLikeTheReference_data()
    {
        QTest::addColumn<QString>("family");
        QTest::addColumn<QString>("file");
        QTest::addColumn<QString>("backend");
        for (const std::string &family : families)
            for (const auto &file : recipesFor(family))
                for (const char *backend : {"plain", "cpu", emulatedCuda})
                    if (backend != emulatedCuda || (family == "olmoe" && onCuda.contains(file.stem().string())))
                        QTest::addRow("%s, %s, %s", family.c_str(), file.stem().c_str(), backend)
                            << QString::fromStdString(family) << QString::fromStdString(file.string()) << backend;
    }
    void steeredLikeTheReference()
    {
        QFETCH(QString, family);
        QFETCH(QString, file);
        QFETCH(QString, backend);
        const Recipe recipe = readRecipe(file.toStdString());
        const GoldenTensors golden{"steering/" + family.toStdString() + "/golden.safetensors"};
        const Model &loaded = model(family.toStdString(), backend.toStdString());
        Backend &computing = *m_backends[backend.toStdString()];
        const std::string prefix = recipe.name + '/';
        if (golden.has(prefix + "generated"))
            compareGenerated(golden, prefix, loaded, computing, recipe);
        else
            compareTraced(golden, prefix, loaded, computing, recipe);
    }
};

QTEST_APPLESS_MAIN(TestSteeringGoldens)
#include "test_steering_goldens.moc"
