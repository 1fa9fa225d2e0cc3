// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a model is examined with: the three sorts of file, what is refused; and the file that scores are kept in.
#include "io/eval_data.h"
#include "io/line_log.h"
#include "tests/io/error_check.h"

#include <QTemporaryDir>

using namespace expertscope;

namespace {

EvalData jsonl(std::string_view text)
{
    return parseEvalData(text, CorpusFormat::Jsonl, "d.jsonl");
}

std::string different(std::string_view)
{
    return "another header";
}

} // namespace

class TestEvalData : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    std::string bytes(const std::string &path)
    {
        QFile file{QString::fromStdString(path)};
        return file.open(QIODevice::ReadOnly) ? file.readAll().toStdString() : "absent";
    }

private slots:
    void multipleChoice()
    {
        const EvalData data =
            jsonl("{\"question\": \"2+2?\", \"choices\": [\"3\", \"4\"], \"answer\": 1, \"language\": \"en\", \"topic\": \"sums\"}\n"
                  "{\"prompt\": \"B?\", \"choices\": [\"b\", \"B\", 7], \"answer\": \"B\", \"language\": \"de\"}\n"
                  "{\"question\": \"C?\", \"choices\": [\"x\", \"y\", \"z\"], \"answer\": \"C\"}\n");
        QCOMPARE(data.kind, EvalKind::Choice);
        QCOMPARE(data.tasks.size(), std::size_t{3});
        QCOMPARE(data.tasks[0].answer, std::size_t{1});
        QCOMPARE(data.tasks[1].answer, std::size_t{1}); // the text before the letter
        QCOMPARE(data.tasks[1].choices[2], std::string{"7"});
        QCOMPARE(data.tasks[2].answer, std::size_t{2});
        QCOMPARE(data.corpus.rows[0].prompt, std::string{"2+2?"});
        QCOMPARE(data.corpus.rows[1].language, std::string{"de"});
        QCOMPARE(data.corpus.labelColumns, std::vector<std::string>{"topic"});
        QVERIFY(!data.corpus.sha256.empty());
    }

    void generation()
    {
        const EvalData data =
            jsonl("{\"prompt\": \"Two plus two is\", \"answer\": [\"4\", \"four\"]}\n{\"question\": \"1+1=\", \"answer\": 2}\n");
        QCOMPARE(data.kind, EvalKind::Generation);
        QCOMPARE(data.tasks[0].answers, (std::vector<std::string>{"4", "four"}));
        QCOMPARE(data.tasks[1].answers, std::vector<std::string>{"2"});
    }

    void anythingElseIsACorpus()
    {
        QCOMPARE(jsonl("{\"text\": \"a\", \"answer\": \"label\", \"list\": [1, 2]}\n").kind, EvalKind::Text);
        QCOMPARE(
            jsonl("{\"text\": \"a\", \"answer\": \"label\", \"list\": [1, 2]}\n").corpus.labelColumns, std::vector<std::string>{"answer"});
        QCOMPARE(jsonl("{\"prompt\": \"a\", \"continuation\": \"b\"}\n").kind, EvalKind::Text);
        QCOMPARE(parseEvalData("one\ntwo\n", CorpusFormat::PlainText, "t.txt").corpus.rows.size(), std::size_t{2});
    }

    void refused_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("words");
        const auto bad = [](const char *text, const char *words) { QTest::newRow(text) << QByteArray{text} << QByteArray{words}; };
        bad("{\"question\": \"q\", \"choices\": [\"a\"], \"answer\": 0}", "1 choices");
        bad("{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": 2}", "none of the 2");
        bad("{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": -1}", "none of the 2");
        bad("{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": 0.5}", "none of the 2");
        bad("{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": true}", "none of the 2");
        bad("{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": [0]}", "none of the 2");
        bad("{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": \"C\"}", "none of the 2");
        bad("{\"question\": \"q\", \"choices\": [\"a\", \"a\"], \"answer\": \"a\"}", "none of the 2"); // which of them?
        bad("{\"question\": \"q\", \"choices\": [\"a\", \"b\"]}", "no answer");
        bad("{\"question\": \"q\", \"choices\": [\"a\", \"\"], \"answer\": 0}", "choice is empty");
        bad("{\"question\": \"q\", \"choices\": [\"a\", null], \"answer\": 0}", "choice is empty");
        bad("{\"question\": \"q\", \"prompt\": \"p\", \"choices\": [\"a\", \"b\"], \"answer\": 0}", "both a question and a prompt");
        bad("{\"choices\": [\"a\", \"b\"], \"answer\": 0}", "no column");
        bad("{\"question\": \"\", \"choices\": [\"a\", \"b\"], \"answer\": 0}", "empty");
        bad("{\"prompt\": \"p\", \"answer\": []}", "answers is empty");
        bad("{\"prompt\": \"p\", \"answer\": \"\"}", "answer is empty");
        bad("{\"question\": \"q\", \"choices\": [\"a\", [\"b\"]], \"answer\": 0}", "no column"); // no list of texts, hence no choices
    }
    void refused()
    {
        QFETCH(const QByteArray, text);
        QFETCH(const QByteArray, words);
        if (words == "no column" && text.contains("[\"b\"]")) {
            QCOMPARE(jsonl(text.toStdString()).kind, EvalKind::Generation); // a question with an answer is left
            return;
        }
        expectInputError([&] { jsonl(text.toStdString()); }, words.toStdString(), "d.jsonl:1");
    }

    void rowsOfAnotherSort()
    {
        const std::string choice = "{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": 0}\n";
        const std::string asked = "{\"prompt\": \"p\", \"answer\": \"a\"}\n";
        const std::string text = "{\"text\": \"t\"}\n";
        expectInputError([&] { jsonl(choice + text); }, "began as multiple choice", "d.jsonl:2");
        expectInputError([&] { jsonl(asked + choice); }, "began as generation", "d.jsonl:2");
        expectInputError([&] { jsonl(text + choice); }, "is multiple choice", "d.jsonl:2");
        expectInputError([&] { jsonl(asked + text); }, "began as generation", "d.jsonl:2");
    }

    void aLogGoesOnWhereItWas()
    {
        const std::string path = m_folder.filePath("log").toStdString();
        {
            LineLog log{path, "header", different};
            QVERIFY(log.lines().empty() && !log.wasCut());
            log.append("one\ntwo\n");
            expectInputError([&] { LineLog second(path, "header", different); }, "another program", path);
        }
        {
            LineLog log{path, "header", different};
            QCOMPARE(log.lines(), (std::vector<std::string>{"one", "two"}));
            QCOMPARE(log.where(1), path + ":3");
            log.append("thr");
        }
        {
            LineLog log{path, "header", different};
            QVERIFY(log.wasCut());
            QCOMPARE(log.lines().size(), std::size_t{2});
            log.append("three\n");
        }
        QCOMPARE(bytes(path), std::string{"header\none\ntwo\nthree\n"});
    }

    void aForeignFileIsKept()
    {
        const std::string path = m_folder.filePath("foreign").toStdString();
        for (const char *content : {"other\n", "other", "headerr\n", "head\nx\n"}) {
            expertscope::writeFile(path, content);
            try {
                LineLog log{path, "header", different};
                QFAIL(content);
            } catch (const Error &error) {
                QCOMPARE(error.kind, ErrorKind::Check);
                QCOMPARE(error.message, std::string{"another header"});
            }
            QCOMPARE(bytes(path), std::string{content});
        }
        expertscope::writeFile(path, "head"); // cut off inside the header
        QVERIFY((LineLog{path, "header", different}.wasCut()));
        QCOMPARE(bytes(path), std::string{"header\n"});
        expectInputError([&] { LineLog log(m_folder.filePath("no/folder").toStdString(), "h", different); }, "cannot open", "folder");
    }
};

QTEST_APPLESS_MAIN(TestEvalData)
#include "test_eval_data.moc"
