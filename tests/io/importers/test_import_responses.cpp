// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/importers/base_text.h"
#include "tests/io/importers/import_fixture.h"
#include "tests/io/importers/npy_bytes.h"

using namespace expertscope;
using namespace expertscope::test;

namespace {

// three layers, the first dense; top-2 of four experts
const char config[] = "{\"model_type\":\"toy\",\"num_hidden_layers\":3,\"n_routed_experts\":4,\"num_experts_per_tok\":2,"
                      "\"first_k_dense_replace\":1}";
// three rows: a prompt of two tokens and two generated ones, the last of which has no row
const std::vector<std::int32_t> ids{0, 0, 1, 2, 3, 1, 0, 0, 2, 3, 1, 0, 0, 0, 3, 0, 2, 1};

QByteArray base64(const std::string &bytes)
{
    return QByteArray::fromStdString(bytes).toBase64();
}

QByteArray sglang()
{
    return "{\"text\":\"x\",\"output_ids\":[7,8],\"meta_info\":{\"prompt_tokens\":2,\"completion_tokens\":2,\"routed_experts\":\""
        + base64(raw(ids)) + "\"}}";
}

/// A vLLM completion with these routed experts.
QByteArray vllm(const QByteArray &experts, const QByteArray &more = {})
{
    return "{\"id\":\"cmpl-1\",\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":2}," + more
        + "\"choices\":[{\"text\":\"x\",\"prompt_token_ids\":[5,6],\"token_ids\":[7,8],\"routed_experts\":" + experts + "}]}";
}

std::vector<std::uint8_t> narrow()
{
    return {ids.begin(), ids.end()};
}

std::vector<ExpertId> idsOf(const RoutingTrace &trace, int layer)
{
    std::vector<ExpertId> found(static_cast<std::size_t>(trace.meta().tokens * trace.meta().slotCount));
    trace.expertIds({0, trace.meta().tokens}, layer, found);
    return found;
}

} // namespace

class TestImportResponses : public QObject {
    Q_OBJECT

private slots:
    void init()
    {
        QVERIFY(m_folder.emplace().isValid());
        write("config.json", config);
    }
    void cleanup() { m_folder.reset(); }

    void everyGeneration_data()
    {
        QTest::addColumn<QByteArray>("json");
        QTest::addColumn<bool>("hasTokenIds");
        QTest::newRow("SGLang") << sglang() << false;
        QTest::newRow("SGLang, one a line") << sglang() + "\n" << false;
        QTest::newRow("vLLM 0.22, .npy") << vllm('"' + base64(npyBytes("|u1", "(3, 3, 2)", raw(narrow()))) + '"') << true;
        QTest::newRow("vLLM 0.21, lists") << vllm("[[[3,0],[2,1]]]", "\"prompt_routed_experts\":[[[1,2],[3,1]],[[2,3],[1,0]]],") << true;
        // base64.b85encode(bytes(ids)) by Python
        QTest::newRow("fork, base85") << vllm("{\"data\":\"000330|5X40s{d6000930s#\",\"shape\":[3,3,2]}") << true;
    }
    void everyGeneration()
    {
        QFETCH(QByteArray, json);
        QFETCH(bool, hasTokenIds);
        write("r.json", json);
        const Import result = importFiles({path("r.json")}, {.config = path("config.json")});
        QCOMPARE(QString::fromStdString(result.error), QString{});
        const TraceMeta &meta = result.trace.meta();
        QCOMPARE(meta.tokens, 3);
        QCOMPARE(meta.layers, (std::vector<int>{1, 2}));
        QCOMPARE(meta.experts, 4);
        QCOMPARE(meta.sequences.size(), 1u);
        QCOMPARE(meta.sequences[0].nPrompt, 2);
        QCOMPARE(meta.sequences[0].nGenerated, 1);
        QCOMPARE(idsOf(result.trace, 0), (std::vector<ExpertId>{1, 2, 2, 3, 3, 0}));
        QCOMPARE(idsOf(result.trace, 1), (std::vector<ExpertId>{3, 1, 1, 0, 2, 1}));
        QCOMPARE(result.trace.tokens({0, 3}).tokenId,
            (hasTokenIds ? std::vector<std::int32_t>{5, 6, 7} : std::vector<std::int32_t>{}));
    }

