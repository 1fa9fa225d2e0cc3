// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/summary.h"
#include "io/trace_hdf5.h"
#include "tests/io/importers/import_fixture.h"

#include <QProcess>
#include <QStandardPaths>

#include <numeric>

using namespace expertscope;
using namespace expertscope::test;

namespace {

/// Two layers (0 and 2) of three experts, top-2, four tokens, each gate half of its token.
QByteArray sound()
{
    return "{\"0\":{\"0\":{\"activation_tokens\":4,\"gate_values_sum\":2.0},\"1\":{\"activation_tokens\":4,\"gate_values_sum\":2},"
           "\"2\":{\"activation_tokens\":0,\"gate_values_sum\":0.0},\"total_tokens\":4},"
           "\"2\":{\"0\":{\"activation_tokens\":3,\"gate_values_sum\":1.5},\"1\":{\"activation_tokens\":1,\"gate_values_sum\":0.5},"
           "\"2\":{\"activation_tokens\":4,\"gate_values_sum\":2.0},\"total_tokens\":4}}";
}

const char config[] =
    "{\"model_type\":\"toy\",\"num_hidden_layers\":4,\"num_experts\":3,\"num_experts_per_tok\":2,\"mlp_only_layers\":[1,3]}";

} // namespace

class TestImportCounts : public QObject {
    Q_OBJECT

private slots:
    void init() { QVERIFY(m_folder.emplace().isValid()); }
    void cleanup() { m_folder.reset(); }

    void soundCounts()
    {
        write("en.json", sound());
        write("de.json",
            sound()
                .replace("\"activation_tokens\":3", "\"activation_tokens\":2")
                .replace("\"activation_tokens\":1,", "\"activation_tokens\":2,"));
        write("config.json", config);
        const Import result = importFiles({path("en.json"), path("de.json")}, {.config = path("config.json")});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        for (const TraceCheck &check : result.report.checks)
            QVERIFY2(check.status == "pass", check.name.c_str());
        const auto counts = result.trace.importedCounts();
        QVERIFY(counts);
        QCOMPARE(counts->groups, (std::vector<std::string>{"en", "de"}));
        QCOMPARE(counts->layers, (std::vector<int>{0, 2}));
        QCOMPARE(counts->experts, 3);
        QCOMPARE(counts->topK, 2);
        QCOMPARE(counts->counts[counts->index(1, 1, 1)], 2);
        QCOMPARE(counts->gateMass[counts->index(0, 1, 2)], 2.0);
        QCOMPARE(result.trace.meta().tokens, 0);
        QCOMPARE(result.trace.meta().model.family, std::string{"toy"});
        QCOMPARE(result.trace.load(), (std::vector<std::int64_t>{8, 8, 0, 5, 3, 8}));
        QCOMPARE(result.trace.gateMass(), (std::vector<double>{4, 4, 0, 3, 1, 4}));
        const RoutingSummary again = summarise(result.trace, "language", groupBy(result.trace.meta(), "language"), Progress{});
        QCOMPARE(again.counts, counts->counts);
    }

    void savedAndOpened()
    {
        write("en.json", sound());
        write("de.json", sound());
        const Import result = importFiles({path("en.json"), path("de.json")});
        copyTrace(result.trace, *createTraceFile(path("t.h5"), {}), Progress{});
        const TracePtr opened = openTraceFile(path("t.h5"));
        QVERIFY(opened->meta().notes.empty());
        const auto a = result.trace.importedCounts(), b = opened->importedCounts();
        QVERIFY(b);
        QCOMPARE(b->grouping, a->grouping);
        QCOMPARE(b->groups, a->groups);
        QCOMPARE(b->layers, a->layers);
        QCOMPARE(b->topK, a->topK);
        QCOMPARE(b->tokens, a->tokens);
        QCOMPARE(b->counts, a->counts);
        QCOMPARE(b->gateMass, a->gateMass);
        QCOMPARE(opened->load(), result.trace.load());
        QCOMPARE(opened->gateMass(), result.trace.gateMass());
        QVERIFY(opened->meta().checks == result.report.checks);
        QVERIFY(opened->meta().fields == result.trace.meta().fields);
        // and once more from the file, as File > Save does
        copyTrace(*opened, *createTraceFile(path("u.h5"), {}), Progress{});
        QCOMPARE(openTraceFile(path("u.h5"))->importedCounts()->counts, a->counts);
    }

