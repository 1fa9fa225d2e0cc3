// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/safetensors.h"
#include "tests/io/error_check.h"
#include "tests/io/safetensors_bytes.h"

#include <QTemporaryDir>

#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

using namespace expertscope;
using namespace std::string_literals;

class TestSafetensors : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    std::string path(const char *name) const { return m_folder.filePath(name).toStdString(); }

private slots:
    void soundFiles_data();
    void soundFiles();
    void entriesComeInTheOrderOfTheirData();
    void damagedFiles_data();
    void damagedFiles();
    void everyCutOfAFileIsAnError();
    void mappedNumbersAreThoseOfTheFile();
    void unalignedTensorsAreCopied();
    void offsetsBeyondFourGigabytes();
    void mappingOutlivesTheDeletedFile();
    void filesThatCannotBeOpened();
};

void TestSafetensors::soundFiles_data()
{
    QTest::addColumn<QByteArray>("header");
    QTest::addColumn<int>("dataBytes");
    QTest::addColumn<int>("tensors");
    const auto add = [](const char *name, const std::string &header, int dataBytes, int tensors) {
        QTest::newRow(name) << QByteArray::fromStdString(header) << dataBytes << tensors;
    };
    add("no tensors", "{}", 0, 0);
    add("metadata only", R"({"__metadata__":{"format":"pt","":""}})", 0, 0);
    add("header padded with spaces", "{" + entryJson("a", "F32", "[2]", 0, 8) + "}      ", 8, 1);
    add("scalar", "{" + entryJson("a", "I64", "[]", 0, 8) + "}", 8, 1);
    add("empty tensor", "{" + entryJson("a", "F16", "[0,4]", 0, 0) + "," + entryJson("b", "U8", "[3]", 0, 3) + "}", 3, 2);
    add("empty tensor of an absurd other size", "{" + entryJson("a", "U8", "[4611686018427387904,0]", 0, 0) + "}", 0, 1);
    add("four dimensions", "{" + entryJson("a", "BF16", "[1,2,3,4]", 0, 48) + "}", 48, 1);
    add("names in any script", "{" + entryJson("слой.0 权重 🙂", "I32", "[1]", 0, 4) + "}", 4, 1);
    add("fields in another order", R"({"a":{"data_offsets":[0,2],"shape":[1],"dtype":"F16"}})", 2, 1);
}

void TestSafetensors::soundFiles()
{
    QFETCH(QByteArray, header);
    QFETCH(int, dataBytes);
    QFETCH(int, tensors);
    const std::string bytes = safetensorsBytes(header.toStdString(), std::string(static_cast<std::size_t>(dataBytes), '\1'));
    const auto entries = parseSafetensors(bytes, bytes.size(), "x.safetensors");
    QCOMPARE(static_cast<int>(entries.size()), tensors);
    for (const SafetensorsEntry &entry : entries) {
        QCOMPARE(entry.end - entry.begin, static_cast<std::uint64_t>(entry.shape.count()) * sizeBytes(entry.dtype));
        QVERIFY(entry.end <= bytes.size());
    }
}

void TestSafetensors::entriesComeInTheOrderOfTheirData()
{
    const std::string bytes =
        safetensorsBytes("{" + entryJson("late", "U8", "[5]", 4, 9) + "," + entryJson("early", "F32", "[1]", 0, 4) + "}", "abcdefghi");
    const auto entries = parseSafetensors(bytes, bytes.size(), "x");
    QCOMPARE(entries[0].name, "early"s);
    QCOMPARE(entries[1].name, "late"s);
    QCOMPARE(bytes.substr(entries[1].begin, entries[1].end - entries[1].begin), "efghi"s);
}