    void aShapeThatNobodySaysIsNotGuessed()
    {
        write("r.json", sglang());
        QCOMPARE(importFiles({path("r.json")}).kind, static_cast<int>(ErrorKind::Usage));
    }

    void rowsThatAreMissingAreRefused()
    {
        write("r.json", sglang().replace("\"completion_tokens\":2", "\"completion_tokens\":3"));
        const Import result = importFiles({path("r.json")}, {.config = path("config.json")});
        QCOMPARE(result.kind, static_cast<int>(ErrorKind::Check));
        QCOMPARE(result.status("responses whose rows are not prompt + completion - 1 tokens"), QByteArray{"fail"});
        write("r.json", vllm("[[[1,2],[3,1]]]"));
        const Import lists = importFiles({path("r.json")}, {.config = path("config.json")});
        QCOMPARE(lists.status("responses of lists with other than prompt + completion - 1 rows"), QByteArray{"warn"});
        write("r.json", "[" + sglang() + "," + vllm("null") + "]");
        const Import aborted = importFiles({path("r.json")}, {.config = path("config.json")});
        QCOMPARE(aborted.status("responses without routed experts, left out"), QByteArray{"warn"});
        QCOMPARE(aborted.trace.meta().sequences.size(), 1u);
    }

    void brokenResponses_data()
    {
        QTest::addColumn<QByteArray>("json");
        QTest::addColumn<QByteArray>("words");
        QTest::newRow("not base64") << vllm("\"k05V!\"") << QByteArray{"not base64"};
        QTest::newRow("half a row") << sglang().replace(base64(raw(ids)), base64(raw(ids).substr(0, 60))) << QByteArray{"whole rows"};
        QTest::newRow("ragged lists") << vllm("[[[1,2],[3]]]") << QByteArray{"different lengths"};
        QTest::newRow("a word among ids") << vllm("[[[1,\"x\"],[3,2]]]") << QByteArray{"not a whole number"};
        QTest::newRow("a shape too large") << vllm("{\"data\":\"00\",\"shape\":[2147483647,4000,1000]}") << QByteArray{"fill their shape"};
        QTest::newRow("a number") << vllm("5") << QByteArray{"neither text nor lists"};
        QTest::newRow("cut short") << sglang().left(100) + "\"routed_experts\"" << QByteArray{"not JSON"};
        QTest::newRow("deep") << "[\"routed_experts\"," + QByteArray(5000, '[') << QByteArray{"nested too deeply"};
        QTest::newRow("an array of objects") << vllm('"' + base64(npyBytes("|O8", "(1, 1, 1)", "xxxxxxxx")) + '"')
                                             << QByteArray{"run code"};
    }
    void brokenResponses()
    {
        QFETCH(QByteArray, json);
        QFETCH(QByteArray, words);
        write("r.json", json);
        const Import result = importFiles({path("r.json")}, {.config = path("config.json")});
        QCOMPARE(result.kind, static_cast<int>(ErrorKind::Input));
        QVERIFY2(QByteArray::fromStdString(result.error).contains(words), result.error.c_str());
    }

    void textToBytes()
    {
        QCOMPARE(fromBase64("aGVsbG8="), std::optional<std::string>{"hello"});
        QCOMPARE(fromBase64("aGVsbG8h"), std::optional<std::string>{"hello!"});
        QVERIFY(!fromBase64("aGVsbG8"));
        QVERIFY(!fromBase64("a\nVsbG8="));
        QCOMPARE(fromBase85("Xk~0{Zv"), std::optional<std::string>{"hello"}); // as Python's base64.b85encode gives it
        QVERIFY(!fromBase85("X"));
        QVERIFY(!fromBase85("~~~~~"));
        QVERIFY(!fromBase85("Xk\"0{Zv"));
    }

private:
    std::filesystem::path path(const char *name) const { return m_folder->filePath(name).toStdString(); }
    void write(const char *name, const QByteArray &bytes) { writeFile(path(name).string(), bytes.toStdString()); }

    std::optional<QTemporaryDir> m_folder;
};

QTEST_APPLESS_MAIN(TestImportResponses)
#include "test_import_responses.moc"
