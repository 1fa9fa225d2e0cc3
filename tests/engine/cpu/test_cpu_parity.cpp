// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Every operation of the CPU backend against the plain one, on odd shapes, for every stored type; and bit for bit the same
// with any number of threads. EXPERTSCOPE_ISA chooses the instructions (see CMakeLists.txt).
#include "engine/core/backend.h"
#include "engine/core/error.h"
#include "engine/core/parallel.h"
#include "plain_backend.h"

#include <QTest>

#include <cmath>
#include <cstring>
#include <functional>
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

/// A stored tensor that begins where no vector is aligned, as tensors of a mapped file may.
class StoredTensor {
public:
    StoredTensor(const Values &values, DType type, Shape shape)
        : m_bytes((values.size() + 1) * sizeBytes(type))
    {
        std::byte *at = m_bytes.data() + sizeBytes(type);
        for (float v : values) {
            if (type == DType::F32)
                std::memcpy(at, &v, 4);
            else {
                const std::uint16_t half = type == DType::BF16 ? f32ToBf16(v) : f32ToF16(v);
                std::memcpy(at, &half, 2);
            }
            at += sizeBytes(type);
        }
        m_tensor = {m_bytes.data() + sizeBytes(type), type, shape};
    }
    const Tensor &tensor() const { return m_tensor; }

private:
    std::vector<std::byte> m_bytes;
    Tensor m_tensor;
};

/// Stored matrices by value; kept until the test ends.
class Store {
public:
    Tensor matrix(Random &random, DType type, std::int64_t rows, std::int64_t cols)
    {
        m_kept.push_back(std::make_unique<StoredTensor>(
            random.normals(rows * cols, 1.0f / std::sqrt(static_cast<float>(cols))), type, Shape{rows, cols}));
        return m_kept.back()->tensor();
    }

private:
    std::vector<std::unique_ptr<StoredTensor>> m_kept;
};

Buffer tensorOf(const Values &values, Shape shape)
{
    Buffer buffer = hostBuffer(DType::F32, shape);
    std::copy(values.begin(), values.end(), buffer.tensor().f32());
    return buffer;
}

Values valuesOf(const Tensor &tensor)
{
    return {tensor.f32(), tensor.f32() + tensor.count()};
}

/// Largest difference relative to the largest expected magnitude.
double worst(const Values &got, const Values &expected)
{
    if (got.size() != expected.size())
        return std::numeric_limits<double>::infinity();
    double top = 1e-30;
    double largest = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        if (std::isnan(expected[i]) != std::isnan(got[i]))
            return std::numeric_limits<double>::infinity();
        if (std::isnan(expected[i]))
            continue;
        top = std::max(top, static_cast<double>(std::abs(expected[i])));
        largest = std::max(largest, static_cast<double>(std::abs(got[i] - expected[i])));
    }
    return largest / top;
}

constexpr double exact = 5e-6; ///< f32 arithmetic in another order

} // namespace

Q_DECLARE_METATYPE(DType)

class TestCpuParity : public QObject {
    Q_OBJECT

private:
    PlainBackend m_plain;
    std::unique_ptr<Backend> m_cpu = makeCpuBackend();

    /// What `op` gives on both backends must agree; on the CPU with 1, 2 and 3 threads bit for bit.
    void compare(const std::function<Values(Backend &)> &op, double limit)
    {
        const Values expected = op(m_plain);
        setThreadCount(1);
        const Values one = op(*m_cpu);
        const double error = worst(one, expected);
        QVERIFY2(error <= limit, qPrintable(QString{"relative error %1, allowed %2"}.arg(error).arg(limit)));
        for (int threads : {2, 3}) {
            setThreadCount(threads);
            const Values several = op(*m_cpu);
            QVERIFY2(several.size() == one.size() && std::memcmp(several.data(), one.data(), one.size() * sizeof(float)) == 0,
                qPrintable(QString{"not the same numbers with %1 threads"}.arg(threads)));
        }
    }

