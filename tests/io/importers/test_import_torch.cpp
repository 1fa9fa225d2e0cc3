// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The samples in tests/data/importers were written by torch itself (tests/reference/make_import_samples.py).
#include "engine/core/summary.h"
#include "io/importers/pickle.h"
#include "io/importers/torch_file.h"
#include "tests/io/importers/import_fixture.h"
#include "tests/io/importers/npy_bytes.h"

#include <numeric>

using namespace expertscope;
using namespace expertscope::test;

namespace {

const char config[] = "{\"model_type\":\"toy\",\"num_hidden_layers\":4,\"n_routed_experts\":6,\"num_experts_per_tok\":3,"
                      "\"first_k_dense_replace\":1}";

std::filesystem::path sample(const char *name)
{
    return std::filesystem::path{TEST_DATA_DIR "/importers"} / name;
}

std::vector<ExpertId> idsOf(const RoutingTrace &trace, std::int64_t token)
{
    std::vector<ExpertId> all;
    for (int layer = 0; layer < trace.meta().moeLayers(); ++layer) {
        std::vector<ExpertId> ids(static_cast<std::size_t>(trace.meta().slotCount));
        trace.expertIds({token, token + 1}, layer, ids);
        all.insert(all.end(), ids.begin(), ids.end());
    }
    return all;
}

std::string bytesOfSample(const char *name)
{
    QFile file{QString::fromStdString(sample(name).string())};
    return file.open(QIODevice::ReadOnly) ? file.readAll().toStdString() : std::string{};
}

} // namespace

class TestImportTorch : public QObject {
    Q_OBJECT

private slots:
    void init() { QVERIFY(m_folder.emplace().isValid()); }
    void cleanup() { m_folder.reset(); }

    void perTokenDump()
    {
        write("config.json", config);
        const Import result = importFiles({sample("sglang_per_token.pt")}, {.config = path("config.json")});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        for (const TraceCheck &check : result.report.checks)
            QVERIFY2(check.status == "pass" || (check.status == "skip" && !check.note.empty()), check.name.c_str());
        const TraceMeta &meta = result.trace.meta();
        QCOMPARE(meta.tokens, 305 + 3 * 2 + 1);
        QCOMPARE(meta.layers, (std::vector<int>{1, 2, 3})); // layer 0 is dense
        QCOMPARE(meta.experts, 6); // logical ones
        QCOMPARE(meta.slotCount, 3); // five of the eight places are never used
        QCOMPARE(meta.sequences.size(), 2u);
        QCOMPARE(meta.sequences[0].nPrompt, 5);
        QCOMPARE(meta.sequences[0].nGenerated, 4);
        QCOMPARE(meta.sequences[1].nPrompt, 300);
        QCOMPARE(meta.sequences[1].nGenerated, 3);
        // as the script prints them
        QCOMPARE(idsOf(result.trace, 0), (std::vector<ExpertId>{3, 2, 1, 5, 1, 3, 3, 2, 1}));
        QCOMPARE(idsOf(result.trace, 1), (std::vector<ExpertId>{2, 5, 0, 5, 3, 2, 3, 2, 1}));
        QCOMPARE(idsOf(result.trace, 8), (std::vector<ExpertId>{5, 3, 4, 5, 0, 2, 4, 1, 2})); // the last of the first request
        const TokenColumns columns = result.trace.tokens({3, 11});
        QCOMPARE(columns.position, (std::vector<std::int32_t>{3, 4, 5, 6, 7, 8, 0, 1}));
        QVERIFY(columns.phase[1] == Phase::Prefill && columns.phase[2] == Phase::Decode);
        QVERIFY(columns.tokenId[0] >= 0);
    }

    void ranksThatShareABatchCountOnce()
    {
        write("rank_1.pt", bytesOfSample("sglang_per_token.pt"));
        const Import result = importFiles({sample("sglang_per_token.pt"), path("rank_1.pt")});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        QCOMPARE(result.trace.meta().tokens, 312);
    }

