// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/trace_hdf5.h"
#include "tests/io/importers/import_fixture.h"
#include "tests/io/importers/npy_bytes.h"

#include <cmath>
#include <limits>
#include <numeric>

using namespace expertscope;
using namespace expertscope::test;

namespace {

const char config[] = "{\"model_type\":\"toy\",\"num_hidden_layers\":3,\"n_routed_experts\":4,\"num_experts_per_tok\":2,"
                      "\"first_k_dense_replace\":1}";

/// Three tokens, layers 1 and 2, top-2 of four experts. One row is not in order of weight.
struct Sample {
    std::vector<std::int16_t> ids{0, 1, 2, 3, 1, 2, 3, 0, 2, 0, 1, 3};
    std::vector<float> weights{.5f, .25f, .5f, .25f, .25f, .5f, .5f, .25f, .5f, .25f, .5f, .25f};
    std::vector<std::int64_t> offsets{0, 2, 3}, layers{1, 2};

    std::string npz() const
    {
        return zipBytes(
            {{"expert_id.npy", npyBytes("<i2", "(3, 2, 2)", raw(ids))}, {"gate_weight.npy", npyBytes("<f4", "(3, 2, 2)", raw(weights))},
                {"sequence_offset.npy", npyBytes("<i8", "(" + std::to_string(offsets.size()) + ",)", raw(offsets))},
                {"layer.npy", npyBytes("<i8", "(2,)", raw(layers))}});
    }
};

std::vector<ExpertId> idsOf(const RoutingTrace &trace, int layer)
{
    std::vector<ExpertId> ids(static_cast<std::size_t>(trace.meta().tokens * trace.meta().slotCount));
    trace.expertIds({0, trace.meta().tokens}, layer, ids);
    return ids;
}

std::vector<float> weightsOf(const RoutingTrace &trace, int layer)
{
    std::vector<float> weights(static_cast<std::size_t>(trace.meta().tokens * trace.meta().slotCount));
    trace.gateWeights({0, trace.meta().tokens}, layer, weights);
    return weights;
}

} // namespace

class TestImportNumpy : public QObject {
    Q_OBJECT

private slots:
    void init() { QVERIFY(m_folder.emplace().isValid()); }
    void cleanup() { m_folder.reset(); }

    void soundArchive()
    {
        write("t.npz", Sample{}.npz());
        write("config.json", config);
        write("labels.csv", "id,language,parallel_id,grade\na,en,p,1\nb,de,p,2\n");
        const Import result = importFiles({path("t.npz")}, {.config = path("config.json"), .labels = path("labels.csv")});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        const TraceMeta &meta = result.trace.meta();
        QCOMPARE(meta.tokens, 3);
        QCOMPARE(meta.layers, (std::vector<int>{1, 2}));
        QCOMPARE(meta.experts, 4);
        QCOMPARE(meta.slotCount, 2);
        QVERIFY(meta.fields.gateWeight && !meta.fields.tokenText && !meta.fields.logprob && !meta.fields.nActive);
        QCOMPARE(meta.sequences.size(), 2u);
        QCOMPARE(meta.sequences[1].id, std::string{"b"});
        QCOMPARE(meta.sequences[1].language, std::string{"de"});
        QCOMPARE(meta.sequences[1].labels, std::vector<std::string>{"2"});
        QCOMPARE(meta.sequences[1].range(), (TokenRange{2, 3}));
        QCOMPARE(idsOf(result.trace, 0), (std::vector<ExpertId>{0, 1, 2, 1, 2, 0})); // the second token's were put in order
        QCOMPARE(weightsOf(result.trace, 0), (std::vector<float>{.5f, .25f, .5f, .25f, .5f, .25f}));
        QCOMPARE(result.value("tokens and layers whose experts were put in order of weight"), 1.0);
        const TokenColumns columns = result.trace.tokens({0, 3});
        QVERIFY(!meta.fields.tokenId && columns.tokenId.empty());
        QCOMPARE(columns.position, (std::vector<std::int32_t>{0, 1, 0}));
        copyTrace(result.trace, *createTraceFile(path("t.h5"), {}), Progress{});
        const TracePtr opened = openTraceFile(path("t.h5"));
        QVERIFY(opened->meta().checks == result.report.checks);
        QVERIFY(!opened->meta().fields.tokenId);
        QCOMPARE(idsOf(*opened, 1), idsOf(result.trace, 1));
    }