    static void eachType(std::initializer_list<std::array<int, 3>> shapes)
    {
        QTest::addColumn<DType>("type");
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("in");
        QTest::addColumn<int>("out");
        for (DType type : {DType::F32, DType::F16, DType::BF16})
            for (const auto &[rows, in, out] : shapes)
                QTest::addRow("%s, %d rows, %d to %d", name(type), rows, in, out) << type << rows << in << out;
    }

private slots:
    void initTestCase() { qInfo("%s", m_cpu->info().device.c_str()); }
    void cleanup() { setThreadCount(0); }

    void linear_data()
    {
        eachType({{1, 64, 32}, {1, 33, 7}, {2, 100, 65}, {3, 257, 31}, {4, 64, 64}, {5, 31, 33}, {16, 96, 100}, {17, 130, 40},
            {33, 300, 65}, {48, 512, 96}, {49, 65, 3}, {100, 257, 129}, {250, 40, 200}, {7, 1, 1}});
    }
    void linear()
    {
        QFETCH(DType, type);
        QFETCH(int, rows);
        QFETCH(int, in);
        QFETCH(int, out);
        Random random{1};
        Store store;
        const Tensor stored = store.matrix(random, type, out, in);
        const Buffer x = tensorOf(random.normals(rows * in), {rows, in});
        const Buffer bias = tensorOf(random.normals(out), {out});
        for (Products products : {Products::Exact, Products::Fast})
            for (const Tensor *shift : {static_cast<const Tensor *>(nullptr), &bias.tensor()})
                compare(
                    [&](Backend &backend) {
                        const Buffer y = backend.allocate(DType::F32, {rows, out});
                        backend.linear(x, *backend.prepare(stored, products), shift, y);
                        return valuesOf(y);
                    },
                    products == Products::Exact ? exact : fastLimit(type));
    }

    void embed_data() { eachType({{5, 64, 40}, {1, 33, 7}}); }
    void embed()
    {
        QFETCH(DType, type);
        QFETCH(int, rows);
        QFETCH(int, in);
        QFETCH(int, out);
        Random random{2};
        Store store;
        const Tensor stored = store.matrix(random, type, out, in);
        std::vector<std::int32_t> ids;
        for (int t = 0; t < rows; ++t)
            ids.push_back(random.below(out));
        compare(
            [&](Backend &backend) {
                const Buffer y = backend.allocate(DType::F32, {rows, in});
                backend.embed(*backend.prepare(stored, Products::Fast), ids, y);
                return valuesOf(y);
            },
            0);
        ids.front() = out;
        const Buffer y = m_cpu->allocate(DType::F32, {rows, in});
        QVERIFY_EXCEPTION_THROWN(m_cpu->embed(*m_cpu->prepare(stored, Products::Fast), ids, y), Error);
    }

    void halvesBecomeTheirExactValues()
    {
        // All 65,536 patterns of both half types, through the vector path.
        std::vector<std::uint16_t> all(65536);
        for (std::size_t i = 0; i < all.size(); ++i)
            all[i] = static_cast<std::uint16_t>(i);
        for (DType type : {DType::F16, DType::BF16}) {
            const Buffer wide = m_cpu->prepareVector(Tensor{all.data(), type, {65536}});
            for (std::size_t i = 0; i < all.size(); ++i) {
                const float expected = type == DType::F16 ? f16ToF32(all[i]) : bf16ToF32(all[i]);
                const float got = wide.tensor().f32()[i];
                QVERIFY2(got == expected || (std::isnan(got) && std::isnan(expected)), qPrintable(QString::number(i, 16)));
            }
        }
    }

    void rmsNorm()
    {
        Random random{3};
        for (int width : {1, 15, 64, 129, 2048}) {
            const Buffer x = tensorOf(random.normals(9 * width), {9, width});
            const Buffer weight = tensorOf(random.normals(width), {width});
            compare(
                [&](Backend &backend) {
                    const Buffer y = backend.allocate(DType::F32, {9, width});
                    backend.rmsNorm(x, weight, 1e-5f, y);
                    return valuesOf(y);
                },
                exact);
        }
    }

