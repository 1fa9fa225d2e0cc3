// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Tokenizers against the reference library on the torture strings of tests/data/tokenizers, and against broken files.
#include "engine/core/error.h"
#include "engine/core/utf8.h"
#include "engine/text/tokenizer.h"
#include "engine/text/unicode.h"

#include <nlohmann/json.hpp>

#include <QDir>
#include <QFile>
#include <QTest>

#include <random>
#include <sstream>

using namespace expertscope;
using Json = nlohmann::json;

namespace {

QString dataDir()
{
    return QStringLiteral(TEST_DATA_DIR "/tokenizers/");
}

std::string fileText(const QString &path)
{
    QFile file{path};
    if (!file.open(QIODevice::ReadOnly))
        qFatal("cannot open %s", qPrintable(path));
    return file.readAll().toStdString();
}

std::vector<std::string> lines(const QString &path)
{
    std::vector<std::string> out;
    std::istringstream in{fileText(path)};
    for (std::string line; std::getline(in, line);)
        out.push_back(line);
    return out;
}

std::vector<std::string> strings()
{
    std::vector<std::string> out;
    for (const std::string &line : lines(dataDir() + "strings.jsonl"))
        out.push_back(Json::parse(line).get<std::string>());
    return out;
}

std::vector<std::int32_t> ids(const std::string &line)
{
    std::vector<std::int32_t> out;
    std::istringstream in{line};
    for (std::int32_t id; in >> id;)
        out.push_back(id);
    return out;
}

std::string shown(const std::vector<std::int32_t> &ids, const Tokenizer &tokenizer)
{
    std::string text;
    for (const std::int32_t id : ids)
        text += std::to_string(id) + "'" + tokenizer.tokenBytes(id) + "' ";
    return text;
}

std::shared_ptr<const Tokenizer> load(const QString &kind)
{
    return Tokenizer::fromJson(fileText(dataDir() + kind + "/tokenizer.json"));
}

} // namespace

class TestTokenizer : public QObject {
    Q_OBJECT

private slots:
    void matchesReference_data()
    {
        QTest::addColumn<QString>("kind");
        for (const QString &kind : QDir{dataDir()}.entryList(QDir::Dirs | QDir::NoDotAndDotDot))
            QTest::newRow(qPrintable(kind)) << kind;
    }

