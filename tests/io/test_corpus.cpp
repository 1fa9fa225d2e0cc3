// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/utf8.h"
#include "io/corpus.h"
#include "io/corpus_rows.h"
#include "io/sha256.h"
#include "io/utf8.h"
#include "tests/io/error_check.h"

#include <QTemporaryDir>

#include <sys/stat.h>
#include <thread>

using namespace expertscope;
using namespace std::string_literals;

namespace {

Corpus jsonl(std::string_view text)
{
    return parseCorpus(text, CorpusFormat::Jsonl, "c.jsonl");
}

Corpus csv(std::string_view text)
{
    return parseCorpus(text, CorpusFormat::Csv, "c.csv");
}

std::vector<std::string> prompts(const Corpus &corpus)
{
    std::vector<std::string> texts;
    for (const CorpusRow &row : corpus.rows)
        texts.push_back(row.prompt);
    return texts;
}

} // namespace

class TestCorpus : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    std::string path(const char *name) const { return m_folder.filePath(name).toStdString(); }

private slots:
    void formatByExtension();
    void jsonlColumns();
    void jsonlLabelsOfEveryKind();
    void csvColumns();
    void csvQuoting();
    void tsv();
    void plainText();
    void byteOrderMarksAndLineEnds();
    void promptAndContinuation();
    void idsAreRowNumbersWhereNotGiven();
    void brokenRows_data();
    void brokenRows();
    void rowLimit();
    void tooManyLabelColumns();
    void cutsOfTheStreamDoNotMatter();
    void readsFilesAndPipes();
    void filesThatCannotBeRead();
    void utf8_data();
    void utf8();
    void foreignBytesInMessages();
};

void TestCorpus::formatByExtension()
{
    QCOMPARE(corpusFormat("a.jsonl"), CorpusFormat::Jsonl);
    QCOMPARE(corpusFormat("a.json"), CorpusFormat::Jsonl);
    QCOMPARE(corpusFormat("a.b.CSV"), CorpusFormat::Csv);
    QCOMPARE(corpusFormat("a.tsv"), CorpusFormat::Tsv);
    QCOMPARE(corpusFormat("a.txt"), CorpusFormat::PlainText);
    QCOMPARE(corpusFormat("README"), CorpusFormat::PlainText);
}

void TestCorpus::jsonlColumns()
{
    const Corpus corpus = jsonl(R"({"id":"x","text":"Grüß Gott \ud83d\ude42","language":"de","domain":"prose","parallel_id":"p1"}

   {"text":"two","id":7,"parallel_id":1}
)");
    QCOMPARE(corpus.source, "c.jsonl"s);
    QCOMPARE(corpus.rows.size(), std::size_t{2});
    QCOMPARE(corpus.rows[0].id, "x"s);
    QCOMPARE(corpus.rows[0].prompt, "Grüß Gott 🙂"s);
    QCOMPARE(corpus.rows[0].continuation, ""s);
    QCOMPARE(corpus.rows[0].language, "de"s);
    QCOMPARE(corpus.rows[0].domain, "prose"s);
    QCOMPARE(corpus.rows[0].parallelId, "p1"s);
    QCOMPARE(corpus.rows[1].id, "7"s);
    QCOMPARE(corpus.rows[1].parallelId, "1"s);
    QVERIFY(corpus.labelColumns.empty());
}

void TestCorpus::jsonlLabelsOfEveryKind()
{
    const Corpus corpus = jsonl(
        R"({"text":"a","word":"w","whole":-3,"large":18446744073709551615,"real":0.10,"yes":true,"none":null,"list":[1,{"x":2}],"map":{"y":[]}}
{"text":"b","late":"l","yes":false}
)");
    QCOMPARE(corpus.labelColumns, (std::vector<std::string>{"word", "whole", "large", "real", "yes", "late"}));
    QCOMPARE(corpus.rows[0].labels, (std::vector<std::string>{"w", "-3", "18446744073709551615", "0.10", "true", ""}));
    QCOMPARE(corpus.rows[1].labels, (std::vector<std::string>{"", "", "", "", "false", "l"}));
}

