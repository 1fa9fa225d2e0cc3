// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The command line as a person uses it: the real program in its own process on the bundled demo; exit codes, what goes to
// which stream, what is on disk afterwards.
#include "tests/app/program.h"

#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <csignal>

class TestCli : public QObject {
    Q_OBJECT

private slots:
    void init() { QVERIFY(m_folder.emplace().isValid()); }
    void cleanup() { m_folder.reset(); }

    void versionAndHelp()
    {
        const Outcome version = run({"--version"});
        QCOMPARE(version.exitCode, 0);
        QCOMPARE(version.out.count('\n'), 1);
        for (const char *verb : {"info", "trace", "import", "generate", "analyse", "recipe"}) {
            const Outcome help = run({verb, "--help"});
            QCOMPARE(help.exitCode, 0);
            QVERIFY2(help.out.contains("Example:"), verb);
        }
    }

    void usageErrors()
    {
        QCOMPARE(run({"trace"}).exitCode, 2);
        QCOMPARE(run({"--nonsense"}).exitCode, 2);
        QCOMPARE(run({"generate", "-m", demoModel(), "-p", "x", "--temperature", "-1"}).exitCode, 2);
    }

    void whatWasMeant()
    {
        for (const auto &[typed, guess] : {std::pair{"analyze", "analyse"}, {"tarce", "trace"}, {"imprt", "import"}}) {
            const Outcome verb = run({typed, "x.h5"});
            QCOMPARE(verb.exitCode, 2);
            QVERIFY2(verb.err.contains("Did you mean " + QByteArray{guess} + "?"), verb.err);
        }
        const Outcome unlike = run({"zzzzzzzz"});
        QCOMPARE(unlike.exitCode, 2);
        QVERIFY2(unlike.err.contains("The verbs are") && !unlike.err.contains("Did you mean"), unlike.err);
        for (const QStringList &option :
            {QStringList{"--limit", "-3"}, {"--max-tokens", "-3"}, {"--batch-tokens", "-1"}, {"--threads", "-1"}}) {
            const Outcome outside =
                run(QStringList{"trace", "-m", demoModel(), "-c", demoCorpus(), "-o", m_folder->filePath("t.h5")} + option);
            QCOMPARE(outside.exitCode, 2);
            QVERIFY2(outside.err.contains(option.front().toUtf8()) && outside.err.size() < 200, outside.err);
        }
    }

    void saysHowACorpusIsRead()
    {
        QFile prose{m_folder->filePath("notes.md")};
        QVERIFY(prose.open(QIODevice::WriteOnly));
        prose.write("# Notes\n\nOne line.\nAnother line.\n");
        prose.close();
        const QString file = m_folder->filePath("t.h5");
        const Outcome plain = run({"trace", "-m", demoModel(), "-c", prose.fileName(), "-o", file});
        QVERIFY2(plain.exitCode == 0, plain.err);
        QVERIFY2(plain.err.contains("notes.md: plain text, a sequence a line, 3 rows"), plain.err);
        const Outcome rows = run({"trace", "-m", demoModel(), "-c", demoCorpus(), "--limit", "2", "-o", m_folder->filePath("u.h5")});
        QVERIFY2(rows.err.contains("parallel.jsonl: JSON Lines, 3840 rows with language, domain, parallel_id"), rows.err);
        const Outcome trace = run({"trace", "-m", demoModel(), "-c", file, "-o", m_folder->filePath("v.h5")});
        QCOMPARE(trace.exitCode, 3);
        QVERIFY2(trace.err.contains("an HDF5 file, not a corpus") && trace.err.contains("expertscope info"), trace.err);
    }

    void tracesThatLackWhatIsAsked()
    {
        const QString file = m_folder->filePath("t.h5");
        const Outcome import = run({"import", TEST_DATA_DIR "/importers/numpy.npz", "-o", file});
        QVERIFY2(import.exitCode == 0, import.err);
        QVERIFY2(import.err.startsWith("warn  "), import.err); // what needs an eye comes first
        QVERIFY2(import.err.contains("skip  ") && import.err.contains("not checked: "), import.err);
        QVERIFY2(!import.err.contains("  -1 (") && !import.err.contains("nan"), import.err);
        for (const char *id : {"vocabulary", "token-identity"}) {
            const Outcome outcome = run({"analyse", id, file});
            QCOMPARE(outcome.exitCode, 4);
            QVERIFY2(outcome.err.contains("no token ids"), outcome.err);
            QVERIFY(outcome.out.isEmpty());
        }
        QCOMPARE(run({"analyse", "committee", file}).exitCode, 4); // one group
    }

