// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// eval as a person uses it: the real program on the bundled demo; numbers, files, going on, and what is refused.
#include "tests/app/program.h"

#include <QDir>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>

class TestEvalCli : public QObject {
    Q_OBJECT

    std::optional<QTemporaryDir> m_folder;

    QString written(const QString &name, const QByteArray &bytes)
    {
        QFile file{m_folder->filePath(name)};
        return file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size() ? file.fileName() : QString{};
    }
    static QByteArray read(const QString &path)
    {
        QFile file{path};
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray{"absent"};
    }

private slots:
    void init() { QVERIFY(m_folder.emplace().isValid()); }
    void cleanup() { m_folder.reset(); }

    void lossOfTheDemoIsThatOfItsCard()
    {
        const Outcome csv =
            run({"eval", "-m", demoModel(), "-d", demoCorpus(), "--limit", "64", "--by", "language", "--csv", "--bootstrap", "10"});
        QVERIFY2(csv.exitCode == 0, csv.err);
        const QList<QByteArray> rows = csv.out.trimmed().split('\n');
        QCOMPARE(rows.size(), 1 + 1 + 16);
        QVERIFY(rows.front().startsWith("data,metric,unit,condition,by,group,value,low,high,n,units"));
        QVERIFY(rows[1].startsWith("parallel.jsonl,bits-per-byte,bits per byte,baseline,all,all,1."));
        QVERIFY(rows[1].trimmed().endsWith(",64,4")); // four sentences
    }

    void aCutRunGoesOnToTheSameBytes()
    {
        const QString folder = m_folder->filePath("e");
        const QStringList command{
            "eval", "-m", demoModel(), "-d", demoCorpus(), "--limit", "48", "--batch-tokens", "64", "-o", folder, "--json"};
        const Outcome whole = run(command);
        QVERIFY2(whole.exitCode == 0, whole.err);
        const QString log = folder + "/scores/1-parallel--baseline.jsonl";
        const QByteArray scores = read(log);
        QCOMPARE(scores.count('\n'), 49);
        QCOMPARE(read(folder + "/result.json"), whole.out);
        QCOMPARE(QJsonDocument::fromJson(whole.out).object().value("analysis").toString(), QStringLiteral("evaluation"));

        QFile file{log};
        QVERIFY(file.resize(scores.size() * 2 / 3));
        const Outcome again = run(command);
        QVERIFY2(again.exitCode == 0, again.err);
        QVERIFY(again.err.contains("was cut off"));
        QVERIFY(again.err.contains("Going on after item"));
        QCOMPARE(read(log), scores);
        QCOMPARE(again.out, whole.out);

        // foreign and damaged files are not touched
        QStringList other = command;
        other[other.indexOf("48")] = "47";
        QCOMPARE(run(other).exitCode, 4);
        QVERIFY(file.open(QIODevice::WriteOnly));
        QByteArray damaged = scores;
        damaged.replace("\"item\":20,", "\"item\":21,");
        file.write(damaged);
        file.close();
        const Outcome refused = run(command);
        QCOMPARE(refused.exitCode, 3);
        QVERIFY(refused.err.contains(":22: "));
        QCOMPARE(read(log), damaged);
    }

    void choicesAndGenerations()
    {
        const QString choices = written("c.jsonl",
            "{\"question\": \"Open a new\", \"choices\": [\"window\", \"zq xk vv\"], \"answer\": 0, \"language\": \"en\"}\n"
            "{\"question\": \"Close the\", \"choices\": [\"qqq zzz\", \"window\"], \"answer\": \"window\", \"language\": \"en\"}\n");
        const QString asked = written("g.jsonl", "{\"prompt\": \"Open a new\", \"answer\": \"no model says this\"}\n");
        const Outcome json = run({"eval", "-m", demoModel(), "-d", choices, asked, "--json", "--max-new-tokens", "4"});
        QVERIFY2(json.exitCode == 0, json.err);
        QHash<QString, double> values;
        for (const QJsonValue &number : QJsonDocument::fromJson(json.out).object().value("numbers").toArray())
            values[number.toObject().value("id").toString()] = number.toObject().value("value").toDouble();
        QCOMPARE(values.value("accuracy-per-byte_0_0"), 1.0);
        QCOMPARE(values.value("exact-match_1_0", -1), 0.0);
    }

    void refusals()
    {
        const QString broken = written("b.jsonl", "{\"question\": \"q\", \"choices\": [\"a\"], \"answer\": 0}\n");
        QCOMPARE(run({"eval", "-m", demoModel()}).exitCode, 2);
        QCOMPARE(run({"eval", "-m", demoModel(), "-d", broken}).exitCode, 3);
        QCOMPARE(run({"eval", "-m", demoModel(), "-d", demoCorpus(), "--limit", "2", "--by", "nonsense"}).exitCode, 2);
        QCOMPARE(run({"eval", "-m", demoModel(), "-d", demoCorpus(), "--limit", "2", "--seed", "-1"}).exitCode, 2);
        written("letter.doc", "mine");
        QCOMPARE(run({"eval", "-m", demoModel(), "-d", demoCorpus(), "--limit", "2", "-o", m_folder->path()}).exitCode, 3);
        QVERIFY(!QDir{m_folder->path()}.exists("scores"));
    }
};

QTEST_APPLESS_MAIN(TestEvalCli)
#include "test_eval_cli.moc"
