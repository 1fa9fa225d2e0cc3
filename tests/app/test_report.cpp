// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The batch report: the real program on the bundled demo (files, exit codes, same bytes, nothing left behind), and the writers on a
// trace whose labels would break out of HTML if they could.
#include "app/report/report_files.h"
#include "app/report/report_html.h"
#include "tests/engine/analysis/small_trace.h"

#include <QDir>
#include <QDirIterator>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QTest>
#include <QXmlStreamReader>

#include <csignal>

using namespace expertscope;

namespace {

struct Outcome {
    int exitCode = -1;
    QByteArray out, err;
};

QString demo(const char *what)
{
    return QStringLiteral(SOURCE_DIR "/resources/demo/") + QLatin1String{what};
}

/// The demo's first rows, and analyses that are quick.
QStringList smallReport(const QString &folder)
{
    return {"report", "-m", demo("model"), "-c", demo("corpus/parallel.jsonl"), "--limit", "48", "--only",
        "load-balance,routing-divergence,specialisation", "--set", "specialisation.permutations=50", "--set",
        "routing-divergence.bootstrap=50", "--set", "routing-divergence.null=50", "-o", folder};
}

QByteArray bytesOf(const QString &file)
{
    QFile opened{file};
    return opened.open(QIODevice::ReadOnly) ? opened.readAll() : QByteArray{};
}

/// What is wrong with a report's page; empty if it is well-formed, needs nothing from elsewhere and links only to what is there.
QString faultOf(const QByteArray &html, const QDir &folder)
{
    QXmlStreamReader xml{html};
    QSet<QString> ids;
    QStringList targets;
    int figures = 0;
    while (!xml.atEnd()) {
        xml.readNext();
        if (!xml.isStartElement())
            continue;
        const QStringView name = xml.name();
        if (name == u"script" || name == u"link" || name == u"iframe" || name == u"object" || name == u"img")
            return "there is a <" + name.toString() + ">";
        figures += name == u"svg";
        for (const QXmlStreamAttribute &attribute : xml.attributes()) {
            const QString value = attribute.value().toString();
            if (attribute.name() == u"id" && ids.contains(value))
                return "the id " + value + " is there twice";
            if (attribute.name() == u"id" && name != u"clipPath" && name != u"linearGradient")
                ids += value;
            if (attribute.name().startsWith(u"on"))
                return "there is an event handler";
            if (attribute.name() == u"src")
                return "there is a src";
            if (attribute.name() != u"href")
                continue;
            if (value.startsWith('#'))
                targets += value.mid(1);
            else if (value.startsWith("tables/") ? !folder.exists(value) : !value.startsWith("data:image/png;base64,"))
                return "there is a link to " + value.left(60);
        }
    }
    if (xml.hasError())
        return QStringLiteral("line %1: %2").arg(xml.lineNumber()).arg(xml.errorString());
    for (const QString &target : targets)
        if (!ids.contains(target))
            return "a link leads to #" + target + ", which is not there";
    if (html.contains("url(") && QString::fromUtf8(html).contains(QRegularExpression{"url\\((?!#)"}))
        return QStringLiteral("the style asks for another file");
    return figures > 0 ? QString{} : QStringLiteral("there are no figures");
}

} // namespace

class TestReport : public QObject {
    Q_OBJECT

private slots:
    void init() { QVERIFY(m_folder.emplace().isValid()); }
    void cleanup() { m_folder.reset(); }