    void analyse()
    {
        const QString file = m_folder->filePath("t.h5");
        QCOMPARE(run({"trace", "-m", demoModel(), "-c", demoCorpus(), "--limit", "20", "-o", file}).exitCode, 0);
        const Outcome list = run({"analyse", "--list"});
        QCOMPARE(list.exitCode, 0);
        QVERIFY(list.out.contains("load-balance"));
        QVERIFY(run({"analyse", "--list", "load-balance"}).out.contains("--set batch=64"));

        const Outcome text = run({"analyse", "load-balance", file});
        QVERIFY2(text.exitCode == 0, text.err);
        QVERIFY(text.out.contains("(mean_cv): "));
        QVERIFY(text.out.contains(", n = "));
        const Outcome json = run({"analyse", "load-balance", "--set", "batch=16", file, "--json"});
        const QJsonObject result = QJsonDocument::fromJson(json.out).object();
        QCOMPARE(result.value("schema_version").toInt(), 1);
        QCOMPARE(result.value("settings").toObject().value("batch").toString(), QStringLiteral("16"));
        const QJsonObject table = result.value("tables").toArray().first().toObject();
        QCOMPARE(table.value("rows").toArray().size(), 8); // the demo's layers

        const QString csv = m_folder->filePath("balance.csv");
        QCOMPARE(run({"analyse", "load-balance", file, "--csv", "-o", csv}).exitCode, 0);
        QFile written{csv};
        QVERIFY(written.open(QIODevice::ReadOnly));
        const QByteArray rows = written.readAll();
        QVERIFY(rows.startsWith("layer,cv,cv_chance,"));
        QCOMPARE(rows.count('\n'), 9);
        // the same numbers in every shape, to the last digit
        const double cv = table.value("rows").toArray().first().toArray().at(1).toDouble();
        QCOMPARE(rows.split('\n').at(1).split(',').at(1).toDouble(), cv);

        const Outcome again = run({"analyse", "load-balance", file, "--csv", "-o", csv});
        QCOMPARE(again.exitCode, 3);
        QCOMPARE(run({"analyse", "no-such-thing", file}).exitCode, 2);
        QCOMPARE(run({"analyse", "load-balance", file, "--set", "batch=x"}).exitCode, 2);
        QCOMPARE(run({"analyse", "load-balance", file, file}).exitCode, 2);
        QCOMPARE(run({"analyse", "load-balance", m_folder->filePath("missing.h5")}).exitCode, 3);
        QCOMPARE(run({"analyse", "load-balance", file, "--csv", "--part", "x"}).exitCode, 2);
        QVERIFY(run({"analyse", "load-balance", file, "--csv", "--part", "load"}).out.startsWith("Layer,Expert,value"));
        const Outcome part = run({"analyse", "load-balance", file, "--part", "nope"});
        QCOMPARE(part.exitCode, 2);
        QVERIFY2(part.err.contains("dead-experts"), part.err); // the list of what there is
        QCOMPARE(run({"analyse", "load-balance", file, "--part", "load"}).exitCode, 2); // a matrix, and no --csv
    }

    void traceInfoAndOverwrite()
    {
        const QString file = m_folder->filePath("t.h5");
        const QStringList trace{"trace", "-m", demoModel(), "-c", demoCorpus(), "--limit", "20", "-o", file};
        const Outcome first = run(trace);
        QVERIFY2(first.exitCode == 0, first.err);
        QCOMPARE(QString::fromUtf8(first.out).trimmed(), file);
        QVERIFY(first.err.contains("20 sequences"));

        const Outcome info = run({"info", file, "--json"});
        QVERIFY2(info.exitCode == 0, info.err);
        const QJsonObject json = QJsonDocument::fromJson(info.out).object();
        QCOMPARE(json["sequences"].toInt(), 20);
        QVERIFY(json["tokens"].toInt() > 100);
        QVERIFY(json["command_line"].toString().startsWith("expertscope trace"));
        const QJsonArray checks = json["checks"].toArray();
        QVERIFY(checks.size() >= 8);
        for (const QJsonValue &check : checks)
            QVERIFY2(check["status"] != "fail", qPrintable(check["name"].toString()));
        QCOMPARE(json["language_names"].toObject()["de"].toString(), QStringLiteral("German"));

        QFile before{file};
        QVERIFY(before.open(QIODevice::ReadOnly));
        const QByteArray bytes = before.readAll();
        const Outcome again = run(trace);
        QCOMPARE(again.exitCode, 3);
        QVERIFY2(again.err.contains("--force"), again.err);
        before.seek(0);
        QCOMPARE(before.readAll(), bytes);
        QCOMPARE(run(trace + QStringList{"--force"}).exitCode, 0);
        QCOMPARE(QDir{m_folder->path()}.entryList(QDir::Files), QStringList{"t.h5"});
    }

