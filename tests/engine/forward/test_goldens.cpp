// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The engine against the reference implementation, layer by layer, on every checkpoint in tests/data/families, with the plain
// backend, the CPU backend, and the CUDA backend's kernels emulated on the processor. Errors are |ours - reference| / max(|reference|, rms
// of the reference tensor).
#include "golden.h"

#include "engine/core/memory_trace.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <functional>

using namespace expertscope;

namespace {

constexpr const char *emulatedCuda = "cuda-emulated"; ///< with exact products
constexpr const char *roundingCuda = "cuda-emulated, rounding"; ///< as it is where nothing is set

std::unique_ptr<Backend> backendOf(const std::string &name)
{
    if (!name.starts_with(emulatedCuda))
        return makeBackend(name);
    const QByteArray before = qgetenv("EXPERTSCOPE_BF16_TERMS");
    qputenv("EXPERTSCOPE_BF16_TERMS", name == roundingCuda ? "1" : "3");
    std::unique_ptr<Backend> backend = makeCudaBackend();
    qputenv("EXPERTSCOPE_BF16_TERMS", before);
    return backend;
}

double distance(const std::vector<float> &a, const std::vector<float> &b)
{
    std::vector<float> difference(a.size());
    std::transform(a.begin(), a.end(), b.begin(), difference.begin(), std::minus{});
    return rootMeanSquare(difference);
}

struct Loaded {
    explicit Loaded(const std::string &folder, const std::string &backendName)
        : golden{folder}
        , backend{backendOf(backendName)}
        , model{Model::load(golden.files(), *backend, {})}
    {
    }
    Golden golden;
    std::unique_ptr<Backend> backend;
    std::shared_ptr<const Model> model;

    Capturer run(const std::vector<TokenSequence> &sequences)
    {
        Capturer captured{*backend};
        Forward forward{*model, *backend, nullptr, &captured};
        Batch batch;
        for (std::size_t s = 0; s < sequences.size(); ++s)
            batch.append(static_cast<std::int32_t>(s), sequences[s].tokens, 0, -1);
        const Tensor out = forward.run(batch, nullptr, {});
        const Buffer logits = backend->allocate(DType::F32, {batch.rows(), model->config().vocab});
        backend->linear(out, *model->head(), nullptr, logits);
        captured.floats["logits"].resize(static_cast<std::size_t>(logits.tensor().count()));
        backend->download(logits, captured.floats["logits"]);
        return captured;
    }

    std::shared_ptr<MemoryTrace> trace(const std::vector<TokenSequence> &sequences, RunSpec spec)
    {
        auto memory = std::make_shared<MemoryTrace>();
        memory->begin(traceMeta(*model, *backend, spec));
        traceSequences(*model, *backend, sequences, spec, nullptr, *memory, {});
        memory->finish({});
        return memory;
    }
};

/// How far the CPU backend's log-probabilities and gate weights may move with the number of rows of a product: its kernels differ
/// by that, and with BF16 weights they keep 16 bits of each activation.
double tolerance(const Model &model)
{
    return model.info().quantisation == "BF16" ? 5e-4 : 2e-5;
}

RunSpec everything()
{
    RunSpec spec;
    spec.capture = {true, true, true, true};
    return spec;
}

/// Largest difference of the numbers of two traces of the same tokens; infinite where the experts differ.
double traceDifference(const RoutingTrace &a, const RoutingTrace &b)
{
    const TokenRange all{0, a.meta().tokens};
    if (b.meta().tokens != all.end)
        return INFINITY;
    const TokenColumns left = a.tokens(all);
    const TokenColumns right = b.tokens(all);
    if (left.tokenId != right.tokenId || left.position != right.position || left.seqIndex != right.seqIndex)
        return INFINITY;
    double largest = 0;
    const auto compare = [&](float x, float y) {
        if (std::isnan(x) != std::isnan(y))
            largest = INFINITY;
        else if (!std::isnan(x))
            largest = std::max(largest, std::fabs(static_cast<double>(x) - static_cast<double>(y)));
    };
    for (std::size_t t = 0; t < left.logprob.size(); ++t)
        compare(left.logprob[t], right.logprob[t]);
    const auto n = static_cast<std::size_t>(all.count()) * static_cast<std::size_t>(a.meta().slotCount);
    for (int m = 0; m < a.meta().moeLayers(); ++m) {
        std::vector<ExpertId> leftIds(n), rightIds(n);
        std::vector<float> leftWeights(n), rightWeights(n);
        a.expertIds(all, m, leftIds);
        b.expertIds(all, m, rightIds);
        a.gateWeights(all, m, leftWeights);
        b.gateWeights(all, m, rightWeights);
        if (leftIds != rightIds)
            return INFINITY;
        for (std::size_t i = 0; i < n; ++i)
            compare(leftWeights[i], rightWeights[i]);
    }
    return largest;
}

} // namespace