    void requestsThatCannotBeToldApartWarn()
    {
        // the second prompt becomes as long as the first
        std::string bytes = bytesOfSample("sglang_per_token.pt");
        const std::string lengths{"extend_seq_lens"};
        std::size_t at = bytes.find(lengths);
        at = bytes.find(std::string{"K\x05M\x2c\x01", 5}, at);
        QVERIFY(at != std::string::npos);
        bytes.replace(at, 5, std::string{"M\x2c\x01K\x05", 5}); // 300 and 5: the cut falls elsewhere, so nothing continues the first
        write("t.pt", withoutChecksum(bytes));
        const Import result = importFiles({path("t.pt")});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        QCOMPARE(result.status("generated tokens that cannot be told to belong to one request"), QByteArray{"warn"});
        QCOMPARE(result.trace.meta().tokens, 312);
    }

    void statDump()
    {
        QCOMPARE(importFiles({sample("sglang_stat.pt")}).kind, static_cast<int>(ErrorKind::Usage)); // top-k is not in it
        write("config.json", config);
        const Import result = importFiles({sample("sglang_stat.pt")}, {.config = path("config.json")});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        const auto counts = result.trace.importedCounts();
        QVERIFY(counts);
        QCOMPARE(counts->tokens, std::vector<std::int64_t>{20});
        QCOMPARE(counts->counts, (std::vector<std::int64_t>{13, 9, 8, 10, 12, 8, 13, 9, 10, 7, 12, 9, 8, 10, 9, 14, 9, 10}));
        write("config.json", QByteArray{config}.replace("per_tok\":3", "per_tok\":7").replace("experts\":6", "experts\":7").toStdString());
        QCOMPARE(
            importFiles({sample("sglang_stat.pt")}, {.config = path("config.json")}).status("experts per layer beside those of the model"),
            QByteArray{"fail"});
        write("config.json", QByteArray{config}.replace("replace\":1", "replace\":2").toStdString());
        QCOMPARE(importFiles({sample("sglang_stat.pt")}, {.config = path("config.json")}).status("dense layers with counts"),
            QByteArray{"fail"});
        write("config.json", QByteArray{config}.replace("per_tok\":3", "per_tok\":5").toStdString());
        QCOMPARE(importFiles({sample("sglang_stat.pt")}, {.config = path("config.json")})
                     .status("experts chosen more often than there are tokens"),
            QByteArray{"fail"});
    }

    void aFileThatWouldRunACommandIsRefused()
    {
        const Import result = importFiles({sample("hostile.pt")});
        QCOMPARE(result.kind, static_cast<int>(ErrorKind::Input));
        QVERIFY2(result.error.find("posix.system") != std::string::npos, result.error.c_str());
        QVERIFY(!QFile::exists("/tmp/expertscope-was-here"));
    }

    void hostilePickles_data()
    {
        QTest::addColumn<QByteArray>("pickle");
        QTest::addColumn<QByteArray>("words");
        const auto row = [](const char *name, const std::string &pickle, const char *words) {
            QTest::newRow(name) << QByteArray::fromStdString("\x80\x02" + pickle) << QByteArray{words};
        };
        row("empty", "", "cut short");
        row("a text beyond the end", std::string{"X\xff\xff\xff\xffhello", 10}, "cut short");
        row("STOP without a value", ".", "never put");
        row("a mark as result", "(.", "as a value");
        row("TUPLE without a mark", "Nt.", "lacks a mark");
        row("BINGET of nothing", "h\x05.", "never remembered");
        row("INST", "(ios\nsystem\n.", "operation");
        row("STACK_GLOBAL", "\x8c\x05posix\x8c\x06system\x93.", "operation");
        row("eval", "cbuiltins\neval\n.", "\"builtins.eval\"");
        row("a call of OrderedDict with arguments", "ccollections\nOrderedDict\nN\x85R.", "makes no tensor");
        row("a call of a dictionary", "})R.", "makes no tensor");
        row("a list in itself",
            "]q\x01h\x01"
            "a.",
            "into itself");
        row("a list in itself, one level on",
            "]q\x01]q\x02h\x01"
            "ah\x01h\x02"
            "a.",
            "contain itself");
        std::string deep;
        for (int i = 0; i < 300; ++i)
            deep += ']';
        row("300 lists in each other", deep + std::string(299, 'a') + '.', "nested deeper");
        row("a storage that is none", "X\x01" + std::string(3, '\0') + "aQ.", "tuple");
        row("a tensor without a storage", "ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR.", "cannot be rebuilt");
    }
    void hostilePickles()
    {
        QFETCH(QByteArray, pickle);
        QFETCH(QByteArray, words);
        expectInputError([&] { parsePickle(pickle.toStdString(), "a.pt", 10000); }, words.toStdString(), "a.pt");
    }