    void bareArray()
    {
        write("t.npy", npyBytes(">i4", "(1, 3, 2)", std::string{"\0\0\0\0\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\2\0\0\0\1", 24}));
        const Import result = importFiles({path("t.npy")});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        QCOMPARE(result.trace.meta().layers, (std::vector<int>{0, 2})); // nothing was recorded in layer 1
        QCOMPARE(result.trace.meta().experts, 3);
        QVERIFY(!result.trace.meta().fields.gateWeight);
        QCOMPARE(idsOf(result.trace, 1), (std::vector<ExpertId>{2, 1}));
        for (const char *warning : {"number of experts taken from the largest id: nothing says it",
                 "layers numbered by their place: the file does not say which they are",
                 "borders of sequences missing: taken as one sequence"})
            QCOMPARE(result.status(warning), QByteArray{"warn"});
    }

    void denseLayersAreLeftOutByTheConfig()
    {
        write("t.npy", npyBytes("|u1", "(1, 3, 2)", std::string{"\0\0\1\2\3\1", 6}));
        write("config.json", config);
        QCOMPARE(importFiles({path("t.npy")}, {.experts = 4}).status("tokens and layers that are all zero"), QByteArray{"fail"});
        const Import result = importFiles({path("t.npy")}, {.config = path("config.json")});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        QCOMPARE(result.trace.meta().layers, (std::vector<int>{1, 2}));
    }

    void physicalExpertsAreMapped()
    {
        write("t.npy", npyBytes("|u1", "(1, 2, 2)", std::string{"\0\4\5\1", 4}));
        write("map.npy", npyBytes("<i8", "(2, 6)", raw(std::vector<std::int64_t>{0, 1, 2, 3, 2, 0, 3, 2, 1, 0, 0, 1})));
        const Import result = importFiles({path("t.npy")}, {.physicalMap = path("map.npy"), .experts = 4});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        QCOMPARE(idsOf(result.trace, 0), (std::vector<ExpertId>{0, 2}));
        QCOMPARE(idsOf(result.trace, 1), (std::vector<ExpertId>{1, 2}));
        write("t.npy", npyBytes("|u1", "(1, 2, 2)", std::string{"\0\6\5\1", 4}));
        QCOMPARE(importFiles({path("t.npy")}, {.physicalMap = path("map.npy")}).status("ids that no expert can have"), QByteArray{"fail"});
    }

    void nonsenseIsRefused_data()
    {
        QTest::addColumn<int>("cell");
        QTest::addColumn<int>("id");
        QTest::addColumn<QByteArray>("check");
        QTest::newRow("beyond the experts") << 0 << 4 << QByteArray{"largest id beside the number of experts"};
        QTest::newRow("below -1") << 0 << -2 << QByteArray{"ids that no expert can have"};
        QTest::newRow("twice") << 0 << 1 << QByteArray{"tokens and layers with an expert twice"};
        QTest::newRow("half a row") << 0 << -1 << QByteArray{"tokens and layers with places partly empty"};
        QTest::newRow("a row of zeros") << 1 << 0 << QByteArray{"tokens and layers that are all zero"};
    }
    void nonsenseIsRefused()
    {
        QFETCH(int, cell);
        QFETCH(int, id);
        QFETCH(QByteArray, check);
        Sample sample;
        sample.ids[static_cast<std::size_t>(cell)] = static_cast<std::int16_t>(id);
        write("t.npz", sample.npz());
        const Import result = importFiles({path("t.npz")}, {.experts = 4});
        QCOMPARE(result.kind, static_cast<int>(ErrorKind::Check));
        QCOMPARE(result.status(check), QByteArray{"fail"});
        QVERIFY2(QByteArray::fromStdString(result.error).contains(check), result.error.c_str());
        QVERIFY(result.trace.meta().layers.empty()); // the sink saw nothing
    }