void TestCorpus::csvColumns()
{
    const Corpus corpus = csv("id,text,language,source,parallel_id\nr1,hello,en,web,s1\nr2,bonjour,fr,,s1\n");
    QCOMPARE(corpus.labelColumns, std::vector<std::string>{"source"});
    QCOMPARE(prompts(corpus), (std::vector<std::string>{"hello", "bonjour"}));
    QCOMPARE(corpus.rows[1].language, "fr"s);
    QCOMPARE(corpus.rows[1].labels, std::vector<std::string>{""});
    QCOMPARE(corpus.rows[0].parallelId, corpus.rows[1].parallelId);
}

void TestCorpus::csvQuoting()
{
    const Corpus corpus = csv("text,note\r\n\"a, \"\"b\"\"\",x\r\n\"line one\nline two\r\nline three\",\"\"\r\n\"\"\"\",y");
    QCOMPARE(prompts(corpus), (std::vector<std::string>{"a, \"b\"", "line one\nline two\r\nline three", "\""}));
    QCOMPARE(corpus.rows[2].labels[0], "y"s);
    QCOMPARE(prompts(csv("text\nonly\n\n  \nlast")), (std::vector<std::string>{"only", "last"}));
    QCOMPARE(csv("text,a,b\nx,,\n").rows[0].labels, (std::vector<std::string>{"", ""}));
}

void TestCorpus::tsv()
{
    const Corpus corpus = parseCorpus("text\tlanguage\none, two\ten\n\"tab\there\"\tde\n", CorpusFormat::Tsv, "c.tsv");
    QCOMPARE(prompts(corpus), (std::vector<std::string>{"one, two", "tab\there"}));
    QCOMPARE(corpus.rows[1].language, "de"s);
}

void TestCorpus::plainText()
{
    const Corpus corpus = parseCorpus("first\n\n \t \n  second, \"quoted\"  \n{\"text\":1}", CorpusFormat::PlainText, "c.txt");
    QCOMPARE(prompts(corpus), (std::vector<std::string>{"first", "  second, \"quoted\"  ", "{\"text\":1}"}));
    QCOMPARE(corpus.rows[2].id, "3"s);
}

void TestCorpus::byteOrderMarksAndLineEnds()
{
    QCOMPARE(prompts(csv("\xEF\xBB\xBFtext\r\na\r\nb\r\n")), (std::vector<std::string>{"a", "b"}));
    QCOMPARE(prompts(jsonl("\xEF\xBB\xBF{\"text\":\"a\"}\r\n{\"text\":\"b\"}\r\n")), (std::vector<std::string>{"a", "b"}));
    QCOMPARE(prompts(parseCorpus("\xEF\xBB\xBF"
                                 "a\r\nb",
                 CorpusFormat::PlainText, "c.txt")),
        (std::vector<std::string>{"a", "b"}));
    // Only the first one is a mark; further on it is a character of the text.
    QCOMPARE(prompts(parseCorpus("a\n\xEF\xBB\xBF"
                                 "b\n",
                 CorpusFormat::PlainText, "c.txt"))[1],
        "\xEF\xBB\xBF"
        "b"s);
}

void TestCorpus::promptAndContinuation()
{
    const Corpus corpus = jsonl(R"({"prompt":"Two and two is","continuation":" four."}
{"prompt":"alone"}
{"prompt":"","continuation":"answer only"})");
    QCOMPARE(corpus.rows[0].text(), "Two and two is four."s);
    QCOMPARE(corpus.rows[0].continuation, " four."s);
    QCOMPARE(corpus.rows[1].text(), "alone"s);
    QCOMPARE(corpus.rows[2].text(), "answer only"s);
    QCOMPARE(csv("continuation,prompt\nb,a\n").rows[0].text(), "ab"s);
}

void TestCorpus::idsAreRowNumbersWhereNotGiven()
{
    const Corpus corpus =
        jsonl("\n{\"text\":\"a\"}\n\n{\"text\":\"b\",\"id\":\"own\"}\n{\"text\":\"c\",\"id\":null}\n{\"text\":\"d\",\"id\":\"\"}");
    QCOMPARE(corpus.rows[0].id, "1"s);
    QCOMPARE(corpus.rows[1].id, "own"s);
    QCOMPARE(corpus.rows[2].id, "3"s);
    QCOMPARE(corpus.rows[3].id, "4"s);
    expectInputError([] { jsonl("{\"text\":\"a\",\"id\":\"2\"}\n{\"text\":\"b\"}"); }, "already", "c.jsonl:2");
}