    void elementwise()
    {
        Random random{4};
        for (int width : {3, 100, 5000}) {
            const Values x = random.normals(20 * width);
            const Buffer y = tensorOf(random.normals(20 * width), {20, width});
            const Buffer g = tensorOf(random.normals(20, 4), {20, 1});
            for (int which : {0, 1, 2})
                compare(
                    [&](Backend &backend) {
                        const Buffer z = tensorOf(x, {20, width});
                        if (which == 0)
                            backend.add(z, y);
                        else if (which == 1)
                            backend.clamp(z, 0.5f);
                        else
                            backend.scaleRowsBySigmoid(z, g);
                        return valuesOf(z);
                    },
                    1e-6);
        }
    }

    void rope()
    {
        Random random{5};
        for (int depth : {2, 6, 64, 128}) {
            AttentionConfig config;
            config.headDim = depth;
            config.ropeScale = 1.25f;
            for (int d = 0; d < depth / 2; ++d)
                config.ropeInvFreq.push_back(std::pow(10000.0f, -2.0f * static_cast<float>(d) / static_cast<float>(depth)));
            for (const std::vector<std::int32_t> &positions : {std::vector<std::int32_t>{0, 1, 2, 3, 4}, {7, 100000, 3, 0, 2047}}) {
                const Values x = random.normals(5 * 3 * depth);
                compare(
                    [&](Backend &backend) {
                        const Buffer z = tensorOf(x, {5, 3, depth});
                        backend.rope(z, nullptr, positions, config);
                        return valuesOf(z);
                    },
                    exact);
                const Buffer weight = tensorOf(random.normals(depth), {depth});
                const HeadNorm norm{weight, 1e-6f};
                const auto normed = [&](Backend &backend) {
                    const Buffer z = tensorOf(x, {5, 3, depth});
                    backend.rope(z, &norm, positions, config);
                    return valuesOf(z);
                };
                compare(normed, exact);
                const Buffer apart = tensorOf(x, {5, 3, depth});
                m_cpu->rmsNorm(apart, weight, norm.eps, apart);
                m_cpu->rope(apart, nullptr, positions, config);
                QVERIFY(normed(*m_cpu) == valuesOf(apart)); // bit for bit
            }
        }
    }