    void netcdfNamesTheDimensionsOfCounts()
    {
        if (QStandardPaths::findExecutable("ncdump").isEmpty())
            QSKIP("ncdump (package netcdf-bin) is not installed");
        write("en.json", sound());
        copyTrace(importFiles({path("en.json")}).trace, *createTraceFile(path("t.h5"), {}), Progress{});
        QProcess process;
        process.start("ncdump", {"-h", m_folder->filePath("t.h5")});
        QVERIFY(process.waitForFinished());
        const QByteArray header = process.readAllStandardOutput();
        for (const char *words : {"int64 count(group, layer, expert)", "double gate_mass(group, layer, expert)", "int64 tokens(group)",
                 "string group_name(group)", "int64 load(layer, expert)"})
            QVERIFY2(header.contains(words), header);
        QVERIFY2(!header.contains("phony_dim"), header);
    }

    void nonsenseIsRefused_data()
    {
        QTest::addColumn<QByteArray>("second");
        QTest::addColumn<QByteArray>("check");
        QTest::newRow("a layer is missing") << QByteArray{sound()}.replace(
            "\"2\":{\"0\":{\"activation_tokens\":3", "\"3\":{\"0\":{\"activation_tokens\":3")
                                            << QByteArray{"layers or experts that not every language has"};
        QTest::newRow("an expert more") << QByteArray{sound()}.replace("\"2\":{\"activation_tokens\":4", "\"3\":{\"activation_tokens\":4")
                                        << QByteArray{"layers or experts that not every language has"};
        QByteArray uneven = sound();
        uneven.replace(uneven.lastIndexOf("\"total_tokens\":4"), 16, "\"total_tokens\":5");
        QTest::newRow("layers of other lengths") << uneven << QByteArray{"layers whose number of tokens is not their language's"};
        QTest::newRow("no tokens") << QByteArray{sound()}.replace("\"total_tokens\":4", "\"total_tokens\":0")
                                   << QByteArray{"languages without tokens"};
        QTest::newRow("more than all tokens") << QByteArray{sound()}.replace("\"activation_tokens\":3", "\"activation_tokens\":7")
                                              << QByteArray{"experts chosen more often than there are tokens"};
        QTest::newRow("negative mass") << QByteArray{sound()}.replace(":1.5", ":-1.5") << QByteArray{"negative sums of gate weights"};
    }
    void nonsenseIsRefused()
    {
        QFETCH(QByteArray, second);
        QFETCH(QByteArray, check);
        write("en.json", sound());
        write("de.json", second);
        const Import result = importFiles({path("en.json"), path("de.json")});
        QCOMPARE(result.kind, static_cast<int>(ErrorKind::Check));
        QCOMPARE(result.status(check), QByteArray{"fail"});
        QVERIFY2(QByteArray::fromStdString(result.error).contains(check), result.error.c_str());
    }

    void oddCountsOnlyWarn()
    {
        write(
            "en.json", sound().replace("\"activation_tokens\":1,\"gate_values_sum\":0.5", "\"activation_tokens\":0,\"gate_values_sum\":3"));
        const Import result = importFiles({path("en.json")});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        QCOMPARE(result.status("largest distance of the experts per token from top-k"), QByteArray{"warn"});
        QCOMPARE(result.status("largest mean sum of a token's gate weights"), QByteArray{"warn"});
    }