class TestGoldens : public QObject {
    Q_OBJECT

    static void everyFolderAndBackend()
    {
        QTest::addColumn<QString>("folder");
        QTest::addColumn<QString>("backend");
        for (const std::string &folder : Golden::names())
            for (const char *backend : {"plain", "cpu", emulatedCuda})
                QTest::addRow("%s, %s", folder.c_str(), backend) << QString::fromStdString(folder) << backend;
    }

    static Loaded load()
    {
        QFETCH(QString, folder);
        QFETCH(QString, backend);
        return Loaded{folder.toStdString(), backend.toStdString()};
    }

private slots:
    void initTestCase() { QVERIFY(Golden::names().size() >= 10); }

    void layerByLayer_data() { everyFolderAndBackend(); }
    void layerByLayer()
    {
        Loaded loaded = load();
        const Golden &golden = loaded.golden;
        const Capturer ours = loaded.run(golden.sequences());
        QString report;
        double worst = 0;
        for (const auto &[name, values] : ours.floats) {
            if (!golden.has(name))
                continue;
            const double error = largestError(values, golden.floats(name));
            report += QString{" %1 %2"}.arg(QString::fromStdString(name)).arg(error, 0, 'e', 1);
            worst = std::max(worst, error);
        }
        qInfo().noquote() << "largest errors:" << report;
        QVERIFY2(worst <= 1e-4, qPrintable(report));

        int same = 0;
        for (int l : loaded.model->config().moeLayers()) {
            const std::string layer = "." + std::to_string(l);
            const std::vector<float> margin = golden.floats("margin" + layer);
            const std::vector<std::int32_t> expected = golden.ints("expert_id" + layer);
            const std::vector<std::int32_t> &chosen = ours.ids.at("expert_id" + layer);
            QCOMPARE(chosen.size(), expected.size());
            const std::size_t k = expected.size() / margin.size();
            for (std::size_t t = 0; t < margin.size(); ++t) {
                if (margin[t] <= 1e-5f)
                    continue;
                const auto at = static_cast<std::ptrdiff_t>(t * k);
                const auto row = [&](const auto &v) {
                    return std::vector(v.begin() + at, v.begin() + at + static_cast<std::ptrdiff_t>(k));
                };
                QCOMPARE(row(chosen), row(expected));
                ++same;
            }
        }
        QVERIFY(same > 100);
    }

