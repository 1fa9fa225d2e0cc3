// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The CUDA backend under emulation: every operation against the plain backend, the same bits in any order of threads, errors in words.
// This proves arithmetic and synchronisation of the kernels; it says nothing about how they run on a GPU.
#include "emulator/emulator.h"
#include "engine/core/error.h"
#include "op_checks.h"
#include "plain_backend.h"

#include <QTest>

#include <cstring>

using namespace expertscope;

class TestCudaEmulated : public QObject {
    Q_OBJECT

private slots:
    void operations_data()
    {
        QTest::addColumn<int>("group");
        const std::vector<OpGroup> groups = opGroups();
        for (std::size_t g = 0; g < groups.size(); ++g)
            QTest::addRow("%s", groups[g].name) << static_cast<int>(g);
    }
    void operations()
    {
        QFETCH(int, group);
        PlainBackend plain;
        const std::unique_ptr<Backend> cuda = makeCudaBackend();
        std::vector<std::vector<float>> first;
        const int seeds = std::max(2, qEnvironmentVariableIntValue("EXPERTSCOPE_EMULATOR_SEEDS"));
        for (int seed = 1; seed <= seeds; ++seed) {
            emulator::setSeed(static_cast<unsigned>(seed));
            std::size_t n = 0;
            QString wrong;
            double worst = 0;
            OpChecker checker{
                *cuda, plain, [&](const OpCheck &check) {
                    worst = std::max(worst, check.error);
                    if (!check.passed())
                        wrong +=
                            QString{"\n%1: %2, allowed %3"}.arg(QString::fromStdString(check.name)).arg(check.error).arg(check.allowed);
                    if (seed == 1)
                        first.push_back(check.values);
                    else if (std::memcmp(first[n].data(), check.values.data(), first[n].size() * sizeof(float)) != 0)
                        wrong += QString::fromStdString("\n" + check.name + ": other bits with another order of threads");
                    ++n;
                }};
            opGroups()[static_cast<std::size_t>(group)].run(checker);
            QVERIFY2(wrong.isEmpty(), qPrintable(wrong));
            if (seed == 1)
                qInfo("%zu checks, largest error %g", n, worst);
        }
    }

    void saysWhatItIs()
    {
        const BackendInfo info = makeCudaBackend()->info();
        QCOMPARE(info.name, std::string{"cuda"});
        QVERIFY(info.device.find("emulated") != std::string::npos);
        QVERIFY(info.memoryFreeBytes > 0 && info.memoryFreeBytes <= info.memoryTotalBytes);
    }

    void nothingIsLeftAllocated()
    {
        {
            const std::unique_ptr<Backend> cuda = makeCudaBackend();
            PlainBackend plain;
            OpChecker checker{*cuda, plain, [](const OpCheck &) {}};
            opGroups().front().run(checker);
            QVERIFY(emulator::usedBytes() > 0);
        }
        QCOMPARE(emulator::usedBytes(), std::size_t{0});
    }

    void outOfMemoryIsSaid()
    {
        emulator::setMemoryBytes(std::size_t{100} << 20);
        try {
            makeCudaBackend()->allocate(DType::F32, {1000, 30000});
            QFAIL("allocated");
        } catch (const Error &error) {
            qInfo("%s", error.what());
            QCOMPARE(error.kind, ErrorKind::Device);
            QVERIFY(error.message.find("needs 120.0 MB") != std::string::npos);
            QVERIFY(error.message.find("are free") != std::string::npos);
        }
        emulator::setMemoryBytes(std::size_t{64} << 30);
        QCOMPARE(emulator::usedBytes(), std::size_t{0});
    }

    void memoryCanBeLimited()
    {
        constexpr const char *variable = "EXPERTSCOPE_CUDA_MEMORY";
        const std::unique_ptr<Backend> cuda = makeCudaBackend();
        qputenv(variable, "0.5");
        const BackendInfo info = cuda->info();
        QCOMPARE(info.memoryTotalBytes, std::int64_t{500'000'000});
        QCOMPARE(info.memoryFreeBytes, info.memoryTotalBytes - static_cast<std::int64_t>(emulator::usedBytes()));
        for (const char *wrong : {"much", "-1", "0", "24 GB", "nan"}) {
            qputenv(variable, wrong);
            QVERIFY_EXCEPTION_THROWN(cuda->info(), Error);
        }
        qunsetenv(variable);
    }

    void wrongInputsAreSaid()
    {
        const std::unique_ptr<Backend> cuda = makeCudaBackend();
        std::vector<std::int64_t> numbers(4);
        QVERIFY_EXCEPTION_THROWN(cuda->prepare(Tensor{numbers.data(), DType::I64, {2, 2}}, Products::Fast), Error);
        QVERIFY_EXCEPTION_THROWN(cuda->prepare(Tensor{numbers.data(), DType::F32, {4}}, Products::Fast), Error);
        const WeightPtr table = cuda->prepare(Tensor{numbers.data(), DType::F32, {2, 4}}, Products::Fast);
        const Buffer out = cuda->allocate(DType::F32, {1, 4});
        const std::vector<std::int32_t> outside{2};
        QVERIFY_EXCEPTION_THROWN(cuda->embed(*table, outside, out), Error);

        AttentionConfig config;
        config.heads = config.kvHeads = 1;
        config.headDim = 4;
        ModelConfig model;
        model.layers.resize(1);
        model.layers[0].attention = config;
        const auto cache = cuda->makeKvCache(model, 1, 10);
        const Buffer x = put(*cuda, std::vector<float>(44), {11, 1, 4});
        const auto attend = [&](const BatchSpan &span, KvCache *to) { cuda->attention(x, x, x, {&span, 1}, config, to, 0, x); };
        QVERIFY_EXCEPTION_THROWN(attend({0, 11, 0, 0}, cache.get()), Error); // more than fits
        QVERIFY_EXCEPTION_THROWN(attend({0, 1, 3, 0}, cache.get()), Error); // a gap
        QVERIFY_EXCEPTION_THROWN(attend({0, 1, 0, 1}, cache.get()), Error); // no such sequence
        QVERIFY_EXCEPTION_THROWN(attend({0, 1, 3, -1}, nullptr), Error); // nothing is kept of its past
        attend({0, 6, 0, 0}, cache.get());
        cache->truncate(0, 2);
        QVERIFY_EXCEPTION_THROWN(attend({0, 1, 3, 0}, cache.get()), Error); // forgotten
        attend({0, 8, 2, 0}, cache.get());
    }
};

QTEST_APPLESS_MAIN(TestCudaEmulated)
#include "test_cuda_emulated.moc"