void TestSafetensors::damagedFiles_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QString>("words");
    const auto add = [](const char *name, const std::string &bytes, const char *words) {
        QTest::newRow(name) << QByteArray::fromStdString(bytes) << words;
    };
    const auto header = [&](const char *name, const std::string &text, int dataBytes, const char *words) {
        add(name, safetensorsBytes(text, std::string(static_cast<std::size_t>(dataBytes), '\0')), words);
    };
    const std::string a = entryJson("a", "F32", "[2]", 0, 8);

    add("empty file", "", "too short");
    add("seven bytes", "1234567", "too short");
    add("text file", "Hello, this is not a model at all", "not a safetensors file");
    add("Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n", "Git LFS pointer");
    add("zip (PyTorch pickle)", "PK\x03\x04\x14\x00\x08\x08 archive"s, "not a safetensors file");
    add("header longer than the file", littleEndian(100) + "{}", "cut short inside its header");
    add("header length 2^64-1", littleEndian(UINT64_MAX) + "{}", "not a safetensors file");
    add("header length 2^63", littleEndian(1ull << 63) + "{}", "not a safetensors file");
    add("header above the limit", littleEndian(100'000'001) + "{}", "not a safetensors file");
    add("header length too small", littleEndian(5) + "{" + a + "}" + std::string(8, '\0'), "broken");
    header("header of no bytes", "", 0, "broken");
    header("not JSON", "{\"a\":", 8, "broken");
    header("text after the JSON", "{} x", 0, "broken");
    header("zero byte after the JSON", "{}\0 {"s, 0, "broken");
    header("JSON array", "[]", 0, "not a JSON object");
    header("JSON number", "7", 0, "not a JSON object");
    header("invalid UTF-8 in a name", "{" + entryJson("\xC3\x28", "F32", "[2]", 0, 8) + "}", 8, "broken");
    header("number out of range", R"({"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,8]}})", 8, "broken");
    header("nested too deeply", R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8, "nested deeper");
    header("100,000 open brackets", std::string(100'000, '['), 0, "not a JSON object");
    header("tensor entry is a number", R"({"a":1})", 0, "not a JSON object");
    header("tensor entry is an array", R"({"a":[1]})", 0, "part that a safetensors header does not have");
    header("no dtype", R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8, "lacks");
    header("no shape", R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8, "lacks");
    header("no offsets", R"({"a":{"dtype":"F32","shape":[2]}})", 8, "lacks");
    header("dtype is a number", R"({"a":{"dtype":4,"shape":[2],"data_offsets":[0,8]}})", 8, "not as the format says");
    header("shape is text", R"({"a":{"dtype":"F32","shape":"2","data_offsets":[0,8]}})", 8, "not as the format says");
    header("shape is an object", R"({"a":{"dtype":"F32","shape":{},"data_offsets":[0,8]}})", 8, "part that");
    header("unknown field", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":"y"}})", 8, "not as the format says");
    header("unknown list", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":[]}})", 8, "part that");
    header("unknown element type", "{" + entryJson("a.weight", "F8_E4M3", "[8]", 0, 8) + "}", 8,
        "\"a.weight\" has the element type \"F8_E4M3\"");
    header("double precision", "{" + entryJson("a", "F64", "[1]", 0, 8) + "}", 8, "element type");
    header("lower-case element type", "{" + entryJson("a", "f32", "[2]", 0, 8) + "}", 8, "element type");
    header("negative size", R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "not a whole number");
    header("fractional size", R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8, "not a whole number");
    header("size above 64 bits", R"({"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]}})", 8, "not a whole number");
    header("shape overflows to 8 bytes", "{" + entryJson("a", "F32", "[4611686018427387905,2]", 0, 8) + "}", 8, "impossible shape");
    header("shape overflows in the product", "{" + entryJson("a", "F32", "[4294967296,4294967296]", 0, 8) + "}", 8, "impossible shape");
    header("shape overflows beside a zero", "{" + entryJson("a", "U8", "[0,4294967296,4294967296]", 0, 0) + "}", 0, "impossible shape");
    header("five dimensions", "{" + entryJson("a", "F32", "[1,1,1,1,2]", 0, 8) + "}", 8, "5 dimensions");
    header("shape too large for the bytes", "{" + entryJson("a", "F32", "[3]", 0, 8) + "}", 8, "F32 [3], which does not fit its 8 bytes");
    header("shape too small for the bytes", "{" + entryJson("a", "F32", "[1]", 0, 8) + "}", 8, "does not fit");
    header("scalar with the bytes of two", "{" + entryJson("a", "F32", "[]", 0, 8) + "}", 8, "does not fit");
    header("one offset", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}})", 8, "not two numbers");
    header("three offsets", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", 8, "not two numbers");
    header("offsets the wrong way round", "{" + entryJson("a", "F32", "[2]", 8, 0) + "}", 8, "lies at bytes");
    header("offsets beyond the file", "{" + a + "}", 7, "lies at bytes 0 to 8 of only 7 bytes");
    header("offsets near 2^64", "{" + entryJson("a", "F32", "[2]", UINT64_MAX - 7, UINT64_MAX) + "}", 8, "lies at bytes");
    header("negative offset", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}})", 8, "not a whole number");
    header("overlap", "{" + a + "," + entryJson("b", "F32", "[2]", 4, 12) + "}", 12, "overlaps");
    header("same place twice", "{" + a + "," + entryJson("b", "F32", "[2]", 0, 8) + "}", 8, "overlaps");
    header("hole between tensors", "{" + a + "," + entryJson("b", "F32", "[2]", 12, 20) + "}", 20, "hole");
    header("hole before the first", "{" + entryJson("a", "F32", "[2]", 4, 12) + "}", 12, "hole");
    header("bytes left over", "{" + a + "}", 12, "4 bytes at the end");
    header("data without tensors", "{}", 4, "4 bytes at the end");
    header("name twice", "{" + a + "," + entryJson("a", "F32", "[2]", 8, 16) + "}", 16, "\"a\" occurs twice");
    header("field twice", R"({"a":{"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,8]}})", 8, "\"dtype\" occurs twice");
    header("metadata is a number", R"({"__metadata__":{"format":1}})", 0, "metadata");
    header("metadata is nested", R"({"__metadata__":{"format":{}}})", 0, "part that");
}