    void oddWeightsAndBorders_data()
    {
        QTest::addColumn<float>("weight");
        QTest::addColumn<std::int64_t>("offset");
        QTest::addColumn<QByteArray>("check");
        QTest::addColumn<QByteArray>("status");
        const auto nan = std::numeric_limits<float>::quiet_NaN();
        QTest::newRow("not a number") << nan << std::int64_t{2} << QByteArray{"gate weights that are no numbers"} << QByteArray{"fail"};
        QTest::newRow("negative") << -.5f << std::int64_t{2} << QByteArray{"negative gate weights"} << QByteArray{"fail"};
        QTest::newRow("too large") << 9.f << std::int64_t{2} << QByteArray{"largest sum of a token's gate weights"} << QByteArray{"warn"};
        QTest::newRow("offset beyond the end") << .5f << std::int64_t{4}
                                               << QByteArray{"offsets of sequences do not cover the tokens in order"} << QByteArray{"fail"};
    }
    void oddWeightsAndBorders()
    {
        QFETCH(float, weight);
        QFETCH(std::int64_t, offset);
        QFETCH(QByteArray, check);
        QFETCH(QByteArray, status);
        Sample sample;
        sample.weights[0] = weight;
        sample.offsets[1] = offset;
        write("t.npz", sample.npz());
        const Import result = importFiles({path("t.npz")}, {.experts = 4});
        QCOMPARE(result.status(check), status);
        QCOMPARE(result.error.empty(), status == "warn");
    }

    void rowsThatWereNotRecordedStayEmpty()
    {
        Sample sample;
        sample.ids[0] = sample.ids[1] = -1;
        write("t.npz", sample.npz());
        const Import result = importFiles({path("t.npz")}, {.experts = 4});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        QCOMPARE(result.value("tokens and layers that were not recorded"), 1.0);
        QVERIFY(result.trace.meta().fields.nActive);
        QCOMPARE(idsOf(result.trace, 0), (std::vector<ExpertId>{noExpert, noExpert, 2, 1, 2, 0}));
        QCOMPARE(weightsOf(result.trace, 0)[0], 0.f);
    }

    void anotherModelIsRefused()
    {
        write("t.npz", Sample{}.npz());
        const auto status = [&](const char *from, const char *to, const char *check) {
            write("config.json", QByteArray{config}.replace(from, to).toStdString());
            return importFiles({path("t.npz")}, {.config = path("config.json")}).status(check);
        };
        QCOMPARE(status("", "", "MoE layers are not those of the model"), QByteArray{"pass"});
        QCOMPARE(status("replace\":1", "replace\":0", "MoE layers are not those of the model"), QByteArray{"fail"});
        QCOMPARE(status("per_tok\":2", "per_tok\":3", "experts per token beside the model's top-k"), QByteArray{"fail"});
        QCOMPARE(status("experts\":4", "experts\":3", "largest id beside the number of experts"), QByteArray{"fail"});
        write("t.npy", npyBytes("|u1", "(1, 5, 2)", std::string{"\0\1\1\2\3\1\1\2\1\2", 10}));
        write("config.json", config);
        QCOMPARE(importFiles({path("t.npy")}, {.config = path("config.json")}).status("layers in the file beside those of the model"),
            QByteArray{"fail"});
    }

    void labelsThatDoNotFit()
    {
        write("t.npz", Sample{}.npz());
        write("labels.jsonl", "{\"language\":\"en\"}\n");
        const Import result = importFiles({path("t.npz")}, {.labels = path("labels.jsonl")});
        QCOMPARE(result.kind, static_cast<int>(ErrorKind::Check));
        QVERIFY2(result.error.find("1 rows of labels for 2 sequences") != std::string::npos, result.error.c_str());
    }