    void aPickleOfManyValuesIsRefused()
    {
        expectInputError([] { parsePickle("\x80\x02" + std::string(20000, 'N') + ".", "a.pt", 10000); }, "more values", "a.pt");
    }

    void depthCannotHideBehindTheMemo()
    {
        // list i is remembered while empty and holds list i - 1 when it is done
        std::string pickle = "\x80\x02]";
        for (int i = 0; i < 250; ++i) {
            pickle += "]r" + bytesOf(static_cast<std::uint64_t>(i), 4);
            pickle += "j" + bytesOf(static_cast<std::uint64_t>(std::max(0, i - 1)), 4);
            if (i == 0) {
                pickle.resize(pickle.size() - 5);
                continue;
            }
            pickle += 'a';
        }
        expectInputError([&] { parsePickle(pickle + '.', "a.pt", 10000); }, "nested deeper", "a.pt");
    }

    void damagedFiles()
    {
        const std::string sound = bytesOfSample("sglang_per_token.pt");
        write("t.pt", sound.substr(0, sound.size() / 2));
        QCOMPARE(importFiles({path("t.pt")}).kind, static_cast<int>(ErrorKind::Input));
        std::string flipped = sound;
        flipped[flipped.find("forward_pass_id")] ^= 1;
        write("t.pt", flipped);
        const Import checksum = importFiles({path("t.pt")});
        QVERIFY2(checksum.error.find("checksum") != std::string::npos, checksum.error.c_str());
        std::string shape = sound;
        const std::size_t at = shape.find(std::string{"K\x04M\x31\x01K\x08\x87", 8}); // (4, 305, 8)
        QVERIFY(at != std::string::npos);
        shape[at + 6] = 9; // nine places of a row would lie beyond the storage
        write("t.pt", withoutChecksum(shape));
        const Import outside = importFiles({path("t.pt")});
        QVERIFY2(outside.error.find("outside its storage") != std::string::npos, outside.error.c_str());
    }

    void deflatedArchiveOfNumpy()
    {
        const Import result = importFiles({sample("numpy.npz")}, {.experts = 60});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        QCOMPARE(result.trace.meta().tokens, 500);
        QCOMPARE(result.trace.meta().layers, (std::vector<int>{1, 2, 5}));
        QCOMPARE(result.trace.meta().sequences.size(), 3u);
        QCOMPARE(idsOf(result.trace, 499), (std::vector<ExpertId>{8, 10, 38, 59, 26, 39, 40, 44, 7, 12, 32, 51}));
        std::vector<float> weights(4);
        result.trace.gateWeights({0, 1}, 0, weights);
        QCOMPARE(weights, (std::vector<float>{0.2249755859375f, 0.19189453125f, 0.081298828125f, 0.058074951171875f}));
        std::string broken = bytesOfSample("numpy.npz");
        broken[2000] ^= 0x55;
        write("t.npz", broken);
        const Import damaged = importFiles({path("t.npz")});
        QCOMPARE(damaged.kind, static_cast<int>(ErrorKind::Input));
    }

private:
    /// Zero in the directory means that no checksum is known.
    static std::string withoutChecksum(std::string file)
    {
        for (std::size_t at = file.find("PK\x01\x02"); at != std::string::npos; at = file.find("PK\x01\x02", at + 4))
            file.replace(at + 16, 4, std::string(4, '\0'));
        return file;
    }
    std::filesystem::path path(const char *name) const { return m_folder->filePath(name).toStdString(); }
    void write(const char *name, const std::string &bytes) { writeFile(path(name).string(), bytes); }

    std::optional<QTemporaryDir> m_folder;
};

QTEST_APPLESS_MAIN(TestImportTorch)
#include "test_import_torch.moc"