    void traceHoldsWhatTheReferenceComputed_data() { everyFolderAndBackend(); }
    void traceHoldsWhatTheReferenceComputed()
    {
        Loaded loaded = load();
        const Golden &golden = loaded.golden;
        const auto trace = loaded.trace(golden.sequences(), everything());
        const TokenRange all{0, trace->meta().tokens};
        const TokenColumns columns = trace->tokens(all);
        QCOMPARE(columns.tokenId, golden.ints("token_id"));
        QCOMPARE(columns.position, golden.ints("position"));
        QCOMPARE(columns.seqIndex, golden.ints("seq_index"));
        QCOMPARE(trace->meta().layers, loaded.model->config().moeLayers());

        const std::vector<float> logprob = golden.floats("logprob");
        const std::vector<float> logits = golden.floats("logits");
        const std::size_t vocab = logits.size() / logprob.size();
        double worst = 0;
        for (std::size_t t = 0; t < logprob.size(); ++t) {
            QCOMPARE(std::isnan(columns.logprob[t]), columns.position[t] == 0);
            if (columns.position[t] > 0)
                worst = std::max(worst, std::fabs(static_cast<double>(columns.logprob[t]) - static_cast<double>(logprob[t])));
            const auto row = logits.begin() + static_cast<std::ptrdiff_t>(t * vocab);
            QCOMPARE(
                columns.predictedId[t], static_cast<std::int32_t>(std::max_element(row, row + static_cast<std::ptrdiff_t>(vocab)) - row));
        }
        qInfo() << "largest log-probability error" << worst << "nats";
        QVERIFY(worst < 1e-3);

        const auto experts = static_cast<std::size_t>(trace->meta().experts);
        for (int m = 0; m < trace->meta().moeLayers(); ++m) {
            const std::string layer = "." + std::to_string(trace->meta().layers[static_cast<std::size_t>(m)]);
            const std::vector<float> expected = golden.floats("router_logits" + layer);
            std::vector<float> recorded(expected.size());
            trace->routerLogits(all, m, recorded);
            QVERIFY(largestError(recorded, expected) < 1e-3); // kept as f16

            std::vector<double> mean(experts);
            const SequenceInfo &last = trace->meta().sequences.back();
            for (auto t = static_cast<std::size_t>(last.firstToken); t < expected.size() / experts; ++t) {
                double sum = 0;
                for (std::size_t e = 0; e < experts; ++e)
                    sum += std::exp(static_cast<double>(expected[t * experts + e]));
                for (std::size_t e = 0; e < experts; ++e)
                    mean[e] += std::exp(static_cast<double>(expected[t * experts + e])) / sum / static_cast<double>(last.nPrompt);
            }
            std::vector<float> recordedMean(experts * static_cast<std::size_t>(trace->meta().moeLayers()));
            trace->meanSoftmax(static_cast<int>(trace->meta().sequences.size()) - 1, recordedMean);
            for (std::size_t e = 0; e < experts; ++e)
                QVERIFY(std::fabs(static_cast<double>(recordedMean[static_cast<std::size_t>(m) * experts + e]) - mean[e]) < 1e-5);
        }
    }

    // What BF16 may cost is what it costs the reference, which computes everything in BF16.
    void bf16StaysWithinTheReferencesOwnError_data()
    {
        QTest::addColumn<QString>("folder");
        QTest::addColumn<QString>("backend");
        QTest::addColumn<QByteArray>("terms"); // BF16 terms each activation is split into; 1 rounds it
        for (const std::string &folder : Golden::names())
            if (Golden{folder}.has("bf16.logits")) {
                QTest::addRow("%s, plain", folder.c_str()) << QString::fromStdString(folder) << "plain" << QByteArray{};
                QTest::addRow("%s, cpu", folder.c_str()) << QString::fromStdString(folder) << "cpu" << QByteArray{};
                QTest::addRow("%s, %s", folder.c_str(), roundingCuda) << QString::fromStdString(folder) << roundingCuda << QByteArray{};
                QTest::addRow("%s, cpu, rounded", folder.c_str()) << QString::fromStdString(folder) << "cpu" << QByteArray{"1"};
            }
    }
    void bf16StaysWithinTheReferencesOwnError()
    {
        QFETCH(QByteArray, terms);
        const bool given = qEnvironmentVariableIsSet("EXPERTSCOPE_BF16_TERMS");
        if (!terms.isEmpty() && !given)
            qputenv("EXPERTSCOPE_BF16_TERMS", terms);
        Loaded loaded = load();
        if (!terms.isEmpty() && !given)
            qunsetenv("EXPERTSCOPE_BF16_TERMS");

        const Capturer ours = loaded.run(loaded.golden.sequences());
        QString report;
        int compared = 0;
        for (const auto &[name, values] : ours.floats) {
            if (!loaded.golden.has("bf16." + name) || name.starts_with("gate_weight")) // slots of other experts do not compare
                continue;
            const std::vector<float> exact = loaded.golden.floats(name);
            const double error = distance(values, exact);
            const double allowed = distance(loaded.golden.floats("bf16." + name), exact);
            report += QString{" %1 %2 of %3"}.arg(QString::fromStdString(name)).arg(error, 0, 'e', 1).arg(allowed, 0, 'e', 1);
            QVERIFY2(error <= allowed, qPrintable(report));
            ++compared;
        }
        qInfo().noquote() << "rms error, of the reference's own:" << report;
        QVERIFY(compared >= 8);
    }