    void matchesReference()
    {
        QFETCH(QString, kind);
        const auto tokenizer = load(kind);
        const std::vector<std::string> texts = strings();
        const std::vector<std::string> expected = lines(dataDir() + kind + "/ids.txt");
        const std::vector<std::string> decoded = lines(dataDir() + kind + "/decoded.jsonl");
        const std::vector<std::string> special = lines(dataDir() + kind + "/special_ids.txt");
        QVERIFY(texts.size() >= 2000);
        QCOMPARE(expected.size(), texts.size());
        QCOMPARE(decoded.size(), texts.size());
        int wrongIds = 0;
        int wrongText = 0;
        int wrongSpecial = 0;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            const std::vector<std::int32_t> want = ids(expected[i]);
            const std::vector<std::int32_t> got = tokenizer->encode(texts[i], false);
            if (got != want && ++wrongIds <= 5)
                qWarning().noquote() << "string" << i << QString::fromStdString(Json(texts[i]).dump()) << "\n  want"
                                     << QString::fromStdString(shown(want, *tokenizer)) << "\n  got "
                                     << QString::fromStdString(shown(got, *tokenizer));
            const Json text = Json::parse(decoded[i]);
            const std::string wantText = text.is_boolean() ? texts[i] : text.get<std::string>();
            const std::string gotText = tokenizer->decode(want);
            // Where bytes are not UTF-8 the library gives U+FFFD; we give the bytes.
            if (wellFormedUtf8(gotText) != wantText && ++wrongText <= 5)
                qWarning().noquote() << "decoding" << i << "want" << QString::fromStdString(Json(wantText).dump()) << "got"
                                     << QString::fromStdString(Json(wellFormedUtf8(gotText)).dump());
            if (i < special.size() && tokenizer->encode(texts[i], true) != ids(special[i]) && ++wrongSpecial <= 5)
                qWarning().noquote() << "with special tokens:" << i
                                     << QString::fromStdString(shown(tokenizer->encode(texts[i], true), *tokenizer));
        }
        QCOMPARE(wrongIds, 0);
        QCOMPARE(wrongText, 0);
        QCOMPARE(wrongSpecial, 0);
    }

    /// Byte-level tokenizers lose nothing: the bytes of the tokens are the bytes of the text.
    void byteLevelGivesBytesBack()
    {
        const auto tokenizer = load("gpt2");
        for (const std::string &text : strings()) {
            const std::vector<std::int32_t> tokens = tokenizer->encode(text, false);
            std::string joined;
            for (const std::int32_t id : tokens)
                joined += tokenizer->tokenBytes(id);
            const auto holds = [&](const char *token) { return text.find(token) != std::string::npos; };
            if (!holds("<|") && !holds("<mask>") && !holds("brücke")) // these added tokens take white space with them
                QCOMPARE(QString::fromStdString(Json(joined).dump()), QString::fromStdString(Json(text).dump()));
        }
    }

    void invalidUtf8IsDefined()
    {
        const std::string broken = "ab\xC3\x28\xE2\x82z\xF0\x9F\x92\xED\xA0\x80\xFF";
        for (const char *kind : {"gpt2", "llama2", "qwen"}) {
            const auto tokenizer = load(kind);
            QCOMPARE(tokenizer->encode(broken, false), tokenizer->encode(wellFormedUtf8(broken), false));
        }
        QCOMPARE(wellFormedUtf8("\xF0\x9F\x92z"), std::string{"\xEF\xBF\xBDz"});
        QCOMPARE(wellFormedUtf8("\xED\xA0\x80"), std::string{"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"});
        QVERIFY(firstInvalidUtf8(broken));
    }

    void randomBytesDoNotCrash()
    {
        std::mt19937 random{7};
        for (const QString &kind : QDir{dataDir()}.entryList(QDir::Dirs | QDir::NoDotAndDotDot)) {
            const auto tokenizer = load(kind);
            for (int i = 0; i < 200; ++i) {
                std::string bytes(random() % 60, '\0');
                for (char &byte : bytes)
                    byte = static_cast<char>(random() & 0xff);
                const auto tokens = tokenizer->encode(bytes, true);
                for (const std::int32_t id : tokens)
                    QVERIFY(id >= 0 && id < tokenizer->vocabSize());
                tokenizer->decode(tokens);
            }
        }
    }

    /// A SentencePiece-style text is one piece: merging must not be quadratic.
    void longTextIsFast()
    {
        std::string text;
        for (int i = 0; i < 40000; ++i)
            text += "word ";
        QVERIFY(load("llama2")->encode(text, false).size() > 1000);
    }

    void unknownIds()
    {
        const auto tokenizer = load("gpt2");
        QCOMPARE(tokenizer->tokenBytes(-1), std::string{});
        QCOMPARE(tokenizer->tokenBytes(1'000'000), std::string{});
        QCOMPARE(tokenizer->decode(std::vector<std::int32_t>{-5, 2'000'000}), std::string{});
    }

    void brokenFiles_data()
    {
        QTest::addColumn<QByteArray>("json");
        QTest::addColumn<QString>("says");
        const auto row = [](const char *name, const char *json, const char *says) {
            QTest::newRow(name) << QByteArray{json}.replace('\'', '"') << QString{says};
        };
        row("empty", "", "not a JSON object");
        row("not json", "{\"model\":", "not a JSON object");
        row("array", "[]", "not a JSON object");
        row("no model", "{}", "\"model\" is missing");
        row("wordpiece", "{'model':{'type':'WordPiece','vocab':{'a':0}}}", "WordPiece");
        row("unigram", "{'model':{'type':'Unigram','vocab':[['a',0]]}}", "Unigram");
        row("no vocab", "{'model':{'type':'BPE','merges':[]}}", "\"vocab\" is missing");
        row("vocab is a list", "{'model':{'type':'BPE','vocab':[],'merges':[]}}", "\"vocab\"");
        row("negative id", "{'model':{'type':'BPE','vocab':{'a':-1},'merges':[]}}", "the id of \"a\"");
        row("huge id", "{'model':{'type':'BPE','vocab':{'a':4000000000},'merges':[]}}", "the id of \"a\"");
        row("text id", "{'model':{'type':'BPE','vocab':{'a':'x'},'merges':[]}}", "the id of \"a\"");
        row("merge outside", "{'model':{'type':'BPE','vocab':{'a':0,'b':1},'merges':['a b']}}", "\"ab\" is not in the vocabulary");
        row("merge of three", "{'model':{'type':'BPE','vocab':{'a':0},'merges':['a a a']}}", "not a pair");
        row("unk missing", "{'model':{'type':'BPE','vocab':{'a':0},'merges':[],'unk_token':'<unk>'}}", "<unk>");
        row("bad regex",
            "{'pre_tokenizer':{'type':'Split','pattern':{'Regex':'(('},'behavior':'Isolated'},'model':{'type':'BPE','vocab':{'a':0},'"
            "merges':[]}}",
            "does not compile");
        row("behaviour",
            "{'pre_tokenizer':{'type':'Split','pattern':{'String':'a'},'behavior':'No'},'model':{'type':'BPE','vocab':{'a':0},'merges':[]}"
            "}",
            "\"behavior\"");
        row("normalizer", "{'normalizer':{'type':'Precompiled'},'model':{'type':'BPE','vocab':{'a':0},'merges':[]}}", "Precompiled");
        row("decoder", "{'decoder':{'type':'CTC'},'model':{'type':'BPE','vocab':{'a':0},'merges':[]}}", "CTC");
        row("post", "{'post_processor':{'type':'X'},'model':{'type':'BPE','vocab':{'a':0},'merges':[]}}", "\"X\"");
        row("added", "{'added_tokens':{},'model':{'type':'BPE','vocab':{'a':0},'merges':[]}}", "added_tokens");
        row("added without content", "{'added_tokens':[{'id':1}],'model':{'type':'BPE','vocab':{'a':0},'merges':[]}}",
            "\"content\" is missing");
        row("post-processor adds an unknown token",
            "{'post_processor':{'type':'BertProcessing','cls':['[CLS]',0],'sep':['[SEP]',1]},'model':{'type':'BPE','vocab':{'a':0},'merges'"
            ":[]}}",
            "the token 1, which does not exist");
        const std::string deep = "{'model':" + std::string(200'000, '[') + std::string(200'000, ']') + "}";
        row("pattern that splits characters",
            "{'pre_tokenizer':{'type':'Split','pattern':{'Regex':'\\\\C'},'behavior':'Isolated'},'model':{'type':'BPE','vocab':{'a':0},'"
            "merges':[]}}",
            "does not compile");
        row("nested without end", deep.c_str(), "nested too deeply");
    }

    void replacementsWithoutEnd()
    {
        Json step{{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(100, 'a')}};
        const Json file{{"model", {{"type", "BPE"}, {"vocab", {{"a", 0}}}, {"merges", Json::array()}}},
            {"normalizer", {{"type", "Sequence"}, {"normalizers", Json(5, step)}}}};
        QVERIFY_EXCEPTION_THROWN(Tokenizer::fromJson(file.dump())->encode("aaaa", false), Error);
        step["content"] = std::string(200'000, 'a');
        const Json single{{"model", file["model"]}, {"normalizer", step}};
        QVERIFY_EXCEPTION_THROWN(Tokenizer::fromJson(single.dump())->encode(std::string(10'000, 'a'), false), Error);
    }

    void brokenFiles()
    {
        QFETCH(QByteArray, json);
        QFETCH(QString, says);
        try {
            Tokenizer::fromJson(json.toStdString());
            QFAIL("accepted");
        } catch (const Error &error) {
            QVERIFY2(QString::fromStdString(error.what()).contains(says), error.what());
            QVERIFY(!error.where.empty());
            QVERIFY(!error.remedy.empty());
        }
    }
};

QTEST_APPLESS_MAIN(TestTokenizer)
#include "test_tokenizer.moc"