    void writesEverything()
    {
        const Outcome outcome = run(smallReport("out") + QStringList{"--fail-if", "load-balance.mean_cv<0"});
        QVERIFY2(outcome.exitCode == 0, outcome.err);
        QCOMPARE(outcome.out, QByteArray{"out\n"});
        const QDir out{m_folder->filePath("out")};
        QCOMPARE(out.entryList(QDir::AllEntries | QDir::NoDotAndDotDot | QDir::Hidden, QDir::Name),
            (QStringList{"report.html", "report.json", "report.pdf", "tables", "trace.h5"}));
        const QByteArray html = bytesOf(out.filePath("report.html"));
        QCOMPARE(faultOf(html, out), QString{});
        for (const char *text : {"Content-Security-Policy", "default-src 'none'", "prefers-color-scheme:dark", "@media print", "sha256",
                 "Definition", "What was left out, and why", "expertscope report -m", "Benjamini", "95 % interval"})
            QVERIFY2(html.contains(text), text);

        const QJsonObject json = QJsonDocument::fromJson(bytesOf(out.filePath("report.json"))).object();
        QCOMPARE(json["schema_version"].toInt(), reportSchemaVersion);
        QCOMPARE(json["analyses"].toArray().size(), 3);
        QVERIFY(json["command"].toString().startsWith("expertscope report"));
        const QJsonObject trace = json["traces"].toArray()[0].toObject();
        QCOMPARE(trace["sequences"].toInt(), 48);
        QCOMPARE(trace["model_sha256"].toString().size(), 64);
        QCOMPARE(trace["texts"].toArray().size(), 16);
        // every analysis is either there or said to be left out, in the page too
        const auto all = static_cast<qsizetype>(analyses().size());
        QCOMPARE(json["left_out"].toArray().size() + 3, all);
        for (const auto &left : json["left_out"].toArray()) {
            QVERIFY(!left.toObject()["why"].toString().isEmpty());
            QVERIFY(html.contains(left.toObject()["title"].toString().toHtmlEscaped().toUtf8()));
        }
        // the tables hold what the JSON holds
        for (const auto &analysis : json["analyses"].toArray())
            for (const auto &table : analysis.toObject()["tables"].toArray()) {
                const QString file =
                    "tables/" + analysis.toObject()["analysis"].toString() + "-" + table.toObject()["id"].toString() + ".csv";
                const QByteArray rows = bytesOf(out.filePath(file));
                QVERIFY2(rows.count('\n') >= table.toObject()["rows"].toArray().size() + 1, qPrintable(file));
                QVERIFY(html.contains(file.toUtf8()));
            }

        const QByteArray pdf = bytesOf(out.filePath("report.pdf"));
        QVERIFY(pdf.startsWith("%PDF-"));
        QVERIFY(pdf.contains("/FontFile"));
        QVERIFY(pdf.count("/Type /Page\n") > 3);
        QCOMPARE(run({"info", "out/trace.h5"}).exitCode, 0);
    }

    void sameInputSameBytes()
    {
        const QStringList files{"report.html", "report.json", "report.pdf", "trace.h5"};
        QList<QByteArray> first;
        for (const char *where : {"a", "b"}) {
            QVERIFY(QDir{m_folder->path()}.mkdir(where));
            const Outcome outcome = run(smallReport("out"), where);
            QVERIFY2(outcome.exitCode == 0, outcome.err);
            QTest::qSleep(1100); // another second on the clock
        }
        QStringList names = files;
        for (const QString &table : QDir{m_folder->filePath("a/out/tables")}.entryList(QDir::Files))
            names += "tables/" + table;
        QVERIFY(names.size() > 7);
        for (const QString &name : names) {
            const QByteArray a = bytesOf(m_folder->filePath("a/out/" + name));
            QVERIFY2(!a.isEmpty() && a == bytesOf(m_folder->filePath("b/out/" + name)), qPrintable(name));
        }
    }

    void conditions()
    {
        QCOMPARE(run({"trace", "-m", demo("model"), "-c", demo("corpus/parallel.jsonl"), "--limit", "16", "-o", "t.h5"}).exitCode, 0);
        const QStringList report{"report", "-t", "t.h5", "--only", "load-balance"};
        const Outcome failed = run(report + QStringList{"-o", "f", "--fail-if", "load-balance.mean_cv>=0"});
        QVERIFY2(failed.exitCode == 1, failed.err);
        QVERIFY(failed.err.contains("Failed: load-balance.mean_cv>=0"));
        const QByteArray html = bytesOf(m_folder->filePath("f/report.html"));
        QVERIFY(html.contains("load-balance.mean_cv&gt;=0"));
        QVERIFY(html.contains("The trace is in t.h5."));
        QVERIFY(!QFile::exists(m_folder->filePath("f/trace.h5")));
        QCOMPARE(
            run(report + QStringList{"-o", "p", "--fail-if", "load-balance.mean_cv<0", "--fail-if", "load-balance.mean_cv>1e9"}).exitCode,
            0);
    }

