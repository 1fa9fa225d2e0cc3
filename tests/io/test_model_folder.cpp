// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/huggingface_cache.h"
#include "io/model_folder.h"
#include "io/sha256.h"
#include "io/shard_index.h"
#include "tests/io/error_check.h"
#include "tests/io/safetensors_bytes.h"

#include <QTemporaryDir>

#include <chrono>
#include <memory>

using namespace expertscope;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

const char *const config = R"({"model_type": "olmoe", "hidden_size": 2})";

/// A sound file with these tensors, each F32 [1] and holding its place in the list.
std::string weights(const std::vector<std::string> &names)
{
    std::string header, data;
    for (std::size_t i = 0; i < names.size(); ++i) {
        header += (i ? "," : "") + entryJson(names[i], "F32", "[1]", 4 * i, 4 * i + 4);
        const float number = static_cast<float>(i);
        data.append(reinterpret_cast<const char *>(&number), sizeof number);
    }
    header = "{" + header + "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    return safetensorsBytes(header, data);
}

std::string index(const std::vector<std::pair<std::string, std::string>> &shardOf)
{
    std::string map;
    for (const auto &[tensor, shard] : shardOf)
        map += (map.empty() ? "" : ",") + ('"' + tensor + "\":\"" + shard + '"');
    return R"({"metadata":{"total_size":4,"nested":{"list":[1,null,true]}},"weight_map":{)" + map + "}}";
}

/// Sets environment variables for one test; unset where the value is null.
class Environment {
public:
    ~Environment()
    {
        for (const auto &[name, value] : m_before)
            value ? qputenv(name.constData(), *value) : qunsetenv(name.constData());
    }
    void set(const char *name, const std::string *value)
    {
        m_before.emplace_back(name, qEnvironmentVariableIsSet(name) ? std::optional{qgetenv(name)} : std::nullopt);
        value ? qputenv(name, QByteArray::fromStdString(*value)) : qunsetenv(name);
    }

private:
    std::vector<std::pair<QByteArray, std::optional<QByteArray>>> m_before;
};

} // namespace

class TestModelFolder : public QObject {
    Q_OBJECT

    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<Environment> m_environment;

    fs::path folder() const { return m_folder->path().toStdString(); }
    void put(const fs::path &file, std::string_view bytes) const
    {
        fs::create_directories((folder() / file).parent_path());
        writeFile((folder() / file).string(), bytes);
    }
    std::shared_ptr<const ModelFiles> open(const fs::path &sub = {}) const { return openModelFolder((folder() / sub).string()); }
    void useCache(const char *variable, const fs::path &value)
    {
        const std::string text = value.string();
        for (const char *name : {"HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"})
            m_environment->set(name, name == std::string_view{variable} ? &text : nullptr);
    }
    /// What a download makes: blobs, links to them, refs/main.
    void putCachedModel(const fs::path &repository, const std::string &revision, bool isMain) const
    {
        put(repository / "blobs" / "c0ffee", config);
        put(repository / "blobs" / "f00d", weights({"a"}));
        const fs::path snapshot = folder() / repository / "snapshots" / revision;
        fs::create_directories(snapshot);
        fs::create_symlink("../../blobs/c0ffee", snapshot / "config.json");
        fs::create_symlink("../../blobs/f00d", snapshot / "model.safetensors");
        if (isMain)
            put(repository / "refs" / "main", revision);
    }

private slots:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_environment = std::make_unique<Environment>();
    }
    void singleFile();
    void everyJsonFileIsRead();
    void identityChangesWithWhatMatters();
    void shards();
    void damagedIndexes_data();
    void damagedIndexes();
    void shardsThatDoNotFitTheIndex();
    void foldersOfAnotherKind_data();
    void foldersOfAnotherKind();
    void pathsThatAreNoFolder();
    void brokenLinkIsNoMissingFile();
    void tooLargeConfig();
    void cacheLocations();
    void cachedModelIsFoundByName();
    void cacheWithoutMainTakesTheNewest();
    void hostileCache();
    void listOfCachedModels();
    void twentyThousandTensors();
};

