// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Steering from the command line: the real program in its own process on the bundled demo.
#include "tests/app/program.h"

#include <QFile>
#include <QFileInfo>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

class TestSteeringCli : public QObject {
    Q_OBJECT

private slots:
    void init() { QVERIFY(m_folder.emplace().isValid()); }
    void cleanup() { m_folder.reset(); }

    void recipesAreCheckedRunAndKept()
    {
        const auto write = [&](const char *name, const QByteArray &experts) {
            QFile file{m_folder->filePath(name)};
            if (file.open(QIODevice::WriteOnly))
                file.write("{\"expertscope_recipe\": 1, \"edits\": [{\"op\": \"exclude\", \"experts\": {\"2\": " + experts + "}}]}");
            return file.fileName();
        };
        const QString some = write("some.json", "[0, 1, 2, 3]");
        const QString foreign = write("foreign.json", "[99]");
        const Outcome fits = run({"recipe", some, "--model", demoModel()});
        QVERIFY2(fits.exitCode == 0 && fits.out.contains("\"2\": [0, 1, 2, 3]"), fits.err);
        const Outcome wrong = run({"recipe", foreign, "--model", demoModel()});
        QCOMPARE(wrong.exitCode, 4);
        QVERIFY2(wrong.err.contains("expert 99 of layer 2 does not exist"), wrong.err);
        QCOMPARE(run({"recipe", foreign}).exitCode, 0); // by itself there is nothing wrong with it
        QVERIFY(run({"recipe", some, "--diff", foreign}).out.contains("edits/0/experts/2/0: 0 -> 99"));

        const QString file = m_folder->filePath("steered.h5");
        const QStringList trace{"trace", "-m", demoModel(), "-c", demoCorpus(), "--limit", "3", "-o", file, "--recipe"};
        QCOMPARE(run(trace + QStringList{foreign}).exitCode, 4);
        const Outcome traced = run(trace + QStringList{some});
        QVERIFY2(traced.exitCode == 0 && traced.err.contains("Steered: "), traced.err);
        const QJsonObject info = QJsonDocument::fromJson(run({"info", file, "--json"}).out).object();
        QCOMPARE(info.value("routing_recipe").toObject().value("edits").toArray().size(), 1);
        QVERIFY(run({"analyse", "load-balance", file}).out.contains("was recorded with a routing recipe"));
        const QStringList generate{"generate", "-m", demoModel(), "-p", "Open a new window", "-n", "5"};
        const Outcome generated = run(generate + QStringList{"--recipe", some});
        QVERIFY2(generated.exitCode == 0 && generated.err.contains("Steered: "), generated.err);
        QVERIFY(!run(generate).err.contains("Steered"));
    }

    void whatExpertsDoIsMeasured()
    {
        const QStringList texts{"-m", demoModel(), "-c", demoCorpus(), "--limit", "3", "--csv", "--set", "bootstrap=50"};
        const Outcome ablate = run(QStringList{"steer", "ablate", "-e", "2:0,5,0", "--experts", "7:1"} + texts);
        QVERIFY2(ablate.exitCode == 0 && ablate.out.startsWith("layer,expert,value,low,high,p,significant,tokens,n\r\n"), ablate.err);
        QCOMPARE(ablate.out.count('\n'), 4);
        QCOMPARE(run(QStringList{"steer", "ablate", "-e", "2"} + texts).exitCode, 2);
        for (const auto &[typed, says] : {std::pair{"99:1", "layer 99 does not exist: the model's layers are 0-7"},
                 {"3:16", "expert 16 does not exist: the experts of layer 3 are 0-15"}}) {
            const Outcome absent = run(QStringList{"steer", "ablate", "-e", typed} + texts);
            QCOMPARE(absent.exitCode, 2);
            QVERIFY2(absent.err.contains(says), absent.err);
        }
        const Outcome sweep = run(QStringList{"steer", "k-sweep", "--set", "to=5"} + texts);
        QVERIFY2(sweep.exitCode == 0 && sweep.out.startsWith("k,loss,value,"), sweep.err);
        QCOMPARE(sweep.out.split('\n').at(4).split(',').at(2).toDouble(), 0.0); // the model's own k
        const Outcome answers = run({"steer", "k-sweep", "-m", demoModel(), "-q", QFileInfo(demoCorpus()).path() + "/cloze.jsonl",
            "--limit", "6", "--set", "from=3", "--set", "to=4", "--csv"});
        QVERIFY2(answers.exitCode == 0 && answers.out.startsWith("k,accuracy,"), answers.err);
        const QByteArrayList rows = answers.out.split('\n');
        QVERIFY(rows.at(3).startsWith("4,") && rows.at(3).mid(2) == rows.at(1).mid(4)); // the model's own k answers as the model does
        QVERIFY(rows.at(4).startsWith("vote,"));
        QCOMPARE(run({"steer", "k-sweep", "-m", demoModel()}).exitCode, 2);
        QCOMPARE(run({"steer", "k-sweep", "-m", demoModel(), "-q", demoCorpus()}).exitCode, 2);
        const Outcome routes = run({"steer", "routes", "-m", demoModel(), "-p", "Open a new window", "--layer", "4", "--position", "3",
            "--routes", "10", "--csv"});
        QVERIFY2(routes.exitCode == 0 && routes.out.startsWith("experts,chosen,mass,probability,logprob,utility\r\n"), routes.err);
        QCOMPARE(routes.out.count('\n'), 12);
        QCOMPARE(run({"steer", "routes", "-m", demoModel(), "-p", "Open", "--layer", "4", "--position", "99"}).exitCode, 2);
    }

private:
    std::optional<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TestSteeringCli)
#include "test_steering_cli.moc"
