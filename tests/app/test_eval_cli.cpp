// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// eval as a person uses it: the real program on the bundled demo; numbers, files, going on, and what is refused.
#include "tests/app/program.h"

#include <QDir>
#include <QFile>
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
        QVERIFY(rows.front().startsWith("data,metric,unit,condition,by,group,value,low,high,chance,n,units"));
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

    void aRecipeOfStrengthZeroChangesNothingAndAStrongOneDoes()
    {
        const QByteArray recipe =
            "{\"expertscope_recipe\": 1, \"edits\": [{\"op\": \"soft\", \"strength\": %1, \"experts\": {\"3\": [1, 5]}}]}";
        const QString nothing = written("nothing.json", QByteArray{recipe}.replace("%1", "0"));
        const QString strong = written("strong.json", QByteArray{recipe}.replace("%1", "3"));
        const QString folder = m_folder->filePath("e");
        const QStringList command{"eval", "-m", demoModel(), "-d", demoCorpus(), "--limit", "32", "--recipe", nothing, "--recipe", strong,
            "-o", folder, "--csv", "--bootstrap", "100"};
        const Outcome csv = run(command);
        QVERIFY2(csv.exitCode == 0, csv.err);
        int zeros = 0, others = 0;
        for (const QByteArray &row : csv.out.trimmed().split('\n').mid(1)) {
            const QList<QByteArray> cells = row.trimmed().split(',');
            if (cells[3] == "nothing")
                zeros += cells[7].toDouble() == 0 && cells[8].toDouble() == 0 && cells[9].toDouble() == 0;
            else
                others += cells[7].toDouble() != 0;
        }
        QVERIFY(zeros == others && zeros > 10);
        QVERIFY(QDir{folder + "/scores"}.exists("1-parallel--strong.jsonl"));
        QCOMPARE(run(command).out, csv.out); // all scores are there
        written("strong.json", QByteArray{recipe}.replace("%1", "2"));
        QCOMPARE(run(command).exitCode, 4); // another recipe under the same name
        written("strong.json", QByteArray{recipe}.replace("[1, 5]", "[99]"));
        const Outcome misfit = run({"eval", "-m", demoModel(), "-d", demoCorpus(), "--limit", "2", "--recipe", strong});
        QVERIFY(misfit.exitCode == 3 || misfit.exitCode == 4);
    }

    void findWritesARecipeThatRuns()
    {
        const QString domains = demoCorpus().replace("parallel", "domains");
        const QString recipe = m_folder->filePath("code.json");
        const QStringList find{"steer", "find", "--method", "task", "-m", demoModel(), "-c", domains, "--set", "grouping=domain", "--set",
            "target=code", "--set", "baseline=prose", "--set", "bootstrap=0", "--set", "permutations=0", "--tau", "0.3", "--window", "all",
            "-o", recipe};
        const Outcome found = run(find);
        QVERIFY2(found.exitCode == 0, found.err);
        const QJsonObject json = QJsonDocument::fromJson(read(recipe)).object();
        QCOMPARE(json.value("found").toObject().value("method").toString(), QStringLiteral("task"));
        QVERIFY(json.value("found").toObject().value("experts").toInt() > 0);
        QCOMPARE(json.value("edits").toArray().first().toObject().value("op").toString(), QStringLiteral("soft"));
        QCOMPARE(run({"eval", "-m", demoModel(), "-d", domains, "--limit", "4", "--recipe", recipe}).exitCode, 0);
        QCOMPARE(run(find).exitCode, 3); // not replaced
        const Outcome nameless = run({"steer", "find", "--method", "task", "-m", demoModel(), "-c", domains, "-o", recipe, "--force"});
        QCOMPARE(nameless.exitCode, 2);
        QVERIFY2(nameless.err.contains("which texts are the task's"), nameless.err);
        for (const QStringList &wrong : {QStringList{"--method", "nonsense"}, QStringList{"--method", "language", "--window", "9-3"},
                 QStringList{"--method", "language", "--tau", "0.2", "--top", "3"}})
            QCOMPARE(
                run(QStringList{"steer", "find", "-m", demoModel(), "-c", demoCorpus(), "--limit", "32", "-o", m_folder->filePath("x.json")}
                    + wrong)
                    .exitCode,
                2);
        for (const QStringList &other : {QStringList{"--method", "language", "--top", "4", "--bottom", "2"},
                 QStringList{"--method", "rice", "--set", "tokens=.", "--top", "2"},
                 QStringList{"--method", "risk-difference", "--set", "column=language", "--set", "side-1=de", "--set", "side-2=en", "--top",
                     "3", "--bottom", "3"}}) {
            const QString file = m_folder->filePath(other[1] + ".json");
            const Outcome outcome =
                run(QStringList{"steer", "find", "-m", demoModel(), "-c", demoCorpus(), "--limit", "64", "-o", file} + other);
            QVERIFY2(outcome.exitCode == 0, outcome.err);
            QCOMPARE(run({"recipe", file, "--model", demoModel()}).exitCode, 0);
        }
    }

    void aSweepRepeatsAndGoesOn()
    {
        const QString parallel = demoCorpus();
        QByteArray plan =
            "{\"expertscope_plan\": 1, \"name\": \"small\", \"experts\": {\"target\": {\"data\": \"P\", \"language\": \"en\"},"
            "\"baseline\": {\"data\": \"D\", \"domain\": \"prose\"}}, \"parallel\": {\"data\": \"P\", \"language\": [\"en\", \"de\"]},"
            "\"evaluate\": [{\"data\": \"P\", \"language\": [\"en\", \"de\"], \"source\": \"LibreOffice user interface\"}],"
            "\"sweep\": {\"tau\": [0.1], \"windows\": [\"suggested\"], \"strengths\": [0.5]}, \"dose\": [0, 0.5],"
            "\"controls\": {\"random\": 1, \"windows\": [\"0-1\"]}, \"bootstrap\": 100, \"permutations\": 100}";
        plan.replace("\"P\"", '"' + parallel.toUtf8() + '"')
            .replace("\"D\"", '"' + demoCorpus().replace("parallel", "domains").toUtf8() + '"');
        const QString file = written("plan.json", plan), folder = m_folder->filePath("s");
        const QStringList command{"steer", "sweep", file, "-m", demoModel(), "-o", folder, "--json"};
        const Outcome first = run(command);
        QVERIFY2(first.exitCode == 0, first.err);
        const QByteArray recipe = read(folder + "/recipe.json");
        const QJsonObject measured = QJsonDocument::fromJson(recipe).object().value("measured").toObject();
        QVERIFY(measured.value("difference_on_held_out_texts").toObject().value("texts").toInt() > 5);
        for (const QByteArray &row : read(folder + "/dose-response.csv").trimmed().split('\n').mid(1))
            if (row.contains("_soft_0_")) {
                QCOMPARE(row.split(',')[7].toDouble(), 0.0);
                QCOMPARE(row.split(',')[9].toDouble(), 0.0);
            }

        const QDir scores{folder + "/scores"};
        const QString some = scores.filePath(scores.entryList(QDir::Files).last());
        const QByteArray before = read(some);
        QFile cut{some};
        QVERIFY(cut.resize(before.size() / 2));
        const Outcome again = run(command);
        QVERIFY2(again.exitCode == 0, again.err);
        QCOMPARE(read(some), before);
        QCOMPARE(again.out, first.out);
        QCOMPARE(read(folder + "/recipe.json"), recipe);
        QCOMPARE(run({"steer", "sweep", written("bad.json", "{}"), "-m", demoModel(), "-o", m_folder->filePath("t")}).exitCode, 3);
        QCOMPARE(run({"steer"}).exitCode, 2);
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

    void chartsAreFigures()
    {
        const QString svg = m_folder->filePath("a.svg"), png = m_folder->filePath("b.png"), pdf = m_folder->filePath("c.pdf");
        const QStringList command{"eval", "-m", demoModel(), "-d", demoCorpus(), "--limit", "32", "--bootstrap", "20", "--figure"};
        const Outcome drawn = run(command + QStringList{svg});
        if (drawn.exitCode == 2 && drawn.err.contains("--figure"))
            QSKIP("this program has no window");
        QVERIFY2(drawn.exitCode == 0, drawn.err);
        QVERIFY(read(svg).contains("<svg") && read(svg).contains("Loss"));
        QCOMPARE(run(command + QStringList{png, "--figure-of", "scores-0-by-language"}).exitCode, 0);
        QVERIFY(read(png).startsWith("\x89PNG"));
        QCOMPARE(run(command + QStringList{pdf}).exitCode, 0);
        QVERIFY(read(pdf).startsWith("%PDF"));
        QCOMPARE(run(command + QStringList{svg}).exitCode, 3); // there already
        QCOMPARE(run(command + QStringList{m_folder->filePath("d.doc")}).exitCode, 2);
        const Outcome unknown = run(command + QStringList{m_folder->filePath("e.svg"), "--figure-of", "nonsense"});
        QCOMPARE(unknown.exitCode, 2);
        QVERIFY(unknown.err.contains("scores-0-by-language"));
        QVERIFY(!QFile::exists(m_folder->filePath("e.svg")));
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