    void usageErrorsWriteNothing_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<int>("exitCode");
        QTest::addColumn<QString>("says");
        const QStringList demoRun{"-m", demo("model"), "-c", demo("corpus/parallel.jsonl"), "--limit", "4"};
        QTest::newRow("nothing to report on") << QStringList{} << 2 << "--trace";
        QTest::newRow("model without corpus") << QStringList{"-m", demo("model")} << 2 << "corpus";
        QTest::newRow("two ways at once") << demoRun + QStringList{"-t", "x.h5"} << 2 << "of a trace";
        QTest::newRow("unknown analysis") << demoRun + QStringList{"--only", "load-balance,nonsense"} << 2 << "nonsense";
        QTest::newRow("unknown analysis to skip") << demoRun + QStringList{"--skip", "nonsense"} << 2 << "nonsense";
        QTest::newRow("unknown setting") << demoRun + QStringList{"--set", "load-balance.nonsense=1"} << 2 << "nonsense";
        QTest::newRow("bad value") << demoRun + QStringList{"--set", "load-balance.batch=many"} << 2 << "many";
        QTest::newRow("no condition") << demoRun + QStringList{"--fail-if", "load-balance.mean_cv"} << 2 << "mean_cv";
        QTest::newRow("no limit") << demoRun + QStringList{"--fail-if", "load-balance.mean_cv<much"} << 2 << "much";
        QTest::newRow("condition on what is not run")
            << demoRun + QStringList{"--skip", "load-balance", "--fail-if", "load-balance.mean_cv<1"} << 2 << "not run";
        QTest::newRow("condition on no number, before anything is read")
            << QStringList{"-t", "/no/such.h5", "--fail-if", "load-balance.nonsense<1"} << 2 << "mean_cv";
        QTest::newRow("condition on a number that other settings give")
            << demoRun + QStringList{"--only", "srp", "--set", "srp.windows=4", "--fail-if", "srp.srp_5<1"} << 2 << "srp_4";
        QTest::newRow("no such trace") << QStringList{"-t", "/no/such.h5"} << 3 << "/no/such.h5";
        QTest::newRow("no such corpus") << QStringList{"-m", demo("model"), "-c", "/no/such.jsonl"} << 3 << "/no/such.jsonl";
    }

    void usageErrorsWriteNothing()
    {
        QFETCH(QStringList, arguments);
        QFETCH(int, exitCode);
        QFETCH(QString, says);
        const Outcome outcome = run(QStringList{"report", "-o", "out"} + arguments);
        QVERIFY2(outcome.exitCode == exitCode, qPrintable(QString::number(outcome.exitCode) + " " + outcome.err));
        QVERIFY2(outcome.err.contains(says.toUtf8()), outcome.err);
        QVERIFY(outcome.out.isEmpty());
        QVERIFY2(QDir{m_folder->path()}.isEmpty(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot), "something was left behind");
    }

    void keepsWhatIsThere()
    {
        QCOMPARE(run({"trace", "-m", demo("model"), "-c", demo("corpus/parallel.jsonl"), "--limit", "4", "-o", "t.h5"}).exitCode, 0);
        const Outcome page = run({"report", "t.h5", "--only", "load-balance", "-o", "x.html"});
        QCOMPARE(page.exitCode, 2);
        QVERIFY2(page.err.contains("a report is a folder") && page.err.contains("-o x"), page.err);
        QVERIFY(!QFile::exists(m_folder->filePath("x.html")));
        const QStringList report{"report", "t.h5", "--only", "load-balance", "-o", "out"};
        const Outcome first = run(report);
        QVERIFY2(first.exitCode == 0, first.err);
        QCOMPARE(first.err.count("Left out"), 1);
        QVERIFY2(!first.err.contains("XDG_RUNTIME_DIR"), first.err);
        const Outcome again = run(report);
        QCOMPARE(again.exitCode, 3);
        QVERIFY2(again.err.contains("--force"), again.err);
        QCOMPARE(run(report + QStringList{"--force"}).exitCode, 0);
        QFile mine{m_folder->filePath("out/thesis.txt")};
        QVERIFY(mine.open(QIODevice::WriteOnly) && mine.write("my own") > 0);
        mine.close();
        const Outcome refused = run(report + QStringList{"--force"});
        QCOMPARE(refused.exitCode, 3);
        QVERIFY2(refused.err.contains("thesis.txt"), refused.err);
        QCOMPARE(bytesOf(mine.fileName()), QByteArray{"my own"});
        QVERIFY(mine.remove());
        QVERIFY(QFile::copy(m_folder->filePath("t.h5"), m_folder->filePath("out/trace.h5")));
        const Outcome inside = run({"report", "-t", "out/trace.h5", "--only", "load-balance", "-o", "out", "--force"});
        QCOMPARE(inside.exitCode, 2);
        QVERIFY(QFile::exists(m_folder->filePath("out/trace.h5")));
        QCOMPARE(QDir{m_folder->path()}.entryList(QDir::AllEntries | QDir::NoDotAndDotDot | QDir::Hidden, QDir::Name),
            (QStringList{"out", "t.h5"}));
    }

    void interruptLeavesNothing()
    {
        QProcess process;
        process.setWorkingDirectory(m_folder->path());
        process.start(EXPERTSCOPE_PROGRAM,
            {"report", "-m", demo("model"), "-c", demo("corpus/parallel.jsonl"), "--set", "routing-divergence.bootstrap=100000", "-o",
                "out"});
        QVERIFY(process.waitForStarted());
        QTRY_VERIFY_WITH_TIMEOUT(!QDir{m_folder->path()}.entryList({"*.part"}, QDir::Dirs | QDir::Hidden).isEmpty(), 60000);
        QTest::qWait(500);
        QCOMPARE(process.state(), QProcess::Running);
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QVERIFY(process.waitForFinished(60000));
        QCOMPARE(process.exitCode(), 130);
        QVERIFY2(QDir{m_folder->path()}.isEmpty(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot), "something was left behind");
    }

    void hostileLabelsStayText()
    {
        const std::string hostile = "<script>alert('x')</script>";
        const std::string reversed = "abc\xE2\x80\xAE"
                                     "cba"; // a right-to-left override
        std::vector<test::SmallSequence> sequences;
        for (int i = 0; i < 12; ++i) {
            test::SmallSequence sequence;
            sequence.info.id = "s" + std::to_string(i);
            sequence.info.language = i % 3 == 0 ? hostile : i % 3 == 1 ? reversed : "\xFF\x01\"&\x1b[31m";
            sequence.info.domain = "]]>\xEF\xBF\xBF";
            for (int token = 0; token < 20; ++token)
                for (std::size_t layer = 0; layer < 2; ++layer) {
                    sequence.ids.resize(2);
                    sequence.ids[layer].push_back(static_cast<ExpertId>((token + i) % 4));
                }
            sequences.push_back(sequence);
        }
        const TracePtr trace = test::smallTrace(4, 1, sequences);
        ReportOptions options;
        options.only = {"load-balance", "specialisation"};
        options.settings = {"specialisation.permutations=20"};
        options.commandLine = "expertscope report '" + hostile + "'";
        const Report report = ReportPlan{options}.run({{.trace = trace, .name = hostile, .origin = {{"Trace", reversed}}}}, {},
            [](std::size_t, std::size_t, const AnalysisKind &) { return Progress{}; });
        QCOMPARE(report.sections.size(), std::size_t{2});
        writeReportFiles(report, "The trace is nowhere.", m_folder->path().toStdString(), paintFigure, {});
        const QByteArray html = bytesOf(m_folder->filePath("report.html"));
        QCOMPARE(faultOf(html, QDir{m_folder->path()}), QString{});
        QVERIFY(!html.contains("<script"));
        QVERIFY(html.contains("&lt;script&gt;"));
        QVERIFY(html.contains("<bdi>"));
        QVERIFY(!html.contains("\xE2\x80\xAE"));
        QVERIFY(html.contains("&lt;U+202E&gt;"));
        QVERIFY(html.contains("&lt;0xFF&gt;"));
        QVERIFY(!html.contains('\x1b'));
        QVERIFY(QJsonDocument::fromJson(bytesOf(m_folder->filePath("report.json"))).isObject());
    }

    void shownTextIsHarmless()
    {
        QCOMPARE(shownText("plain"), QStringLiteral("plain"));
        QCOMPARE(shownText(""), QString{});
        QVERIFY(shownText("a\x02").contains(QChar{0x2402}));
        QCOMPARE(shownText("\xEF\xBF\xBE"), QStringLiteral("<U+FFFE>"));
        QCOMPARE(shownText("\xD8\xA7\xE0\xA4\xA8"), QStringLiteral("\u0627\u0928"));
    }

    void numbersInWords()
    {
        Number number{
            .id = "x", .title = "X", .unit = "bits", .value = 0.5, .low = 0.25, .high = 0.75, .chance = 0.125, .n = 12345, .of = "tokens"};
        QCOMPARE(numberWords(number), std::string{"0.5 bits [0.25, 0.75] (95 % interval), chance 0.125: above chance; n = 12,345 tokens"});
        number.chance = 0.3;
        QVERIFY(numberWords(number).find("not told apart from chance") != std::string::npos);
        number.chance = 2;
        QVERIFY(numberWords(number).find("below chance") != std::string::npos);
        number.low = number.high = number.chance = noNumber;
        QCOMPARE(numberWords(number), std::string{"0.5 bits; n = 12,345 tokens"});
    }

private:
    Outcome run(const QStringList &arguments, const QString &where = {})
    {
        QProcess process;
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.remove("QT_QPA_PLATFORM"); // the program finds out itself that there is no display
        environment.remove("XDG_RUNTIME_DIR");
        process.setProcessEnvironment(environment);
        process.setWorkingDirectory(m_folder->filePath(where));
        process.start(EXPERTSCOPE_PROGRAM, arguments);
        if (!process.waitForFinished(240000))
            return {};
        return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -2, process.readAllStandardOutput(),
            process.readAllStandardError()};
    }

    std::optional<QTemporaryDir> m_folder;
};

QTEST_MAIN(TestReport)
#include "test_report.moc"