    void tracingRepeats()
    {
        qputenv("SOURCE_DATE_EPOCH", "1700000000");
        QList<QByteArray> bytes;
        for (const char *threads : {"1", "2"}) {
            const QString file = m_folder->filePath("t.h5");
            QCOMPARE(
                run({"trace", "-m", demoModel(), "-c", demoCorpus(), "--limit", "8", "--threads", threads, "--force", "-o", file}).exitCode,
                0);
            const Outcome info = run({"info", file, "--json"});
            QJsonObject json = QJsonDocument::fromJson(info.out).object();
            json.remove("command_line");
            json.remove("device");
            bytes += QJsonDocument{json}.toJson();
        }
        qunsetenv("SOURCE_DATE_EPOCH");
        QCOMPARE(bytes[0], bytes[1]);
    }

    void interruptKeepsWholeSequences()
    {
        const QString file = m_folder->filePath("t.h5");
        QFile corpus{m_folder->filePath("c.jsonl")};
        QVERIFY(corpus.open(QIODevice::WriteOnly));
        QFile demo{demoCorpus()};
        QVERIFY(demo.open(QIODevice::ReadOnly));
        const QByteArray rows = demo.readAll();
        for (int copy = 0; copy < 40; ++copy) // long enough not to be over before the signal
            corpus.write(QByteArray{rows}.replace("{\"id\": \"", "{\"id\": \"" + QByteArray::number(copy) + "-"));
        corpus.close();
        QProcess process;
        process.start(EXPERTSCOPE_PROGRAM, {"trace", "-m", demoModel(), "-c", corpus.fileName(), "-o", file});
        QVERIFY(process.waitForStarted());
        QTRY_VERIFY_WITH_TIMEOUT(!QDir{m_folder->path()}.entryList({"*.part*"}, QDir::Files | QDir::Hidden).isEmpty(), 60000);
        QTest::qWait(3000); // some batches are in
        QCOMPARE(process.state(), QProcess::Running);
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QVERIFY(process.waitForFinished(60000));
        QCOMPARE(process.exitCode(), 130);
        const QByteArray said = process.readAllStandardError();
        QVERIFY2(said.contains("topped"), said);
        QCOMPARE(QDir{m_folder->path()}.entryList({"*.part*"}, QDir::Files | QDir::Hidden), QStringList{});
        if (QFile::exists(file)) // stopped while tracing: what was kept is a sound trace
            QCOMPARE(run({"info", file}).exitCode, 0);
    }

    void generateStreamsAndRecords()
    {
        const QString file = m_folder->filePath("g.h5");
        const QStringList generate{
            "generate", "-m", demoModel(), "-p", "Open a new window", "-n", "12", "--temperature", "0.8", "--seed", "3"};
        const Outcome first = run(generate + QStringList{"-o", file});
        QVERIFY2(first.exitCode == 0, first.err);
        QVERIFY(first.out.startsWith("Open a new window"));
        QVERIFY(first.err.contains("Generated:"));
        QCOMPARE(run(generate).out, first.out); // the same seed, the same text
        const QJsonObject json = QJsonDocument::fromJson(run({"info", file, "--json"}).out).object();
        QCOMPARE(json["sequences"].toInt(), 1);
        const Outcome piped = run({"generate", "-m", demoModel(), "-p", "-", "-n", "2", "-q"}, "Datei");
        QCOMPARE(piped.exitCode, 0);
        QVERIFY(piped.out.startsWith("Datei"));
        QVERIFY(piped.err.isEmpty());
    }

