// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Trace files that are not, or not any more, what they should be: one clear Error, or the same trace as before; never a crash.
#include "engine/core/error.h"
#include "io/hdf5_input_driver.h"
#include "io/hdf5_lib.h"
#include "io/trace_hdf5.h"
#include "tests/engine/core/random_trace.h"

#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

#include <cstring>
#include <functional>
#include <random>

using namespace expertscope;
using namespace expertscope::test;

namespace {

TracePtr original()
{
    TraceShape shape;
    shape.fields = allFields();
    return randomTrace(shape, 5);
}

/// The Error that opening and reading everything gives; empty if there is none. `change`: what differs from the original then.
QString errorOf(const QString &file, QString *change = nullptr)
{
    try {
        const TracePtr trace = openTraceFile(file.toStdString());
        MemoryTrace all;
        copyTrace(*trace, all, Progress{});
        trace->load();
        trace->gateMass();
        if (change)
            *change = QString::fromStdString(difference(*original(), *trace));
        return {};
    } catch (const Error &error) {
        if (error.where.empty() || error.remedy.empty() || error.message.empty())
            return "an Error that does not say what, where and what to do";
        return error.what();
    }
}

using Tamper = std::function<void(hid_t file)>;

void removeObject(hid_t file, const char *name)
{
    QVERIFY(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
}

/// Replaces a dataset by one of this shape that holds `values` of `type`, contiguous; null leaves it without data.
void replace(hid_t file, const char *name, hid_t type, std::vector<hsize_t> size, const void *values, bool chunked = false)
{
    if (H5Lexists(file, name, H5P_DEFAULT) > 0)
        H5Ldelete(file, name, H5P_DEFAULT);
    const h5::Id space{H5Screate_simple(static_cast<int>(size.size()), size.data(), nullptr)};
    const h5::Id create{H5Pcreate(H5P_DATASET_CREATE)};
    if (chunked) {
        const std::vector<hsize_t> chunk(size.size(), 1);
        H5Pset_chunk(create, static_cast<int>(size.size()), chunk.data());
    }
    const h5::Id dataset{H5Dcreate2(file, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT)};
    QVERIFY(dataset >= 0);
    if (values)
        QVERIFY(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
}

/// Overwrites the values of a small integer dataset by edit(values).
void editNumbers(hid_t file, const char *name, const std::function<void(std::vector<std::int64_t> &)> &edit)
{
    const h5::Id dataset{H5Dopen2(file, name, H5P_DEFAULT)};
    const h5::Id space{H5Dget_space(dataset)};
    std::vector<std::int64_t> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
    QVERIFY(H5Dread(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
    edit(values);
    QVERIFY(H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
}

void setText(hid_t file, const char *name, const std::string &text)
{
    H5Adelete(file, name);
    h5::writeAttribute({}, file, name, text);
}

} // namespace

class TestTraceHdf5Damaged : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    QByteArray m_bytes;

    QString path() const { return m_folder.filePath("t.h5"); }
    void store(const QByteArray &bytes) const
    {
        QFile file{path()};
        QVERIFY(file.open(QFile::WriteOnly) && file.write(bytes) == bytes.size());
    }
    void restoreAnd(const Tamper &tamper) const
    {
        store(m_bytes);
        h5::Lane lane;
        const h5::Id file{H5Fopen(path().toUtf8().constData(), H5F_ACC_RDWR, H5P_DEFAULT)};
        QVERIFY(file >= 0);
        tamper(file);
    }

private slots:
    void initTestCase()
    {
        copyTrace(*original(), *createTraceFile(path().toStdString(), {}), Progress{});
        QFile file{path()};
        QVERIFY(file.open(QFile::ReadOnly));
        m_bytes = file.readAll();
        QString change;
        QCOMPARE(errorOf(path(), &change), QString{});
        QCOMPARE(change, QString{});
    }

    void notATrace_data()
    {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("expected");
        QTest::newRow("empty file") << QByteArray{} << "not an HDF5 file";
        QTest::newRow("text") << QByteArray{"hello, world"} << "not an HDF5 file";
        QTest::newRow("only the signature") << QByteArray{"\x89HDF\r\n\x1a\n", 8} << "cannot open the file";
        QTest::newRow("half the file") << m_bytes.left(m_bytes.size() / 2) << "truncated";
        QTest::newRow("one byte short") << m_bytes.left(m_bytes.size() - 1) << "truncated";
    }
    void notATrace()
    {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, expected);
        store(bytes);
        const QString error = errorOf(path());
        QVERIFY2(error.contains(expected), qPrintable(error));
    }

    void noFileAtAll()
    {
        QVERIFY(errorOf(m_folder.filePath("missing.h5")).contains("no such file"));
        QVERIFY(errorOf(m_folder.path()).contains("not a file"));
    }

    void tampered_data()
    {
        QTest::addColumn<Tamper>("tamper");
        QTest::addColumn<QString>("expected");
        const auto row = [](const char *name, const char *expected, Tamper tamper) { QTest::newRow(name) << tamper << QString{expected}; };
        const std::int64_t huge = std::int64_t{1} << 40;

        row("another format", "not a routing trace", [](hid_t f) { setText(f, "format", "kittens"); });
        row("no format", "not a routing trace", [](hid_t f) { H5Adelete(f, "format"); });
        row("newer major version", "version 2.0", [](hid_t f) { setText(f, "format_version", "2.0"); });
        row("older major version", "version 0.9", [](hid_t f) { setText(f, "format_version", "0.9"); });
        row("no version number", "not a version number", [](hid_t f) { setText(f, "format_version", "one"); });
        row("format is a number", "does not hold text", [](hid_t f) {
            H5Adelete(f, "format");
            h5::writeAttribute({}, f, "format", 7);
        });
        for (const char *name : {"expert_id", "expert", "layer", "position", "seq_index", "phase", "load", "gate_mass", "sequences",
                 "sequences/n_prompt", "checks/name", "labels/language_code"})
            row(("without " + std::string{name}).c_str(), "has no", [name](hid_t f) { removeObject(f, name); });
        row("expert_id is a group", "has no dataset expert_id", [](hid_t f) {
            removeObject(f, "expert_id");
            h5::Id{H5Gcreate2(f, "expert_id", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)};
        });
        row("expert_id of reals", "plain integers", [](hid_t f) {
            replace(f, "expert_id", H5T_IEEE_F32LE, {1, 3, 2}, std::vector<float>(6).data());
        });
        row("expert_id of rank 2", "dimensions instead of 3", [](hid_t f) {
            replace(f, "expert_id", H5T_STD_U8LE, {3, 2}, std::vector<int>(6).data());
        });
        row("gate_weight of another length", "does not have the shape", [](hid_t f) {
            replace(f, "gate_weight", H5T_IEEE_F32LE, {1, 3, 2}, std::vector<float>(6).data());
        });
        row("logits of another number of experts", "does not have the shape", [](hid_t f) {
            replace(f, "router_logit", H5T_IEEE_F32LE, {1, 3, 9}, std::vector<float>(27).data());
        });
        row("text where numbers should be", "plain integers", [](hid_t f) {
            const char *const text = "x";
            replace(f, "token_id", h5::stringType(), {1}, &text);
        });
        row("absurd size, no data", "the data is not there", [huge](hid_t f) {
            replace(f, "expert_id", H5T_STD_U8LE, {static_cast<hsize_t>(huge), 3, 2}, nullptr, true);
        });
        row("size beyond any file", "more values than any file", [](hid_t f) {
            replace(f, "expert_id", H5T_STD_U8LE, {hsize_t{1} << 50, 3, 2}, nullptr, true);
        });
        row("absurd number of sequences", "the data is not there",
            [huge](hid_t f) { replace(f, "sequences/n_prompt", H5T_STD_I64LE, {static_cast<hsize_t>(huge)}, nullptr, true); });
        row("absurd number of experts", "cannot be",
            [](hid_t f) { replace(f, "expert", H5T_STD_I32LE, {70000}, std::vector<int>(70000).data()); });
        row("no experts", "cannot be", [](hid_t f) { replace(f, "expert", H5T_STD_I32LE, {0}, nullptr); });
        row("layers of another number", "layer does not have the length",
            [](hid_t f) { replace(f, "layer", H5T_STD_I32LE, {1}, std::vector<int>(1).data()); });
        row("expert id too large", "chose expert 99 of 8",
            [](hid_t f) { editNumbers(f, "expert_id", [](auto &v) { v[2 * 6 + 3] = 99; }); });
        row("expert id too large: names the place", "token 2 in layer 1",
            [](hid_t f) { editNumbers(f, "expert_id", [](auto &v) { v[2 * 6 + 3] = 99; }); });
        row("sequence of a token that lies elsewhere", "which lies elsewhere",
            [](hid_t f) { editNumbers(f, "seq_index", [](auto &v) { v[0] = 3; }); });
        row("negative sequence", "which lies elsewhere", [](hid_t f) { editNumbers(f, "seq_index", [](auto &v) { v.back() = -5; }); });
        row("phase 7", "phase holds 7", [](hid_t f) { editNumbers(f, "phase", [](auto &v) { v[1] = 7; }); });
        row("token text outside", "lies outside token_bytes",
            [](hid_t f) { editNumbers(f, "token_offset", [](auto &v) { v.back() += 1; }); });
        row("token text backwards", "lies outside token_bytes",
            [](hid_t f) { editNumbers(f, "token_offset", [](auto &v) { v[1] = -1; }); });
        row("more tokens in sequences than recorded", "tokens that the trace does not hold",
            [](hid_t f) { editNumbers(f, "sequences/n_prompt", [](auto &v) { v[0] += 1000; }); });
        row("fewer tokens in sequences than recorded", "the sequences hold",
            [](hid_t f) { editNumbers(f, "sequences/n_prompt", [](auto &v) { v.back() -= 1; }); });
        row("negative token count", "tokens that the trace does not hold",
            [](hid_t f) { editNumbers(f, "sequences/n_generated", [](auto &v) { v[0] = -1; }); });
        row("token counts that overflow", "tokens that the trace does not hold",
            [](hid_t f) { editNumbers(f, "sequences/n_prompt", [](auto &v) { v[0] = std::numeric_limits<std::int64_t>::max(); }); });
        row("unknown language", "does not name", [](hid_t f) { editNumbers(f, "sequences/language_index", [](auto &v) { v[0] = 77; }); });
        row("load larger than the trace", "more often than there are tokens",
            [](hid_t f) { editNumbers(f, "load", [huge = std::int64_t{1} << 50](auto &v) { v[0] = huge; }); });
        row("data outside the file", "outside the file", [](hid_t f) {
            H5Ldelete(f, "load", H5P_DEFAULT);
            const hsize_t size[] = {3, 8};
            const h5::Id space{H5Screate_simple(2, size, nullptr)}, create{H5Pcreate(H5P_DATASET_CREATE)};
            H5Pset_external(create, "/etc/hostname", 0, H5F_UNLIMITED);
            h5::Id{H5Dcreate2(f, "load", H5T_STD_I64LE, space, H5P_DEFAULT, create, H5P_DEFAULT)};
        });
        row("link out of the file", "has no dataset", [](hid_t f) {
            H5Ldelete(f, "load", H5P_DEFAULT);
            H5Lcreate_external("other.h5", "/load", f, "load", H5P_DEFAULT, H5P_DEFAULT);
        });
        row("a filter not everybody has", "h5repack", [](hid_t f) {
            H5Ldelete(f, "token_id", H5P_DEFAULT);
            const hsize_t size = 16, chunk = 16;
            const h5::Id space{H5Screate_simple(1, &size, nullptr)}, create{H5Pcreate(H5P_DATASET_CREATE)};
            H5Pset_chunk(create, 1, &chunk);
            H5Pset_fletcher32(create);
            h5::Id dataset{H5Dcreate2(f, "token_id", H5T_STD_I32LE, space, H5P_DEFAULT, create, H5P_DEFAULT)};
            H5Dwrite(dataset, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, std::vector<int>(16).data());
        });
        row("a chunk that inflates without end", "cannot be decompressed", [](hid_t f) {
            // 128 KiB of zeros where 16 KiB are due
            const h5::Id dataset{H5Dopen2(f, "phase", H5P_DEFAULT)};
            const QByteArray bomb = qCompress(QByteArray(1 << 17, '\0'), 9).mid(4);
            const hsize_t offset = 0;
            QVERIFY(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &offset, static_cast<std::size_t>(bomb.size()), bomb.constData()) >= 0);
        });
    }
    void tampered()
    {
        QFETCH(Tamper, tamper);
        QFETCH(QString, expected);
        restoreAnd(tamper);
        const QString error = errorOf(path());
        QVERIFY2(error.contains(expected), qPrintable("\"" + error + "\" does not say \"" + expected + '"'));
    }

    void foreignButSound_data()
    {
        QTest::addColumn<Tamper>("tamper");
        QTest::addColumn<int>("notes");
        QTest::newRow("newer minor version with something new") << Tamper{[](hid_t f) {
            setText(f, "format_version", "1.7");
            replace(f, "attention", H5T_IEEE_F32LE, {2}, std::vector<float>(2).data());
            h5::Id{H5Gcreate2(f, "view_other", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)};
        }} << 2;
        QTest::newRow("token ids as big-endian 64-bit, contiguous") << Tamper{[](hid_t f) {
            std::vector<std::int64_t> ids;
            editNumbers(f, "token_id", [&](auto &v) { ids = v; });
            replace(f, "token_id", H5T_STD_I64BE, {ids.size()}, nullptr);
            editNumbers(f, "token_id", [&](auto &v) { v = ids; });
        }} << 0;
        QTest::newRow("expert ids in chunks of odd shape, signed") << Tamper{[](hid_t f) {
            std::vector<std::int64_t> ids;
            editNumbers(f, "expert_id", [&](auto &v) { ids = v; });
            H5Ldelete(f, "expert_id", H5P_DEFAULT);
            const hsize_t size[] = {ids.size() / 6, 3, 2}, chunk[] = {7, 2, 1};
            const h5::Id space{H5Screate_simple(3, size, nullptr)}, create{H5Pcreate(H5P_DATASET_CREATE)};
            H5Pset_chunk(create, 3, chunk);
            H5Pset_deflate(create, 3);
            for (std::int64_t &id : ids)
                id = id == 255 ? -1 : id;
            const h5::Id dataset{H5Dcreate2(f, "expert_id", H5T_STD_I16BE, space, H5P_DEFAULT, create, H5P_DEFAULT)};
            QVERIFY(H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, ids.data()) >= 0);
            h5::writeAttribute({}, dataset, "_FillValue", std::int16_t{-1});
        }} << 0;
        QTest::newRow("an attribute that was rewritten, which leaves a gap in the text table") << Tamper{[](hid_t f) {
            const std::string title = "random trace";
            setText(f, "title", "another, much longer title that does not fit where the first one was");
            setText(f, "title", title);
        }} << 0;
    }
    void foreignButSound()
    {
        QFETCH(Tamper, tamper);
        QFETCH(int, notes);
        restoreAnd(tamper);
        QString change;
        QCOMPARE(errorOf(path(), &change), QString{});
        QCOMPARE(change, QString{});
        QCOMPARE(static_cast<int>(openTraceFile(path().toStdString())->meta().notes.size()), notes);
    }

    void missingOptionalFieldsAreMissingNotGuessed()
    {
        restoreAnd([](hid_t f) {
            for (const char *name : {"gate_weight", "router_logit", "selection_score", "expert_out_norm", "n_active", "logprob",
                     "predicted_id", "token_bytes", "token_offset", "model", "engine", "routing", "checks", "summary"})
                removeObject(f, name);
            removeObject(f, "sequences/language_index");
        });
        const TracePtr trace = openTraceFile(path().toStdString());
        QVERIFY(trace->meta().fields == TraceFields{});
        QVERIFY(trace->meta().model == ModelInfo{});
        QVERIFY(trace->meta().checks.empty());
        for (const SequenceInfo &info : trace->meta().sequences)
            QVERIFY(info.language.empty());
        const TokenColumns columns = trace->tokens({0, 2});
        QVERIFY(columns.logprob.empty() && columns.predictedId.empty() && columns.bytes.empty() && columns.tokenId.size() == 2);
        std::vector<float> values(4);
        QVERIFY_THROWS_EXCEPTION(Error, trace->gateWeights({0, 2}, 0, values));
    }

    void textTables_data()
    {
        QTest::addColumn<QByteArray>("objects"); // index, reference count, size, data of each, as in the file
        QTest::addColumn<bool>("sound");
        const auto object = [](std::uint16_t index, std::uint64_t size, std::size_t room) {
            QByteArray bytes(static_cast<qsizetype>(16 + room), '\0');
            std::memcpy(bytes.data(), &index, 2);
            std::memcpy(bytes.data() + 8, &size, 8);
            return bytes;
        };
        QTest::newRow("two texts and free space") << object(1, 5, 8) + object(2, 8, 8) + object(0, 48, 32) << true;
        QTest::newRow("no free space left") << object(1, 5, 8) + object(2, 56, 56) << true;
        QTest::newRow("a gap that can be filled") << object(1, 5, 8) + object(3, 8, 8) + object(0, 48, 32) << true;
        QTest::newRow("gaps that cannot be filled") << object(1, 5, 8) + object(9, 8, 8) + object(0, 48, 32) << false;
        QTest::newRow("a text longer than the table") << object(1, 5, 8) + object(2, 1 << 20, 8) + object(0, 48, 32) << false;
        QTest::newRow("a size that overflows") << object(1, 5, 8) + object(2, ~0ull - 3, 8) + object(0, 48, 32) << false;
        QTest::newRow("an index twice") << object(1, 5, 8) + object(1, 8, 8) + object(0, 48, 32) << false;
        QTest::newRow("free space of the wrong size") << object(1, 5, 8) + object(2, 8, 8) + object(0, 40, 32) << false;
    }
    void textTables()
    {
        QFETCH(QByteArray, objects);
        QFETCH(bool, sound);
        QByteArray table{"GCOL\1\0\0\0", 8};
        const std::uint64_t size = 16 + static_cast<std::uint64_t>(objects.size());
        table.append(reinterpret_cast<const char *>(&size), 8);
        table.append(objects);
        std::vector<std::byte> bytes(static_cast<std::size_t>(table.size()));
        std::memcpy(bytes.data(), table.constData(), bytes.size());
        QCOMPARE(h5::mendTextTable(bytes), sound);
        if (sound)
            QVERIFY(h5::mendTextTable(bytes)); // what was mended is sound
    }

    void cutAtManyPlaces()
    {
        std::mt19937 random{1};
        for (int i = 0; i < 60; ++i) {
            const auto length = static_cast<qsizetype>(random() % static_cast<unsigned>(m_bytes.size()));
            store(m_bytes.left(length));
            QVERIFY2(!errorOf(path()).isEmpty(), qPrintable(QString::number(length)));
        }
    }

    /// Random damage anywhere: an Error, or the same numbers, because only unused bytes were hit or the letters of a text, which are
    /// the one thing in the file without a checksum.
    void randomDamage()
    {
        const QDeadlineTimer deadline{2000};
        int refused = 0, unharmed = 0;
        for (unsigned seed = 1; seed <= 400 && !deadline.hasExpired(); ++seed) {
            std::mt19937 random{seed};
            QByteArray bytes = m_bytes;
            for (auto hits = 1 + random() % 3; hits > 0; --hits) {
                const auto at = static_cast<qsizetype>(random() % static_cast<unsigned>(bytes.size()));
                bytes[at] = static_cast<char>(random() % 2 ? bytes[at] ^ (1 << random() % 8) : static_cast<int>(random()));
            }
            store(bytes);
            QString change;
            const QString error = errorOf(path(), &change);
            QVERIFY2(change.isEmpty() || change.startsWith("meta:"),
                qPrintable("seed " + QString::number(seed) + " changed unnoticed: " + change));
            ++(error.isEmpty() ? unharmed : refused);
        }
        qInfo("random damage: %d files refused, %d unharmed", refused, unharmed);
        QVERIFY(refused > 5);
    }
};

QTEST_APPLESS_MAIN(TestTraceHdf5Damaged)
#include "test_trace_hdf5_damaged.moc"