void TestSafetensors::damagedFiles()
{
    QFETCH(QByteArray, bytes);
    QFETCH(QString, words);
    const std::string text = bytes.toStdString();
    expectInputError([&] { parseSafetensors(text, text.size(), "x.safetensors"); }, words.toStdString(), "x.safetensors");
    writeFile(path("damaged.safetensors"), text);
    expectInputError([&] { mapSafetensors(path("damaged.safetensors")); }, words.toStdString(), path("damaged.safetensors"));
}

void TestSafetensors::everyCutOfAFileIsAnError()
{
    const std::string whole =
        safetensorsBytes("{" + entryJson("a", "F32", "[2]", 0, 8) + "," + entryJson("b", "BF16", "[3,1]", 8, 14) + "}", "12345678901234");
    QCOMPARE(parseSafetensors(whole, whole.size(), "x").size(), std::size_t{2});
    for (std::size_t length = 0; length < whole.size(); ++length)
        expectInputError([&] { parseSafetensors(whole.substr(0, length), length, "x"); }, "", "x");
    const std::string longer = whole + "\0"s;
    expectInputError([&] { parseSafetensors(longer, longer.size(), "x"); }, "1 bytes at the end", "x");
}

void TestSafetensors::mappedNumbersAreThoseOfTheFile()
{
    const float numbers[] = {1.5f, -2.25f};
    std::string data{reinterpret_cast<const char *>(numbers), sizeof numbers};
    data += "\x80\x3f\x00\x3c"s; // 1.0 as BF16 and as F16
    std::string header = "{" + entryJson("f", "F32", "[2]", 0, 8) + "," + entryJson("b", "BF16", "[1]", 8, 10) + ","
        + entryJson("h", "F16", "[1,1]", 10, 12) + "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    writeFile(path("sound.safetensors"), safetensorsBytes(header, data));

    const SafetensorsFile file = mapSafetensors(path("sound.safetensors"));
    QCOMPARE(file.fileBytes, static_cast<std::uint64_t>(8 + header.size() + data.size()));
    QCOMPARE(file.header.substr(8), header);
    QCOMPARE(file.owners.size(), std::size_t{1}); // nothing was copied
    QCOMPARE(file.tensors[0].first, "f"s);
    QCOMPARE(file.tensors[0].second.f32()[1], -2.25f);
    QCOMPARE(bf16ToF32(*static_cast<const std::uint16_t *>(file.tensors[1].second.data)), 1.0f);
    QCOMPARE(f16ToF32(*static_cast<const std::uint16_t *>(file.tensors[2].second.data)), 1.0f);
    QCOMPARE(file.tensors[2].second.shape.text(), "[1, 1]"s);
}