    void attention_data()
    {
        QTest::addColumn<int>("heads");
        QTest::addColumn<int>("kvHeads");
        QTest::addColumn<int>("depth");
        QTest::addColumn<int>("window");
        QTest::newRow("one head") << 1 << 1 << 8 << 0;
        QTest::newRow("multi-head") << 4 << 4 << 64 << 0;
        QTest::newRow("grouped") << 6 << 2 << 20 << 0;
        QTest::newRow("multi-query, many heads") << 50 << 1 << 12 << 0;
        QTest::newRow("sliding window") << 4 << 2 << 16 << 10;
        QTest::newRow("window of one") << 2 << 1 << 16 << 1;
    }
    void attention()
    {
        QFETCH(int, heads);
        QFETCH(int, kvHeads);
        QFETCH(int, depth);
        QFETCH(int, window);
        AttentionConfig config;
        config.heads = heads;
        config.kvHeads = kvHeads;
        config.headDim = depth;
        config.slidingWindow = window;
        ModelConfig model;
        model.layers.resize(2);
        for (LayerConfig &layer : model.layers)
            layer.attention = config;
        Random random{6};
        // Two cached sequences grow in unequal steps, beside one that is not kept.
        const std::vector<std::vector<BatchSpan>> steps{
            {{0, 70, 0, 0}, {70, 1, 0, 1}, {71, 40, 0, -1}}, {{0, 1, 70, 0}, {1, 1, 1, 1}}, {{0, 5, 2, 1}, {5, 130, 71, 0}}};
        std::vector<std::array<Buffer, 3>> inputs;
        for (const auto &spans : steps) {
            std::int64_t rows = 0;
            for (const BatchSpan &span : spans)
                rows += span.rows;
            inputs.push_back({tensorOf(random.normals(rows * heads * depth, 2), {rows, heads, depth}),
                tensorOf(random.normals(rows * kvHeads * depth, 2), {rows, kvHeads, depth}),
                tensorOf(random.normals(rows * kvHeads * depth), {rows, kvHeads, depth})});
        }
        compare(
            [&](Backend &backend) {
                const auto cache = backend.makeKvCache(model, 2, 201);
                Values all;
                for (std::size_t s = 0; s < steps.size(); ++s)
                    for (int layer : {0, 1}) {
                        const auto &[q, k, v] = inputs[s];
                        const Buffer out = backend.allocate(DType::F32, q.tensor().shape);
                        backend.attention(q, k, v, steps[s], config, cache.get(), layer, out);
                        const Values values = valuesOf(out);
                        all.insert(all.end(), values.begin(), values.end());
                    }
                return all;
            },
            exact);
        // Without a cache, and through a fresh one, the first step is the same.
        const auto &[q, k, v] = inputs[0];
        const Buffer with = m_cpu->allocate(DType::F32, q.tensor().shape);
        const Buffer without = m_cpu->allocate(DType::F32, q.tensor().shape);
        const auto cache = m_cpu->makeKvCache(model, 2, 201);
        m_cpu->attention(q, k, v, steps[0], config, cache.get(), 0, with);
        m_cpu->attention(q, k, v, steps[0], config, nullptr, 0, without);
        QCOMPARE(valuesOf(with), valuesOf(without));
        // More than fits, and a gap, are said.
        const std::vector<BatchSpan> gap{{0, 70, 100, 1}};
        QVERIFY_EXCEPTION_THROWN(m_cpu->attention(q, k, v, gap, config, cache.get(), 0, with), Error);
        cache->truncate(0, 60);
        const std::vector<BatchSpan> forgotten{{0, 1, 70, 0}};
        QVERIFY_EXCEPTION_THROWN(m_cpu->attention(q, k, v, forgotten, config, cache.get(), 0, with), Error);
        const auto small = m_cpu->makeKvCache(model, 2, 69);
        QVERIFY_EXCEPTION_THROWN(m_cpu->attention(q, k, v, steps[0], config, small.get(), 0, with), Error);
    }

    void experts_data() { eachType({{1, 64, 32}, {3, 33, 17}, {40, 96, 64}, {37, 70, 35}, {300, 32, 100}}); }
    void experts()
    {
        QFETCH(DType, type);
        QFETCH(int, rows);
        QFETCH(int, in);
        QFETCH(int, out); // width of an expert
        Random random{7};
        Store store;
        constexpr int count = 9;
        std::vector<StoredMlp> stored;
        for (int e = 0; e < count; ++e)
            stored.push_back(
                {store.matrix(random, type, out, in), store.matrix(random, type, out, in), store.matrix(random, type, in, out)});
        const Buffer x = tensorOf(random.normals(rows * in), {rows, in});
        const Values before = random.normals(rows * in);

        // Unequal loads: expert 0 has most rows, some have none; the number of slots in use varies, and an expert may come twice.
        Assignments assignments;
        assignments.tokens = rows;
        assignments.slotCount = 4;
        for (int t = 0; t < rows; ++t) {
            assignments.count.push_back(t % 7 == 0 ? t % 4 : 4);
            for (int s = 0; s < 4; ++s) {
                assignments.expert.push_back(s == 0 ? 0 : random.below(count - 2));
                assignments.weight.push_back(0.1f * static_cast<float>(1 + random.below(9)));
            }
        }
        for (bool norms : {false, true})
            compare(
                [&](Backend &backend) {
                    const Buffer y = tensorOf(before, {rows, in});
                    const Buffer norm = backend.allocate(DType::F32, {rows, 4});
                    backend.experts(x, assignments, *backend.prepareExperts(stored), y, norms ? &norm.tensor() : nullptr);
                    Values all = valuesOf(y);
                    const Values lengths = valuesOf(norm);
                    all.insert(all.end(), lengths.begin(), lengths.end());
                    return all;
                },
                fastLimit(type));

        assignments.count.back() = 4;
        assignments.expert.back() = count;
        const Buffer y = tensorOf(before, {rows, in});
        QVERIFY_EXCEPTION_THROWN(m_cpu->experts(x, assignments, *m_cpu->prepareExperts(stored), y, nullptr), Error);
    }