void TestModelFolder::singleFile()
{
    put("tiny/config.json", config);
    put("tiny/model.safetensors", weights({"a", "b"}));
    const auto files = open("tiny");
    QCOMPARE(files->name, "tiny"s);
    QCOMPARE(files->path, (folder() / "tiny").string());
    QCOMPARE(files->configJson, std::string{config});
    QCOMPARE(files->fileFormat, "safetensors"s);
    QCOMPARE(files->revision, ""s);
    QCOMPARE(files->tensors.size(), std::size_t{2});
    QCOMPARE(files->tensors.at("b").f32()[0], 1.0f);
    QVERIFY(files->tokenizerJson.empty() && files->tokenizerSha256.empty() && files->generationConfigJson.empty());
    QCOMPARE(open("tiny/")->name, "tiny"s);
    QCOMPARE(open("tiny/../tiny/.")->name, "tiny"s);
    const fs::path before = fs::current_path();
    fs::current_path(folder() / "tiny");
    const std::string name = openModelFolder(".")->name;
    fs::current_path(before);
    QCOMPARE(name, "tiny"s);

    for (const char *saysNothing : {"run7/checkpoint-500", "run7/model"}) {
        put(std::string{saysNothing} + "/config.json", config);
        put(std::string{saysNothing} + "/model.safetensors", weights({"a"}));
        QCOMPARE(open(saysNothing)->name, std::string{saysNothing});
    }
}

void TestModelFolder::everyJsonFileIsRead()
{
    put("config.json", config);
    put("model.safetensors", weights({"a"}));
    put("generation_config.json", "{\"eos_token_id\": 1}");
    put("tokenizer.json", "{\"version\": \"1.0\"}");
    put("tokenizer_config.json", "{}");
    const auto files = open();
    QCOMPARE(files->generationConfigJson, "{\"eos_token_id\": 1}"s);
    QCOMPARE(files->tokenizerJson, "{\"version\": \"1.0\"}"s);
    QCOMPARE(files->tokenizerConfigJson, "{}"s);
    QCOMPARE(files->tokenizerSha256, sha256("{\"version\": \"1.0\"}"));
}