    void importChecksAndConverts()
    {
        const QString file = m_folder->filePath("t.h5"), sample = QStringLiteral(TEST_DATA_DIR "/importers/numpy.npz");
        const Outcome first = run({"import", sample, "--experts", "60", "--title", "sample", "-o", file});
        QVERIFY2(first.exitCode == 0, first.err);
        QCOMPARE(QString::fromUtf8(first.out).trimmed(), file);
        QVERIFY2(first.err.contains("pass  tokens and layers with an expert twice"), first.err);
        QJsonObject info = QJsonDocument::fromJson(run({"info", file, "--json"}).out).object();
        QCOMPARE(info["title"].toString(), QStringLiteral("sample"));
        QCOMPARE(info["tokens"].toInt(), 500);
        QVERIFY(info["command_line"].toString().startsWith("expertscope import"));
        QVERIFY(info["checks"].toArray().size() > 8);
        QCOMPARE(run({"import", sample, "-o", file}).exitCode, 3); // the file exists

        const Outcome refused = run({"import", sample, "--experts", "50", "--json", "--force", "-o", file});
        QCOMPARE(refused.exitCode, 4);
        QVERIFY2(refused.err.contains("largest id beside the number of experts"), refused.err);
        const QJsonObject report = QJsonDocument::fromJson(refused.out).object();
        QVERIFY(report["output"].isNull());
        const QJsonArray checks = report["checks"].toArray();
        QVERIFY(std::any_of(checks.begin(), checks.end(), [](const QJsonValue &check) { return check["status"] == "fail"; }));
        QCOMPARE(QJsonDocument::fromJson(run({"info", file, "--json"}).out).object()["tokens"].toInt(), 500); // the old file is still there
        QCOMPARE(QDir{m_folder->path()}.entryList(QDir::Files | QDir::Hidden), QStringList{"t.h5"});
    }

    void badInputs_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<int>("exitCode");
        QTest::addColumn<QString>("says");
        const QString out = "OUT/t.h5";
        QTest::newRow("no such model") << QStringList{"trace", "-m", "/no/such", "-c", demoCorpus(), "-o", out} << 3 << "/no/such";
        QTest::newRow("no such corpus") << QStringList{"trace", "-m", demoModel(), "-c", "/no/such.jsonl", "-o", out} << 3
                                        << "/no/such.jsonl";
        QTest::newRow("no such folder") << QStringList{"trace", "-m", demoModel(), "-c", demoCorpus(), "-o", "OUT/no/t.h5"} << 3
                                        << "no/t.h5";
        QTest::newRow("empty corpus") << QStringList{"trace", "-m", demoModel(), "-c", "/dev/null", "-o", out} << 3 << "/dev/null";
        QTest::newRow("not a trace") << QStringList{"info", demoCorpus()} << 3 << "parallel.jsonl";
        QTest::newRow("a recording of another tool")
            << QStringList{"info", TEST_DATA_DIR "/importers/numpy.npz"} << 3 << "expertscope import";
        QTest::newRow("another tool's, analysed")
            << QStringList{"analyse", "load-balance", TEST_DATA_DIR "/importers/sglang_per_token.pt"} << 3 << "expertscope import";
        QTest::newRow("weights as a trace") << QStringList{"info", demoModel() + "/model.safetensors"} << 3 << "safetensors";
        QTest::newRow("nothing to import") << QStringList{"import", demoCorpus(), "-o", out} << 3 << "no recording";
        QTest::newRow("a pickle that runs code")
            << QStringList{"import", TEST_DATA_DIR "/importers/hostile.pt", "-o", out} << 3 << "posix.system";
        QTest::newRow("prompt beyond the context")
            << QStringList{"generate", "-m", demoModel(), "-p", QString{"word "}.repeated(400)} << 2 << "context";
        if (!QFile::exists("/dev/nvidia0"))
            QTest::newRow("no gpu") << QStringList{"generate", "-m", demoModel(), "-p", "x", "--device", "cuda"} << 5 << "no CUDA ";
    }

    void badInputs()
    {
        QFETCH(QStringList, arguments);
        QFETCH(int, exitCode);
        QFETCH(QString, says);
        arguments.replaceInStrings("OUT/", m_folder->path() + "/");
        const Outcome outcome = run(arguments);
        QVERIFY2(outcome.exitCode == exitCode, qPrintable(QString::number(outcome.exitCode) + " " + outcome.err));
        QVERIFY2(outcome.err.contains(says.toUtf8()), outcome.err);
        QVERIFY(outcome.out.isEmpty());
        QVERIFY2(QDir{m_folder->path()}.isEmpty(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot), "something was left behind");
    }

private:
    std::optional<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TestCli)
#include "test_cli.moc"