void TestCorpus::brokenRows_data()
{
    QTest::addColumn<int>("format");
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QString>("words");
    QTest::addColumn<QString>("place");
    const auto add = [](CorpusFormat format, const char *name, const std::string &bytes, const char *words, const char *place) {
        QTest::newRow(name) << static_cast<int>(format) << QByteArray::fromStdString(bytes) << words << place;
    };
    const auto json = CorpusFormat::Jsonl;
    const auto table = CorpusFormat::Csv;
    const auto plain = CorpusFormat::PlainText;
    const std::string good = "{\"text\":\"good\"}\n";

    add(json, "json: empty file", "", "no rows", "c");
    add(json, "json: blank lines only", "\n \n\r\n", "no rows", "c");
    add(json, "json: mark only", "\xEF\xBB\xBF", "no rows", "c");
    add(json, "json: broken line", good + "\n{\"text\":\"a\"\n", "broken at byte", "c:3");
    add(json, "json: two objects in a line", good + "{\"text\":\"a\"} {\"text\":\"b\"}", "broken at byte", "c:2");
    add(json, "json: an array of objects", "[\n{\"text\":\"a\"}\n]", "not a JSON object", "c:1");
    add(json, "json: a number", "5", "not a JSON object", "c:1");
    add(json, "json: raw zero byte", good + "{\"text\":\"a\"}\0 x"s, "zero", "c:2");
    add(json, "json: invalid UTF-8", good + "{\"text\":\"abc\xFF\"}", "byte 13 of the row (0xFF) is not UTF-8", "c:2");
    add(json, "json: lone surrogate", "{\"text\":\"\\ud800\"}", "broken", "c:1");
    add(json, "json: number too large", "{\"text\":\"a\",\"x\":1e999}", "broken", "c:1");
    add(json, "json: text is a number", "{\"text\":5}", "\"text\" is not text", "c:1");
    add(json, "json: language is a bool", "{\"text\":\"a\",\"language\":true}", "\"language\" is not text", "c:1");
    add(json, "json: text is null", "{\"text\":null,\"title\":\"t\"}", "no column \"text\" or \"prompt\", only \"title\"", "c:1");
    add(json, "json: text is a list", "{\"text\":[\"a\"]}", "no column", "c:1");
    add(json, "json: no text", "{\"sentence\":\"a\",\"lang\":\"en\"}", "only \"sentence\", \"lang\"", "c:1");
    add(json, "json: empty object", "{}", "an empty row", "c:1");
    add(json, "json: empty text", good + "{\"text\":\"\"}", "empty", "c:2");
    add(json, "json: text and prompt", "{\"text\":\"a\",\"prompt\":\"b\"}", "both", "c:1");
    add(json, "json: text and continuation", "{\"text\":\"a\",\"continuation\":\"b\"}", "both", "c:1");
    add(json, "json: continuation alone", "{\"continuation\":\"b\"}", "no column", "c:1");
    add(json, "json: key twice", "{\"text\":\"a\",\"text\":\"b\"}", "occurs twice", "c:1");
    add(json, "json: id twice", good + "{\"text\":\"a\",\"id\":\"q\"}\n{\"text\":\"b\",\"id\":\"q\"}", "\"q\" is already that of c:2",
        "c:3");
    add(json, "json: zero character in a label", "{\"text\":\"a\",\"x\":\"\\u0000\"}", "zero character", "c:1");
    add(json, "json: deep nesting", "{\"text\":\"a\",\"x\":" + std::string(100'000, '[') + "}", "nested deeper", "c:1");

    add(table, "csv: empty file", "", "no rows", "c");
    add(table, "csv: header only", "text,id\n", "no rows", "c");
    add(table, "csv: no header", "hello world,en\nbonjour,fr\n", "no column", "c:2");
    add(table, "csv: too few fields", "text,language\na,en\nb\n", "1 fields, but the header has 2", "c:3");
    add(table, "csv: too many fields", "text,language\na,b,en\n", "3 fields, but the header has 2", "c:2");
    add(table, "csv: column twice", "text,text\na,b\n", "two of the same name", "c:1");
    add(table, "csv: column without name", "text,\na,b\n", "without a name", "c:1");
    add(table, "csv: text and prompt", "text,prompt\na,b\n", "both", "c:2");
    add(table, "csv: quote in an unquoted field", "text\n5\" disk\n", "inside the unquoted field", "c:2");
    add(table, "csv: text after the closing quote", "text\n\"Hello,\" he said\n", "follows the closing", "c:2");
    add(table, "csv: quote never closed", "text\na\n\"b\nc\n", "never closed", "c:3");
    add(table, "csv: line counted inside quotes", "text,n\n\"a\nb\nc\",1\nd\n", "1 fields", "c:5");
    add(table, "csv: invalid UTF-8", "text\ngood\nbad\xC3\n", "byte 4 of the row (0xC3)", "c:3");
    add(table, "csv: invalid UTF-8 in quotes", "text\n\"x\ny\xE2\x82\"\n", "byte 5 of the row (0xE2)", "c:2");
    add(table, "csv: zero byte", "text\na\0b\n"s, "not a text file", "c:2");
    add(table, "csv: empty text", "text,language\n,en\n", "text is empty", "c:2");
    add(table, "csv: 300 columns", "text" + std::string(300, ','), "more than 256", "c:1");

    add(plain, "text: empty file", "", "no rows", "c");
    add(plain, "text: UTF-16", "\xFF\xFEh\0i\0"s, "byte 1 of the row (0xFF) is not UTF-8", "c:1");
    add(plain, "text: UTF-16 without mark", "h\0i\0"s, "not a text file", "c:1");
    add(plain, "text: Latin-1", "ok\ncaf\xE9\n", "byte 4 of the row (0xE9)", "c:2");
}

void TestCorpus::brokenRows()
{
    QFETCH(int, format);
    QFETCH(QByteArray, bytes);
    QFETCH(QString, words);
    QFETCH(QString, place);
    expectInputError(
        [&] { parseCorpus(bytes.toStdString(), static_cast<CorpusFormat>(format), "c"); }, words.toStdString(), place.toStdString());
}

void TestCorpus::rowLimit()
{
    const std::string longest(9'999'999, 'x');
    QCOMPARE(parseCorpus("a\n" + longest + "\nb", CorpusFormat::PlainText, "c").rows[1].prompt.size(), longest.size());
    expectInputError([&] { parseCorpus("a\n" + longest + "x\nb", CorpusFormat::PlainText, "c"); }, "10 MB", "c:2");
    expectInputError([&] { parseCorpus("{\"text\":\"" + longest + "\"}", CorpusFormat::Jsonl, "c"); }, "10 MB", "c:1");
    expectInputError([&] { parseCorpus("text\n\"" + std::string(10'000'000, '\n') + "\"\n", CorpusFormat::Csv, "c"); }, "10 MB", "c:2");
    // A line without end is given up long before it is over.
    CorpusRows rows{CorpusFormat::Jsonl, "c", [](auto &, const auto &) {}};
    const std::string block(1'000'000, ' ');
    int fed = 0;
    expectInputError(
        [&] {
            for (; fed < 1000; ++fed)
                rows.feed(block);
        },
        "10 MB", "c:1");
    QCOMPARE(fed, 9);
}

void TestCorpus::tooManyLabelColumns()
{
    std::string text;
    for (int i = 0; i < 32; ++i)
        text += "{\"text\":\"a\",\"column" + std::to_string(i) + "\":1}\n";
    QCOMPARE(jsonl(text).labelColumns.size(), std::size_t{32});
    expectInputError(
        [&] { jsonl(text + "{\"text\":\"a\",\"one more\":1}\n"); }, "\"one more\" would be label column number 33", "c.jsonl:33");
}

void TestCorpus::cutsOfTheStreamDoNotMatter()
{
    const std::string text = "\xEF\xBB\xBFtext,n\r\n\"a\n\"\"b\"\"\",1\r\n\r\nz\xC3\xA9,2\r\n\"\",\"3\"";
    const auto collect = [&](std::size_t step) {
        std::vector<std::string> seen;
        CorpusRows rows{CorpusFormat::Csv, "c", [&](std::vector<CorpusField> &fields, const std::string &where) {
                            for (const CorpusField &field : fields)
                                seen.push_back(where + "|" + std::string{field.name} + "|" + field.value);
                        }};
        for (std::size_t at = 0; at < text.size(); at += step)
            rows.feed(std::string_view{text}.substr(at, step));
        rows.finish();
        return seen;
    };
    const std::vector<std::string> whole = collect(text.size());
    QCOMPARE(whole, (std::vector<std::string>{"c:2|text|a\n\"b\"", "c:2|n|1", "c:5|text|zé", "c:5|n|2", "c:6|text|", "c:6|n|3"}));
    for (std::size_t step = 1; step < text.size(); ++step)
        QCOMPARE(collect(step), whole);
}

void TestCorpus::readsFilesAndPipes()
{
    std::string text;
    for (int i = 0; i < 100'000; ++i)
        text += "{\"text\":\"sentence number " + std::to_string(i) + "\"}\n";
    writeFile(path("large.jsonl"), text);
    const Corpus corpus = readCorpus(path("large.jsonl"));
    QCOMPARE(corpus.rows.size(), std::size_t{100'000});
    QCOMPARE(corpus.rows.back().prompt, "sentence number 99999"s);
    QCOMPARE(corpus.source, path("large.jsonl"));
    QCOMPARE(corpus.sha256, sha256(text));

    QCOMPARE(::mkfifo(path("pipe.txt").c_str(), 0600), 0);
    std::jthread writer{[&] { writeFile(path("pipe.txt"), "one\ntwo\n"); }};
    QCOMPARE(prompts(readCorpus(path("pipe.txt"))), (std::vector<std::string>{"one", "two"}));
}

void TestCorpus::filesThatCannotBeRead()
{
    expectInputError([&] { readCorpus(path("absent.jsonl")); }, "no such file", "absent.jsonl");
    expectInputError([&] { readCorpus(m_folder.path().toStdString()); }, "folder", m_folder.path().toStdString());
    writeFile(path("empty.csv"), "");
    expectInputError([&] { readCorpus(path("empty.csv")); }, "no rows", "empty.csv");
    writeFile(path("bad.csv"), "text\nok\n\x80\n");
    expectInputError([&] { readCorpus(path("bad.csv")); }, "byte 1 of the row (0x80)", path("bad.csv") + ":3");
}

void TestCorpus::utf8_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("invalidAt"); // -1 = well-formed
    const auto add = [](const char *name, const std::string &bytes, int invalidAt) {
        QTest::newRow(name) << QByteArray::fromStdString(bytes) << invalidAt;
    };
    add("empty", "", -1);
    add("all lengths", "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x99\x82", -1);
    add("zero", "\0"s, -1);
    add("largest code point", "\xF4\x8F\xBF\xBF", -1);
    add("noncharacter", "\xEF\xBF\xBF", -1);
    add("above the largest", "x\xF4\x90\x80\x80", 1);
    add("five-byte form", "\xF8\x88\x80\x80\x80", 0);
    add("overlong slash", "ab\xC0\xAF", 2);
    add("overlong three bytes", "\xE0\x80\xAF", 0);
    add("surrogate", "\xED\xA0\x80", 0);
    add("trail byte alone", "a\x80", 1);
    add("cut at the end", "ab\xE2\x82", 2);
    add("cut in the middle", "\xE2\x82x", 0);
}

void TestCorpus::utf8()
{
    QFETCH(QByteArray, bytes);
    QFETCH(int, invalidAt);
    const std::optional<std::size_t> found = firstInvalidUtf8(bytes.toStdString());
    QCOMPARE(found ? static_cast<int>(*found) : -1, invalidAt);
}

void TestCorpus::foreignBytesInMessages()
{
    QCOMPARE(shown("plain 🙂"), "\"plain 🙂\""s);
    QCOMPARE(shown("a\nb\x1B[31m\xFFz"), "\"a\uFFFDb\uFFFD[31m\uFFFDz\""s);
    const std::string cut = shown(std::string(1000, 'x'));
    QVERIFY(cut.size() < 100 && cut.ends_with("…\""));
    QVERIFY(!firstInvalidUtf8(shown(std::string(79, 'x') + "€€€")));
}

QTEST_GUILESS_MAIN(TestCorpus)
#include "test_corpus.moc"