void TestModelFolder::identityChangesWithWhatMatters()
{
    // FIPS 180-2, appendix B.1
    QCOMPARE(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"s);
    put("a/config.json", config);
    put("a/model.safetensors", weights({"x"}));
    put("b/config.json", config);
    put("b/model.safetensors", weights({"x"}));
    QCOMPARE(open("a")->sha256, open("b")->sha256);
    QCOMPARE(open("a")->sha256.size(), std::size_t{64});
    put("b/config.json", "{}");
    QVERIFY(open("a")->sha256 != open("b")->sha256);
    put("b/config.json", config);
    put("b/model.safetensors", weights({"y"}));
    QVERIFY(open("a")->sha256 != open("b")->sha256);
    put("b/model.safetensors", weights({"x"}));
    put("b/tokenizer.json", "{}");
    QCOMPARE(open("a")->sha256, open("b")->sha256);
}

void TestModelFolder::shards()
{
    put("config.json", config);
    put("model-00001-of-00002.safetensors", weights({"a", "b"}));
    put("model-00002-of-00002.safetensors", weights({"c", "not in the index"}));
    put("model.safetensors.index.json",
        index({{"a", "model-00001-of-00002.safetensors"}, {"b", "model-00001-of-00002.safetensors"},
            {"c", "model-00002-of-00002.safetensors"}}));
    const auto files = open();
    QCOMPARE(files->tensors.size(), std::size_t{4});
    QCOMPARE(files->tensors.at("b").f32()[0], 1.0f);
    QCOMPARE(files->tensors.at("c").f32()[0], 0.0f);
    QCOMPARE(files->mappings.size(), std::size_t{2});

    put("model.safetensors", weights({"single"}));
    QCOMPARE(open()->tensors.size(), std::size_t{1});
}

void TestModelFolder::damagedIndexes_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QString>("words");
    const auto add = [](const char *name, const std::string &text, const char *words) {
        QTest::newRow(name) << QByteArray::fromStdString(text) << words;
    };
    add("empty", "", "broken");
    add("not JSON", "weight_map", "broken");
    add("array", "[]", "not a JSON object");
    add("no weight_map", "{}", "no weight_map");
    add("empty weight_map", R"({"weight_map":{}})", "empty");
    add("weight_map is text", R"({"weight_map":"a.safetensors"})", "no weight_map");
    add("weight_map is a list", R"({"weight_map":["a.safetensors"]})", "not a JSON object");
    add("shard is a number", R"({"weight_map":{"a":1}})", "not said to be in");
    add("shard is an object", R"({"weight_map":{"a":{}}})", "not said to be in");
    add("tensor twice", index({{"a", "x.safetensors"}, {"a", "y.safetensors"}}), "\"a\" occurs twice");
    add("folder above", index({{"a", "../model.safetensors"}}), "same folder");
    add("absolute path", index({{"a", "/etc/model.safetensors"}}), "same folder");
    add("folder below", index({{"a", "sub/model.safetensors"}}), "same folder");
    add("backslash", index({{"a", "..\\\\model.safetensors"}}), "same folder");
    add("zero byte in a name", index({{"a", "x\\u0000.safetensors"}}), "same folder");
    add("dots only", index({{"a", ".."}}), "same folder");
    add("no name", index({{"a", ""}}), "same folder");
    add("pickle", index({{"a", "pytorch_model-00001-of-00002.bin"}}), "same folder");
    add("nested without end", R"({"metadata":)" + std::string(100'000, '['), "nested deeper");
}

void TestModelFolder::damagedIndexes()
{
    QFETCH(QByteArray, text);
    QFETCH(QString, words);
    expectInputError([&] { parseShardIndex(text.toStdString(), "index.json"); }, words.toStdString(), "index.json");
    put("config.json", config);
    put("model.safetensors.index.json", text.toStdString());
    expectInputError([&] { open(); }, words.toStdString(), "model.safetensors.index.json");
}

void TestModelFolder::shardsThatDoNotFitTheIndex()
{
    put("config.json", config);
    put("model.safetensors.index.json", index({{"a", "1.safetensors"}, {"b", "2.safetensors"}}));
    expectInputError([&] { open(); }, "2 of 2 weight files are missing, the first is \"1.safetensors\"", folder().string());
    put("1.safetensors", weights({"a"}));
    expectInputError([&] { open(); }, "1 of 2 weight files are missing, the first is \"2.safetensors\"", folder().string());
    put("2.safetensors", weights({"c"}));
    expectInputError([&] { open(); }, "\"b\" is in \"2.safetensors\", but it is not", "model.safetensors.index.json");
    put("2.safetensors", weights({"b", "a"}));
    expectInputError([&] { open(); }, "\"a\" is in two weight files, \"1.safetensors\" and \"2.safetensors\"", folder().string());
    put("1.safetensors", weights({"b"}));
    put("2.safetensors", weights({"a"}));
    expectInputError([&] { open(); }, "but it is not", "model.safetensors.index.json");
    put("2.safetensors", weights({"a"}).substr(0, weights({"a"}).size() - 1));
    expectInputError([&] { open(); }, "lies at bytes", "2.safetensors");
    fs::remove(folder() / "2.safetensors");
    fs::create_directory(folder() / "2.safetensors");
    expectInputError([&] { open(); }, "folder", "2.safetensors");
}

void TestModelFolder::foldersOfAnotherKind_data()
{
    QTest::addColumn<QStringList>("names");
    QTest::addColumn<QString>("words");
    const auto add = [](const char *name, const QStringList &names, const char *words) { QTest::newRow(name) << names << words; };
    add("empty", {}, "no config.json");
    add("weights only", {"model.safetensors"}, "no config.json");
    add("no weights", {"config.json"}, "no weights");
    add("pickles only", {"config.json", "pytorch_model.bin", "tokenizer.json"}, "PyTorch pickle (pytorch_model.bin)");
    add("Mistral's own format", {"config.json", "consolidated.safetensors"},
        "\"consolidated.safetensors\" but none with the standard name");
    add("shards without index", {"config.json", "model-00001-of-00002.safetensors"}, "no model.safetensors.index.json");
    add("adapter", {"adapter_config.json", "adapter_model.safetensors"}, "adapter (LoRA)");
    add("adapter with a config", {"config.json", "adapter_config.json", "adapter_model.safetensors"}, "adapter (LoRA)");
    add("GGUF", {"olmoe-q4.gguf"}, "GGUF model");
    add("empty repository of the cache", {"refs", "snapshots"}, "none of its snapshots");
}

void TestModelFolder::foldersOfAnotherKind()
{
    QFETCH(QStringList, names);
    QFETCH(QString, words);
    for (const QString &name : names)
        put(name.toStdString(), "{}");
    expectInputError([&] { open(); }, words.toStdString(), folder().string());
}

void TestModelFolder::pathsThatAreNoFolder()
{
    put("model.gguf", "GGUF\3\0\0\0\0\0\0\0"s);
    expectInputError([&] { open("model.gguf"); }, "GGUF file", "model.gguf");
    put("trace.h5", "\x89HDF\r\n\x1a\n\0\0"s);
    expectInputError([&] { open("trace.h5"); }, "HDF5 file", "trace.h5");
    put("model.safetensors", weights({"a"}));
    expectInputError([&] { open("model.safetensors"); }, "a model is a folder", "model.safetensors");
    put("empty", "");
    expectInputError([&] { open("empty"); }, "a model is a folder", "empty");
    expectInputError([&] { open("absent"); }, "no such folder", "absent");
    expectInputError([] { openModelFolder(""); }, "no such folder", "");
    expectInputError([] { openModelFolder(std::string(100'000, 'x')); }, "no such folder", "xxx");
    expectInputError([] { openModelFolder("a\0b"s); }, "no such folder", "");
}

void TestModelFolder::brokenLinkIsNoMissingFile()
{
    put("config.json", config);
    put("model.safetensors", weights({"a"}));
    fs::create_symlink("blobs/gone", folder() / "tokenizer.json");
    expectInputError([&] { open(); }, "no such file", "tokenizer.json");
    fs::remove(folder() / "tokenizer.json");
    put("tokenizer.json", "version https://git-lfs.github.com/spec/v1\n");
    expectInputError([&] { open(); }, "Git LFS pointer", "tokenizer.json");
}

void TestModelFolder::tooLargeConfig()
{
    put("config.json", std::string(16'000'001, ' '));
    put("model.safetensors", weights({"a"}));
    expectInputError([&] { open(); }, "16000001 bytes", "config.json");
}

void TestModelFolder::cacheLocations()
{
    useCache("HF_HUB_CACHE", "/one");
    QCOMPARE(huggingFaceCacheFolder(), fs::path{"/one"});
    useCache("HF_HOME", "/two");
    QCOMPARE(huggingFaceCacheFolder(), fs::path{"/two/hub"});
    useCache("XDG_CACHE_HOME", "/three");
    QCOMPARE(huggingFaceCacheFolder(), fs::path{"/three/huggingface/hub"});
    useCache("HOME", "/four");
    QCOMPARE(huggingFaceCacheFolder(), fs::path{"/four/.cache/huggingface/hub"});
    QVERIFY(huggingFaceCache().empty());
}

void TestModelFolder::cachedModelIsFoundByName()
{
    useCache("HF_HUB_CACHE", folder());
    putCachedModel("models--allenai--OLMoE-1B-7B", "aaaa", true);
    putCachedModel("models--allenai--OLMoE-1B-7B", "bbbb", false);
    const auto files = openModelFolder("allenai/OLMoE-1B-7B");
    QCOMPARE(files->name, "allenai/OLMoE-1B-7B"s);
    QCOMPARE(files->revision, "aaaa"s);
    QCOMPARE(files->tensors.size(), std::size_t{1});
    const auto byPath = open("models--allenai--OLMoE-1B-7B/snapshots/bbbb");
    QCOMPARE(byPath->name, "allenai/OLMoE-1B-7B"s);
    QCOMPARE(byPath->revision, "bbbb"s);
    putCachedModel("models--gpt2", "cccc", true);
    QCOMPARE(openModelFolder("gpt2")->name, "gpt2"s);
    expectInputError([] { openModelFolder("allenai/absent"); }, "Hugging Face cache " + folder().string(), "allenai/absent");
}

void TestModelFolder::cacheWithoutMainTakesTheNewest()
{
    useCache("HF_HUB_CACHE", folder());
    putCachedModel("models--o--m", "old", false);
    putCachedModel("models--o--m", "new", false);
    fs::last_write_time(folder() / "models--o--m/snapshots/old", fs::file_time_type::clock::now() - std::chrono::hours{1});
    QCOMPARE(cachedSnapshot("o/m")->revision, "new"s);
    put("models--o--m/refs/main", "a-revision-that-was-never-finished\n");
    QCOMPARE(cachedSnapshot("o/m")->revision, "new"s);
    put("models--o--m/refs/main", "old\n");
    QCOMPARE(cachedSnapshot("o/m")->revision, "old"s);
}

void TestModelFolder::hostileCache()
{
    useCache("HF_HUB_CACHE", folder() / "hub");
    put("elsewhere/config.json", config);
    put("hub/models--o--m/refs/main", "../../../elsewhere");
    QVERIFY(!cachedSnapshot("o/m"));
    put("hub/models--o--m/refs/main", std::string(100'000, 'a'));
    QVERIFY(!cachedSnapshot("o/m"));
    for (const char *name : {"", "/", "o/", "/m", "../m", "o/..", "o/m/x", "o\\m", "o m"})
        QVERIFY2(!isModelName(name), name);
    QVERIFY(isModelName("Qwen/Qwen1.5-MoE-A2.7B_x"));
}

void TestModelFolder::listOfCachedModels()
{
    useCache("HF_HUB_CACHE", folder());
    putCachedModel("models--z--last", "1", true);
    putCachedModel("models--a--first", "2", true);
    put("models--b--broken/snapshots/3/config.json", "{\"model_type\": 5");
    put("models--b--broken/refs/main", "3");
    put("models--c--unfinished/refs/main", "4");
    put("datasets--d--data/snapshots/5/config.json", config);
    put("version.txt", "1");
    const std::vector<CachedModel> models = huggingFaceCache();
    QCOMPARE(models.size(), std::size_t{3});
    QCOMPARE(models[0].name, "a/first"s);
    QCOMPARE(models[0].family, "olmoe"s);
    QCOMPARE(models[0].revision, "2"s);
    QCOMPARE(models[1].name, "b/broken"s);
    QCOMPARE(models[1].family, ""s);
    QCOMPARE(models[2].name, "z/last"s);
}

void TestModelFolder::twentyThousandTensors()
{
    std::vector<std::pair<std::string, std::string>> shardOf;
    for (int s = 0; s < 10; ++s) {
        const std::string shard = "model-0000" + std::to_string(s) + "-of-00010.safetensors";
        std::vector<std::string> names;
        for (int i = 0; i < 2000; ++i) {
            names.push_back("model.layers." + std::to_string(s) + ".mlp.experts." + std::to_string(i) + ".gate_proj.weight");
            shardOf.emplace_back(names.back(), shard);
        }
        put(shard, weights(names));
    }
    put("config.json", config);
    put("model.safetensors.index.json", index(shardOf));
    QBENCHMARK_ONCE
    {
        QCOMPARE(open()->tensors.size(), std::size_t{20'000});
    }
}

QTEST_GUILESS_MAIN(TestModelFolder)
#include "test_model_folder.moc"