    void brokenFiles_data()
    {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QByteArray>("words");
        const auto row = [](const char *name, const std::string &bytes, const char *words) {
            QTest::newRow(name) << QByteArray::fromStdString(bytes) << QByteArray{words};
        };
        const std::string ids = npyBytes("<i2", "(1, 2, 2)", std::string(8, '\1'));
        row("Python objects", npyBytes("|O8", "(1, 2, 2)", "\x80\x04N."), "run code");
        row("cut short", ids.substr(0, ids.size() - 1), "of another size");
        row("header only", ids.substr(0, 40), "header");
        row("real ids", npyBytes("<f4", "(1, 2, 1)", std::string(8, '\0')), "whole numbers");
        row("two dimensions", npyBytes("<i2", "(2, 2)", std::string(8, '\0')), "[tokens, layers");
        row("a shape beyond memory", npyBytes("<i8", "(70368744177664, 70368744177664, 9)", ""), "makes no sense");
        row("a negative shape", npyBytes("<i8", "(-1, 2, 2)", ""), "makes no sense");
        row("structured", std::string{ids}.replace(ids.find("'<i2'"), 5, "[('a'"), "plain numbers");
        row("Fortran order", std::string{ids}.replace(ids.find("False"), 5, "True "), "Fortran");
        row("no expert_id", zipBytes({{"other.npy", ids}}), "no array expert_id");
        row("weights of another shape",
            zipBytes({{"expert_id.npy", ids}, {"gate_weight.npy", npyBytes("<f4", "(1, 2, 1)", std::string(8, '\0'))}}),
            "shape of expert_id");
        row("layers of another length", zipBytes({{"expert_id.npy", ids}, {"layer.npy", npyBytes("<i8", "(1,)", std::string(8, '\0'))}}),
            "one number per layer");
        const std::string zip = zipBytes({{"expert_id.npy", ids}});
        row("no directory", zip.substr(0, zip.size() - 30), "no recording");
    }
    void brokenFiles()
    {
        QFETCH(QByteArray, bytes);
        QFETCH(QByteArray, words);
        write("t.npz", bytes.toStdString());
        const Import result = importFiles({path("t.npz")});
        QCOMPARE(result.kind, static_cast<int>(ErrorKind::Input));
        QVERIFY2(QByteArray::fromStdString(result.error).contains(words), result.error.c_str());
    }

    void realTracesOfDeepSeekV2Lite_data()
    {
        QTest::addColumn<QString>("name");
        QTest::newRow("law") << "dsv2lite-law.npz";
        QTest::newRow("intent") << "dsv2lite-intent.npz";
    }
    void realTracesOfDeepSeekV2Lite()
    {
        QFETCH(QString, name);
        const QString file = realTraces(qPrintable(name));
        if (file.isEmpty())
            QSKIP("the shared real data is not here");
        const Import result = importFiles({file.toStdString()});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        const TraceMeta &meta = result.trace.meta();
        QVERIFY(meta.tokens > 8000 && meta.tokens < 9000);
        std::vector<int> layers(26);
        std::iota(layers.begin(), layers.end(), 1);
        QCOMPARE(meta.layers, layers);
        QCOMPARE(meta.experts, 64);
        QCOMPARE(meta.slotCount, 6);
        QCOMPARE(result.value("tokens and layers whose experts were put in order of weight"), 0.0);
        const std::vector<std::int64_t> load = result.trace.load();
        QCOMPARE(std::accumulate(load.begin(), load.end(), std::int64_t{0}), meta.tokens * 26 * 6);
        qInfo("%lld tokens, %zu sequences, weights up to a sum of %g", static_cast<long long>(meta.tokens), meta.sequences.size(),
            result.value("largest sum of a token's gate weights"));
    }

private:
    std::filesystem::path path(const char *name) const { return m_folder->filePath(name).toStdString(); }
    void write(const char *name, const std::string &bytes) { writeFile(path(name).string(), bytes); }

    std::optional<QTemporaryDir> m_folder;
};

QTEST_APPLESS_MAIN(TestImportNumpy)
#include "test_import_numpy.moc"