    void gatedMlp_data() { eachType({{1, 64, 32}, {2, 31, 45}, {70, 96, 64}, {200, 33, 65}}); }
    void gatedMlp()
    {
        QFETCH(DType, type);
        QFETCH(int, rows);
        QFETCH(int, in);
        QFETCH(int, out);
        Random random{8};
        Store store;
        const Tensor gate = store.matrix(random, type, out, in);
        const Tensor up = store.matrix(random, DType::F32, out, in); // types may differ within one MLP
        const Tensor down = store.matrix(random, type, in, out);
        const Buffer x = tensorOf(random.normals(rows * in), {rows, in});
        compare(
            [&](Backend &backend) {
                const GatedMlp mlp{
                    backend.prepare(gate, Products::Fast), backend.prepare(up, Products::Fast), backend.prepare(down, Products::Fast)};
                const Buffer y = backend.allocate(DType::F32, {rows, in});
                backend.gatedMlp(x, mlp, y);
                return valuesOf(y);
            },
            exact);
    }

    void logProbs_data() { eachType({{1, 64, 1000}, {3, 65, 33}, {20, 48, 1537}, {200, 33, 70}}); }
    void logProbs()
    {
        QFETCH(DType, type);
        QFETCH(int, rows);
        QFETCH(int, in);
        QFETCH(int, out);
        Random random{9};
        Store store;
        const Tensor head = store.matrix(random, type, out, in);
        const Buffer x = tensorOf(random.normals(rows * in, 5), {rows, in});
        std::vector<std::int32_t> target;
        for (int t = 0; t < rows; ++t)
            target.push_back(t % 5 == 2 ? -1 : random.below(out));
        for (Products products : {Products::Exact, Products::Fast}) {
            const double limit = products == Products::Exact ? exact : fastLimit(type);
            compare(
                [&](Backend &backend) {
                    Values all(static_cast<std::size_t>(rows));
                    std::vector<std::int32_t> best(static_cast<std::size_t>(rows));
                    backend.logProbs(x, *backend.prepare(head, products), target, all, best);
                    if (limit < 1e-3) // rounding may well change which of two close logits is larger
                        all.insert(all.end(), best.begin(), best.end());
                    return all;
                },
                limit);
        }
    }

    void wrongTypesAreSaid()
    {
        std::vector<std::int64_t> numbers(4);
        QVERIFY_EXCEPTION_THROWN(m_cpu->prepare(Tensor{numbers.data(), DType::I64, {2, 2}}, Products::Fast), Error);
        QVERIFY_EXCEPTION_THROWN(m_cpu->prepare(Tensor{numbers.data(), DType::F32, {4}}, Products::Fast), Error);
    }

private:
    /// Products of bf16 weights may round activations to as many bits as the terms hold, where the processor has them at all.
    double fastLimit(DType type) const
    {
        const bool rounds = type == DType::BF16 && m_cpu->info().device.find("-term") != std::string::npos;
        const int terms = qEnvironmentVariableIntValue("EXPERTSCOPE_BF16_TERMS");
        return !rounds || terms == 3 ? exact : terms == 1 ? 1e-2 : 2e-5;
    }
};

QTEST_APPLESS_MAIN(TestCpuParity)
#include "test_cpu_parity.moc"