void TestSafetensors::unalignedTensorsAreCopied()
{
    const float number = 3.5f;
    const std::string data = "x" + std::string{reinterpret_cast<const char *>(&number), sizeof number};
    std::string header = "{" + entryJson("byte", "U8", "[1]", 0, 1) + "," + entryJson("number", "F32", "[1]", 1, 5) + "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    writeFile(path("unaligned.safetensors"), safetensorsBytes(header, data));
    const SafetensorsFile file = mapSafetensors(path("unaligned.safetensors"));
    QCOMPARE(reinterpret_cast<std::uintptr_t>(file.tensors[1].second.data) % sizeof(float), std::uintptr_t{0});
    QCOMPARE(file.tensors[1].second.f32()[0], 3.5f);
    QCOMPARE(*static_cast<const char *>(file.tensors[0].second.data), 'x');
}

void TestSafetensors::offsetsBeyondFourGigabytes()
{
    // A sparse file: five gigabytes long, a few kilobytes on the disk.
    constexpr std::uint64_t first = 5'000'000'000;
    std::string header =
        "{" + entryJson("large", "BF16", "[50000,50000]", 0, first) + "," + entryJson("last", "F32", "[1]", first, first + 4) + "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    const std::string name = path("sparse.safetensors");
    writeFile(name, safetensorsBytes(header, {}));
    QFile file{QString::fromStdString(name)};
    QVERIFY(file.open(QIODevice::ReadWrite));
    const float number = 7.0f;
    QVERIFY(file.seek(static_cast<qint64>(8 + header.size() + first)));
    QCOMPARE(file.write(reinterpret_cast<const char *>(&number), sizeof number), static_cast<qint64>(sizeof number));
    file.close();

    const SafetensorsFile mapped = mapSafetensors(name);
    QCOMPARE(mapped.tensors[1].second.f32()[0], 7.0f);
    QCOMPARE(mapped.tensors[0].second.bytes(), static_cast<std::size_t>(first));
}

void TestSafetensors::mappingOutlivesTheDeletedFile()
{
    std::string header = "{" + entryJson("a", "U8", "[5]", 0, 5) + "}";
    writeFile(path("short-lived.safetensors"), safetensorsBytes(header, "weigh"));
    const SafetensorsFile file = mapSafetensors(path("short-lived.safetensors"));
    std::filesystem::remove(path("short-lived.safetensors"));
    QCOMPARE(std::memcmp(file.tensors[0].second.data, "weigh", 5), 0);
}

void TestSafetensors::filesThatCannotBeOpened()
{
    expectInputError([&] { mapSafetensors(path("absent.safetensors")); }, "no such file", "absent.safetensors");
    expectInputError([&] { mapSafetensors(m_folder.path().toStdString()); }, "folder", m_folder.path().toStdString());
    QCOMPARE(::mkfifo(path("pipe.safetensors").c_str(), 0600), 0);
    expectInputError([&] { mapSafetensors(path("pipe.safetensors")); }, "not a regular file", "pipe.safetensors");

    writeFile(path("secret.safetensors"), safetensorsBytes("{}", {}));
    QCOMPARE(::chmod(path("secret.safetensors").c_str(), 0), 0);
    const uid_t self = ::geteuid();
    if (self == 0) { // the administrator may read everything, so be somebody else for a moment
        QCOMPARE(::chmod(m_folder.path().toUtf8().constData(), 0755), 0);
        QCOMPARE(::seteuid(65534), 0);
    }
    expectInputError([&] { mapSafetensors(path("secret.safetensors")); }, "may not be read", "secret.safetensors");
    QCOMPARE(::seteuid(self), 0);
}

QTEST_GUILESS_MAIN(TestSafetensors)
#include "test_safetensors.moc"