    void anotherModelIsRefused_data()
    {
        QTest::addColumn<QByteArray>("from");
        QTest::addColumn<QByteArray>("to");
        QTest::addColumn<QByteArray>("check");
        QTest::newRow("experts") << QByteArray{"\"num_experts\":3"} << QByteArray{"\"num_experts\":4"}
                                 << QByteArray{"experts per layer beside those of the model"};
        QTest::newRow("top-k") << QByteArray{"per_tok\":2"} << QByteArray{"per_tok\":3"}
                               << QByteArray{"experts per token beside the model's top-k"};
        QTest::newRow("layers") << QByteArray{"[1,3]"} << QByteArray{"[1]"} << QByteArray{"MoE layers are not those of the model"};
    }
    void anotherModelIsRefused()
    {
        QFETCH(QByteArray, from);
        QFETCH(QByteArray, to);
        QFETCH(QByteArray, check);
        write("en.json", sound());
        write("config.json", QByteArray{config}.replace(from, to));
        const Import result = importFiles({path("en.json")}, {.config = path("config.json")});
        QCOMPARE(result.kind, static_cast<int>(ErrorKind::Check));
        QCOMPARE(result.status(check), QByteArray{"fail"});
    }

    void brokenFiles_data()
    {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QByteArray>("words");
        QTest::newRow("cut short") << sound().left(200) << QByteArray{"broken"};
        QTest::newRow("a list") << QByteArray{sound()}.replace("\"total_tokens\":4", "\"total_tokens\":[4]") << QByteArray{"list"};
        QTest::newRow("a layer called x") << QByteArray{sound()}.replace("{\"0\":{\"0\"", "{\"x\":{\"0\"") << QByteArray{"\"x\""};
        QTest::newRow("layer 99999") << QByteArray{sound()}.replace("{\"0\":{\"0\"", "{\"99999\":{\"0\"") << QByteArray{"99999"};
        QTest::newRow("an expert twice") << QByteArray{sound()}.replace("\"1\":{", "\"0\":{") << QByteArray{"occurs twice"};
        QTest::newRow("half a token") << QByteArray{sound()}.replace("\"activation_tokens\":3", "\"activation_tokens\":2.5")
                                      << QByteArray{"whole number"};
        QTest::newRow("minus one token") << QByteArray{sound()}.replace("\"activation_tokens\":3", "\"activation_tokens\":-1")
                                         << QByteArray{"whole number"};
        QTest::newRow("not a number") << QByteArray{sound()}.replace("1.5", "1e999") << QByteArray{"broken"};
    }
    void brokenFiles()
    {
        QFETCH(QByteArray, bytes);
        QFETCH(QByteArray, words);
        write("en.json", bytes);
        const Import result = importFiles({path("en.json")});
        QCOMPARE(result.kind, static_cast<int>(ErrorKind::Input));
        QVERIFY2(QByteArray::fromStdString(result.error).contains(words), result.error.c_str());
    }

    void realCountsOfQwen3()
    {
        const QString folder = realTraces("qwen3-30b-mgsm");
        if (folder.isEmpty())
            QSKIP("the shared real data is not here");
        QCOMPARE(QString::fromStdString(foreignTraceKind(folder.toStdString())), QStringLiteral("counts per language, JSON"));
        const Import result = importFiles({folder.toStdString()});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        for (const TraceCheck &check : result.report.checks)
            QVERIFY2(check.status == "pass", (check.name + ' ' + std::to_string(check.value)).c_str());
        const auto counts = result.trace.importedCounts();
        QCOMPARE(counts->groups, (std::vector<std::string>{"de", "en", "es", "fr", "ja", "zh"}));
        QCOMPARE(counts->tokens, (std::vector<std::int64_t>{23433, 18286, 22444, 23123, 23132, 19413}));
        QCOMPARE(counts->moeLayers(), 48);
        QCOMPARE(counts->experts, 128);
        QCOMPARE(counts->topK, 8);
        QCOMPARE(counts->counts[counts->index(1, 0, 0)], 1622);
    }

private:
    std::filesystem::path path(const char *name) const { return m_folder->filePath(name).toStdString(); }
    void write(const char *name, const QByteArray &bytes) { writeFile(path(name).string(), bytes.toStdString()); }

    std::optional<QTemporaryDir> m_folder;
};

QTEST_APPLESS_MAIN(TestImportCounts)
#include "test_import_counts.moc"