    void howSequencesArePackedDoesNotMatter_data() { everyFolderAndBackend(); }
    void howSequencesArePackedDoesNotMatter()
    {
        QFETCH(QString, backend);
        Loaded loaded = load();
        const std::vector<TokenSequence> sequences = loaded.golden.sequences();
        const auto packed = loaded.trace(sequences, everything());
        // 40: a batch holds several; 10: the long ones go through the KV cache in parts; 1: token by token
        QString report;
        for (std::int64_t batchTokens : {40, 10, 1}) {
            if (batchTokens == 1 && backend == emulatedCuda)
                continue; // slow; continuations are decoded token by token as well
            RunSpec spec = everything();
            spec.batchTokens = batchTokens;
            const double difference = traceDifference(*packed, *loaded.trace(sequences, spec));
            report += QString{" %1: %2"}.arg(batchTokens).arg(difference);
            QVERIFY2(difference <= (backend == "plain" ? 0.0 : tolerance(*loaded.model)), qPrintable(report));
        }
        qInfo().noquote() << "largest difference from one batch, by tokens a batch:" << report;
    }

    void greedyContinuation_data() { everyFolderAndBackend(); }
    void greedyContinuation()
    {
        QFETCH(QString, backend);
        Loaded loaded = load();
        const std::vector<std::int32_t> expected = loaded.golden.ints("greedy");
        const std::vector<TokenSequence> prompts = loaded.golden.sequences();
        const std::size_t steps = expected.size() / prompts.size();
        RunSpec spec = everything();
        spec.maxNewTokens = static_cast<std::int64_t>(steps);
        const std::size_t tried = backend == emulatedCuda ? 1 : prompts.size(); // it is slow
        for (std::size_t s = 0; s < tried; ++s) {
            MemoryTrace decoded;
            decoded.begin(traceMeta(*loaded.model, *loaded.backend, spec));
            const GenerateResult result = generate(*loaded.model, *loaded.backend, prompts[s], spec, nullptr, &decoded, {}, {});
            decoded.finish({});
            TokenSequence whole = prompts[s];
            for (std::size_t i = 0; i < steps; ++i) {
                QCOMPARE(result.tokens.at(i).id, expected[s * steps + i]);
                if (i + 1 < steps) // the last one drawn is never run
                    whole.tokens.push_back(result.tokens[i].id);
            }
            // prefill and decode are the same computation
            const auto prefilled = loaded.trace({whole}, spec);
            const double difference = traceDifference(*prefilled, decoded);
            QVERIFY2(difference <= (backend == "plain" ? 2e-6 : tolerance(*loaded.model)), qPrintable(QString::number(difference)));
            QCOMPARE(decoded.meta().sequences.at(0).nPrompt, static_cast<std::int64_t>(prompts[s].tokens.size()));
            QCOMPARE(decoded.meta().sequences.at(0).nGenerated, static_cast<std::int64_t>(steps) - 1);
        }
    }
};

QTEST_APPLESS_MAIN(TestGoldens)
#include "test_goldens.moc"
