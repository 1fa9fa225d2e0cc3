// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/error.h"
#include "io/trace_hdf5.h"
#include "tests/engine/core/random_trace.h"

#include <QDir>
#include <QProcess>
#include <QRegularExpression>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace expertscope;
using namespace expertscope::test;

namespace {

std::filesystem::path in(const QTemporaryDir &folder, const char *name)
{
    return folder.filePath(name).toStdString();
}

void write(const std::filesystem::path &file, const RoutingTrace &trace, const TraceFileOptions &options = {})
{
    copyTrace(trace, *createTraceFile(file, options), Progress{});
}

/// The Error that action throws; fails the test with an empty text if it throws none.
template<typename Action>
std::string errorOf(const Action &action)
{
    try {
        action();
    } catch (const Error &error) {
        return error.what();
    }
    return {};
}

QStringList filesIn(const QTemporaryDir &folder)
{
    return QDir{folder.path()}.entryList(QDir::Files | QDir::Hidden);
}

std::string outputOf(const QString &program, const QStringList &arguments)
{
    QProcess process;
    process.setProcessChannelMode(QProcess::MergedChannels);
    process.start(program, arguments);
    process.waitForFinished();
    return process.readAll().toStdString();
}

} // namespace

class TestTraceHdf5 : public QObject {
    Q_OBJECT

private slots:
    void roundTrip_data()
    {
        QTest::addColumn<int>("experts");
        QTest::addColumn<int>("fieldBits");
        for (int experts : {2, 60, 255, 256, 512})
            QTest::addRow("%d experts, all fields", experts) << experts << 0x3ff;
        QTest::addRow("no optional field") << 60 << 0;
        const char *const names[] = {"gate weights", "router logits", "selection scores", "output norms", "varying count",
            "log-probabilities", "predictions", "token text", "mean softmax", "token ids"};
        for (int bit = 0; bit < 10; ++bit) {
            QTest::addRow("only %s", names[bit]) << 60 << (1 << bit);
            QTest::addRow("all but %s", names[bit]) << 60 << (0x3ff & ~(1 << bit));
        }
    }
    void roundTrip()
    {
        QFETCH(int, experts);
        QFETCH(int, fieldBits);
        const auto bit = [&](int n) { return (fieldBits >> n & 1) != 0; };
        TraceShape shape;
        shape.experts = experts;
        shape.slotCount = std::min(experts, 3);
        shape.fields = {bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), bit(6), bit(7), bit(8), bit(9)};
        const TracePtr original = randomTrace(shape, static_cast<std::uint64_t>(experts + fieldBits));
        QTemporaryDir folder;
        write(in(folder, "t.h5"), *original);
        const TracePtr copy = openTraceFile(in(folder, "t.h5"));
        QCOMPARE(QString::fromStdString(difference(*original, *copy)), QString{});
        QVERIFY(copy->meta().notes.empty());
        MemoryTrace back;
        copyTrace(*copy, back, Progress{});
        QCOMPARE(QString::fromStdString(difference(*original, back)), QString{});
        QCOMPARE(filesIn(folder), QStringList{"t.h5"});
    }

    void randomTracesOfAnyShape()
    {
        QTemporaryDir folder;
        for (std::uint64_t seed = 1; seed <= 25; ++seed) {
            std::srand(static_cast<unsigned>(seed));
            TraceShape shape;
            shape.experts = 1 + std::rand() % 70;
            shape.slotCount = 1 + std::rand() % std::min(shape.experts, 8);
            shape.layers.clear();
            for (int layer = 0; static_cast<int>(shape.layers.size()) < 1 + std::rand() % 6; layer += 1 + std::rand() % 3)
                shape.layers.push_back(layer);
            shape.sequences = std::rand() % 40;
            shape.maxTokens = seed % 5 == 0 ? 0 : std::rand() % 90;
            shape.fields = allFields();
            const TracePtr original = randomTrace(shape, seed);
            TraceFileOptions options;
            options.compress = seed % 3 != 0;
            options.overwrite = true;
            write(in(folder, "t.h5"), *original, options);
            QCOMPARE(QString::fromStdString(difference(*original, *openTraceFile(in(folder, "t.h5")))), QString{});
        }
    }

    void chunkBordersLeaveNoSeam()
    {
        TraceShape shape;
        shape.layers = {2, 5};
        shape.sequences = 12;
        shape.maxTokens = 4200; // several chunks of every dataset, none filled exactly
        shape.fields = allFields();
        const TracePtr original = randomTrace(shape, 3);
        QVERIFY(original->meta().tokens > 16384);
        QTemporaryDir folder;
        write(in(folder, "t.h5"), *original);
        QCOMPARE(QString::fromStdString(difference(*original, *openTraceFile(in(folder, "t.h5")))), QString{});
    }

    void manySequencesInSeveralChunks()
    {
        TraceShape shape;
        shape.sequences = 2500;
        shape.maxTokens = 3;
        const TracePtr original = randomTrace(shape, 3);
        QTemporaryDir folder;
        write(in(folder, "t.h5"), *original);
        QCOMPARE(QString::fromStdString(difference(*original, *openTraceFile(in(folder, "t.h5")))), QString{});
    }

    void recordingStraightIntoAFileEqualsSavingAMemoryTrace()
    {
        TraceShape shape;
        shape.fields = allFields();
        shape.sequences = 40;
        QTemporaryDir folder;
        const auto sink = createTraceFile(in(folder, "t.h5"), {});
        record(*sink, shape, 9);
        QCOMPARE(QString::fromStdString(difference(*randomTrace(shape, 9), *openTraceFile(in(folder, "t.h5")))), QString{});
    }

    void whatLabelsSayOfLanguagesAndExperts()
    {
        TraceMeta meta = metaOf({});
        meta.languageNames = {{"x-home", "the language of our kitchen"}};
        QTemporaryDir folder;
        const auto sink = createTraceFile(in(folder, "t.h5"), {});
        sink->begin(meta);
        std::int64_t first = 0;
        std::vector<float> mean(meta.layers.size() * 8);
        for (const char *language : {"de", "zh_Hant", "x-home", "xx-unheard-of"}) {
            sink->append(randomBlock(meta, 3, static_cast<std::int32_t>(first / 3), 0, 1));
            SequenceInfo info{.id = language, .language = language, .domain = {}, .parallelId = {}, .labels = {"a", "b"}, .sha256 = {}};
            info.firstToken = first;
            info.nPrompt = 3;
            sink->endSequence(info, mean);
            first += 3;
        }
        sink->finish({});
        const TracePtr trace = openTraceFile(in(folder, "t.h5"));
        const std::map<std::string, std::string> names{
            {"de", "German"}, {"x-home", "the language of our kitchen"}, {"zh_Hant", "Chinese (Traditional)"}};
        for (const auto &[code, name] : trace->meta().languageNames)
            qInfo("%s: %s", code.c_str(), name.c_str());
        QVERIFY(trace->meta().languageNames == names);
        QVERIFY(trace->meta().expertNotes == meta.expertNotes);
        QVERIFY(trace->meta().routing.interventions == meta.routing.interventions);
        QVERIFY(trace->meta().notes.empty());
    }

    void whatIsNoTraceIsNamed()
    {
        QTemporaryDir folder;
        const auto made = [&](const char *name, const std::string &bytes) {
            std::ofstream{in(folder, name), std::ios::binary} << bytes;
            return errorOf([&] { openTraceFile(in(folder, name)); });
        };
        const std::string npy =
            made("a.npy", std::string{"\x93NUMPY\1\0v\0{'descr': '<i4', 'fortran_order': False, 'shape': (1, 1, 2), }", 66});
        QVERIFY2(npy.find("expertscope import") != std::string::npos, npy.c_str());
        const std::string counts = made("en.json", R"({"0": {"0": {"activation_tokens": 1}, "total_tokens": 1}})");
        QVERIFY2(counts.find("expertscope import") != std::string::npos, counts.c_str());
        const std::string weights = made("m.safetensors", std::string{"\x20\0\0\0\0\0\0\0{\"a\":{}}", 16});
        QVERIFY2(weights.find("safetensors") != std::string::npos && weights.find("folder") != std::string::npos, weights.c_str());
        const std::string gguf = made("m.gguf", "GGUF\3");
        QVERIFY2(gguf.find("GGUF") != std::string::npos, gguf.c_str());
    }

    void halfWeightsKeepElevenBits()
    {
        const TracePtr original = randomTrace({}, 3);
        QTemporaryDir folder;
        write(in(folder, "t.h5"), *original, {.halfWeights = true});
        const TracePtr copy = openTraceFile(in(folder, "t.h5"));
        const TokenRange all{0, original->meta().tokens};
        std::vector<float> a(static_cast<std::size_t>(all.count() * 2)), b(a.size());
        original->gateWeights(all, 1, a);
        copy->gateWeights(all, 1, b);
        for (std::size_t i = 0; i < a.size(); ++i)
            QVERIFY(std::abs(a[i] - b[i]) <= std::abs(a[i]) / 2048);
        // gate_mass is the sum of what the file holds, not of what was rounded away
        double sum = 0;
        for (float weight : b)
            sum += static_cast<double>(weight);
        const std::vector<double> mass = copy->gateMass();
        QVERIFY(std::abs(std::accumulate(mass.begin() + 8, mass.begin() + 16, 0.0) - sum) < 1e-9);
    }

    void recordingCutShortKeepsWhatWasFinished_data()
    {
        QTest::addColumn<int>("finished");
        QTest::addColumn<int>("tail");
        QTest::newRow("nothing at all") << 0 << 0;
        QTest::newRow("no sequence finished") << 0 << 700;
        QTest::newRow("a short tail") << 3 << 5;
        QTest::newRow("a tail of several chunks") << 3 << 9000;
        QTest::newRow("no tail") << 3 << 0;
    }
    void recordingCutShortKeepsWhatWasFinished()
    {
        QFETCH(int, finished);
        QFETCH(int, tail);
        TraceShape shape;
        shape.fields = allFields();
        const TraceMeta meta = metaOf(shape);
        QTemporaryDir folder;
        MemoryTrace expected;
        const auto sink = createTraceFile(in(folder, "t.h5"), {});
        for (TraceSink *to : {sink.get(), static_cast<TraceSink *>(&expected)}) {
            to->begin(meta);
            const std::vector<float> mean(3 * 8, 0.125f);
            for (int s = 0; s < finished; ++s) {
                SequenceInfo info;
                info.id = std::to_string(s);
                info.labels = {"", ""};
                info.firstToken = 100 * s;
                info.nPrompt = 100;
                to->append(randomBlock(meta, 100, s, 0, static_cast<std::uint64_t>(s)));
                to->endSequence(info, mean);
            }
            for (int done = 0; done < tail; done += 500)
                to->append(randomBlock(meta, std::min(500, tail - done), finished, done, static_cast<std::uint64_t>(done)));
            to->finish({});
        }
        const TracePtr copy = openTraceFile(in(folder, "t.h5"));
        QCOMPARE(copy->meta().tokens, 100 * finished);
        // gate masses had the tail's share taken out again, in another order of additions
        const std::vector<double> a = expected.gateMass(), b = copy->gateMass();
        for (std::size_t i = 0; i < a.size(); ++i)
            QVERIFY(std::abs(a[i] - b[i]) < 1e-9);
        const std::string found = difference(expected, *copy);
        QVERIFY2(found.empty() || found.starts_with("gate_mass"), found.c_str());
    }

    void sinkDestroyedEarlyLeavesNothing()
    {
        QTemporaryDir folder;
        {
            const auto untouched = createTraceFile(in(folder, "a.h5"), {});
            const auto sink = createTraceFile(in(folder, "t.h5"), {});
            const TraceMeta meta = metaOf({});
            sink->begin(meta);
            sink->append(randomBlock(meta, 10'000, 0, 0, 1));
            QCOMPARE(filesIn(folder).size(), 2);
            QVERIFY(!std::filesystem::exists(in(folder, "t.h5")));
        }
        QCOMPARE(filesIn(folder), QStringList{});
    }

    void existingFileIsKeptUnlessToldOtherwise()
    {
        QTemporaryDir folder;
        const TracePtr first = randomTrace({}, 1), second = randomTrace({}, 2);
        write(in(folder, "t.h5"), *first);
        QVERIFY(errorOf([&] { createTraceFile(in(folder, "t.h5"), {}); }).find("exists already") != std::string::npos);
        QCOMPARE(QString::fromStdString(difference(*first, *openTraceFile(in(folder, "t.h5")))), QString{});
        const TracePtr stillOpen = openTraceFile(in(folder, "t.h5"));
        write(in(folder, "t.h5"), *second, {.overwrite = true});
        QCOMPARE(QString::fromStdString(difference(*second, *openTraceFile(in(folder, "t.h5")))), QString{});
        QCOMPARE(QString::fromStdString(difference(*first, *stillOpen)), QString{}); // the old file lives as long as someone reads it
    }

    void fileThatAppearsDuringTheRecordingIsKept()
    {
        QTemporaryDir folder;
        const TracePtr first = randomTrace({}, 1);
        const auto late = createTraceFile(in(folder, "t.h5"), {});
        write(in(folder, "t.h5"), *first);
        QVERIFY(errorOf([&] { record(*late, {}, 2); }).find("exists already") != std::string::npos);
        QCOMPARE(QString::fromStdString(difference(*first, *openTraceFile(in(folder, "t.h5")))), QString{});
    }

    void placesThatCannotBeWritten()
    {
        QTemporaryDir folder;
        QVERIFY(errorOf([&] { createTraceFile(folder.path().toStdString(), {.overwrite = true}); }).find("folder") != std::string::npos);
        QVERIFY(errorOf([&] { createTraceFile(in(folder, "missing/t.h5"), {}); }).find("Create the folder") != std::string::npos);
        if (geteuid() == 0)
            QVERIFY(!errorOf([&] { createTraceFile("/proc/t.h5", {}); }).empty()); // root may write into any folder but this
        else {
            QVERIFY(QFile::setPermissions(folder.path(), QFile::ReadOwner | QFile::ExeOwner));
            QVERIFY(errorOf([&] { createTraceFile(in(folder, "t.h5"), {}); }).find("permissions") != std::string::npos);
            QFile::setPermissions(folder.path(), QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner);
        }
    }

    void fullDiskGivesOneErrorAndNoFile_data()
    {
        QTest::addColumn<int>("limitKiB");
        for (int limit : {4, 64, 300, 2000})
            QTest::addRow("%d KiB", limit) << limit;
    }
    /// The largest file size stands in for a full disk: both stop a write half-way, and only this can be set up by a test.
    void fullDiskGivesOneErrorAndNoFile()
    {
        QFETCH(int, limitKiB);
        QTemporaryDir folder;
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit before{};
        getrlimit(RLIMIT_FSIZE, &before);
        rlimit limit = before;
        limit.rlim_cur = static_cast<rlim_t>(limitKiB) * 1024;
        setrlimit(RLIMIT_FSIZE, &limit);
        TraceShape shape;
        shape.sequences = 30;
        shape.maxTokens = 2000;
        shape.fields = allFields();
        const std::string error = errorOf([&] {
            const auto sink = createTraceFile(in(folder, "t.h5"), {.compress = false});
            record(*sink, shape, 1);
        });
        setrlimit(RLIMIT_FSIZE, &before);
        QVERIFY2(error.find("largest size allowed") != std::string::npos || error.find("disk") != std::string::npos, error.c_str());
        QCOMPARE(filesIn(folder), QStringList{});
        // and the library is still of use
        write(in(folder, "t.h5"), *randomTrace({}, 1));
        QCOMPARE(QString::fromStdString(difference(*randomTrace({}, 1), *openTraceFile(in(folder, "t.h5")))), QString{});
    }

    void sameDataSameBytes()
    {
        QTemporaryDir folder;
        TraceShape shape;
        shape.sequences = 40;
        shape.maxTokens = 2000;
        shape.fields = allFields();
        QByteArray first;
        for (const char *name : {"a.h5", "b.h5"}) {
            const auto sink = createTraceFile(in(folder, name), {.dated = false});
            record(*sink, shape, 1);
            QFile file(QString::fromStdString(in(folder, name).string()));
            QVERIFY(file.open(QIODevice::ReadOnly));
            const QByteArray bytes = file.readAll();
            QVERIFY(bytes.size() > 100'000);
            if (first.isEmpty())
                first = bytes;
            else
                QVERIFY(bytes == first);
            QTest::qSleep(1100); // another second on the clock
        }
        QVERIFY(openTraceFile(in(folder, "a.h5"))->meta().dateCreated.empty());
    }

    void dateHonoursSourceDateEpoch()
    {
        QTemporaryDir folder;
        TraceMeta meta = metaOf({});
        meta.dateCreated.clear();
        qputenv("SOURCE_DATE_EPOCH", "1700000000");
        const auto sink = createTraceFile(in(folder, "t.h5"), {});
        sink->begin(meta);
        qunsetenv("SOURCE_DATE_EPOCH");
        sink->finish({});
        QCOMPARE(openTraceFile(in(folder, "t.h5"))->meta().dateCreated, std::string{"2023-11-14T22:13:20Z"});
    }

    void netcdfSeesEveryVariableWithNamedDimensions()
    {
        if (QStandardPaths::findExecutable("ncdump").isEmpty())
            QSKIP("ncdump (package netcdf-bin) is not installed");
        TraceShape shape;
        shape.fields = allFields();
        QTemporaryDir folder;
        write(in(folder, "t.h5"), *randomTrace(shape, 1));
        const std::string header = outputOf("ncdump", {"-h", folder.filePath("t.h5")});
        QVERIFY2(header.find("phony_dim") == std::string::npos, header.c_str());
        for (const char *variable : {"ubyte expert_id(token, layer, slot)", "float gate_weight(token, layer, slot)",
                 "router_logit(token, layer, expert)", "selection_score(token, layer, expert)", "expert_out_norm(token, layer, slot)",
                 "ubyte n_active(token, layer)", "int token_id(token)", "int position(token)", "int seq_index(token)", "byte phase(token)",
                 "float logprob(token)", "int predicted_id(token)", "ubyte token_bytes(byte)", "int64 token_offset(token_edge)",
                 "int64 load(layer, expert)", "double gate_mass(layer, expert)", "int64 token(token)", "int layer(layer)", "int slot(slot)",
                 "int expert(expert)", "int sequence(sequence)", "int language(language)", "int domain(domain)", "string seq_id(sequence)",
                 "int language_index(sequence)", "int domain_index(sequence)", "string parallel_id(sequence)", "int64 n_prompt(sequence)",
                 "int64 n_generated(sequence)", "string sha256(sequence)", "string label_source(sequence)", "string label_grade(sequence)",
                 "string language_code(language)", "string domain_name(domain)", "float mean_softmax(sequence, layer, expert)",
                 "string name(check)", "string status(check)", "double value(check)", "double limit(check)", "expert_id:_FillValue = 255UB",
                 "phase:flag_meanings = \"prefill decode\"", "router_logit:kind = \"logit\"", ":format = \"moe-routing-trace\"",
                 ":format_version = \"1.0\"", ":default = \"view_load\"", ":NX_class = \"NXdata\"", "string :axes = \"layer\", \"expert\""})
            QVERIFY2(header.find(variable) != std::string::npos, (std::string{variable} + " is missing in\n" + header).c_str());
        const std::string data = outputOf("ncdump", {"-v", "load,gate_weight", folder.filePath("t.h5")});
        QVERIFY2(data.find("load =") != std::string::npos && data.find("gate_weight =") != std::string::npos, data.substr(0, 2000).c_str());
    }

    void noTypeThatReadersDrop()
    {
        if (QStandardPaths::findExecutable("h5dump").isEmpty())
            QSKIP("h5dump (package hdf5-tools) is not installed");
        TraceShape shape;
        shape.fields = allFields();
        shape.experts = 300;
        QTemporaryDir folder;
        write(in(folder, "t.h5"), *randomTrace(shape, 1));
        const QString header = QString::fromStdString(outputOf("h5dump", {"-p", "-H", folder.filePath("t.h5")}));
        QVERIFY(header.contains("DATASET \"expert_id\""));
        // everything but the bookkeeping of the dimension scales, which is made of references
        QString own = header;
        own.remove(QRegularExpression{
            "ATTRIBUTE \"(REFERENCE_LIST|DIMENSION_LIST)\" \\{.*?DATASPACE[^\\n]*\\n", QRegularExpression::DotMatchesEverythingOption});
        for (const char *type : {"H5T_ENUM", "H5T_COMPOUND", "H5T_REFERENCE", "H5T_OPAQUE", "H5T_BITFIELD"})
            QVERIFY2(!own.contains(type), qPrintable(QString{type} + " in\n" + own));
        QVERIFY(header.contains("COMPRESSION DEFLATE { LEVEL 1 }"));
        QVERIFY(!header.contains("USER_DEFINED_FILTER"));
        QVERIFY(outputOf("h5dump", {"-d", "/expert_id", folder.filePath("t.h5")}).find("error") == std::string::npos);
    }
};

QTEST_APPLESS_MAIN(TestTraceHdf5)
#include "test_trace_hdf5.moc"
