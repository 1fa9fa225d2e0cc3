// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the two makers promise: the CPU backend is always there and says what it is; the CUDA one says why it is not.
#include "engine/core/backend.h"
#include "engine/core/error.h"
#include "engine/core/parallel.h"

#include <QTest>

using namespace expertscope;

class TestBackends : public QObject {
    Q_OBJECT

private slots:
    void cleanup() { setThreadCount(0); }

    void cpuSaysWhatItIs()
    {
        setThreadCount(3);
        const BackendInfo info = makeCpuBackend()->info();
        QCOMPARE(info.name, std::string{"cpu"});
        QVERIFY(info.device.find("3 threads") != std::string::npos);
        QVERIFY(info.memoryTotalBytes > 0);
        QVERIFY(info.memoryFreeBytes > 0 && info.memoryFreeBytes <= info.memoryTotalBytes);
    }

    void olderInstructionsAreNamed()
    {
        const QByteArray before = qgetenv("EXPERTSCOPE_ISA");
        qputenv("EXPERTSCOPE_ISA", "baseline");
        const std::string device = makeCpuBackend()->info().device;
        qputenv("EXPERTSCOPE_ISA", before);
        QVERIFY(device.find("SSE2") != std::string::npos);
    }

    void badSettingsAreSaid()
    {
        for (const char *variable : {"EXPERTSCOPE_ISA", "EXPERTSCOPE_BF16_TERMS"}) {
            const QByteArray before = qgetenv(variable);
            qputenv(variable, "7");
            try {
                makeCpuBackend();
                QFAIL("accepted");
            } catch (const Error &error) {
                QCOMPARE(error.kind, ErrorKind::Usage);
                QCOMPARE(error.where, std::string{variable});
                QVERIFY(!error.remedy.empty());
            }
            qputenv(variable, before);
        }
    }

    void cudaSaysWhyNot()
    {
        try {
            QCOMPARE(makeCudaBackend()->info().name, std::string{"cuda"});
        } catch (const Error &error) {
            qInfo("%s", error.what());
            QCOMPARE(error.kind, ErrorKind::Device);
            QVERIFY(error.message.starts_with("no CUDA "));
            QVERIFY(error.remedy.find("the CPU (--device cpu)") != std::string::npos);
        }
    }
};

QTEST_APPLESS_MAIN(TestBackends)
#include "test_backends.moc"
