// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Recipe files: what is written is read again, broken ones name the field, and differences in words.
#include "error_check.h"
#include "io/recipe.h"

#include <QTemporaryDir>
#include <QTest>

using namespace expertscope;

namespace {

const std::string whole = "{\n"
                          "  \"expertscope_recipe\": 1,\n"
                          "  \"name\": \"French\",\n"
                          "  \"notes\": \"two edits\",\n"
                          "  \"model\": {\n"
                          "    \"id\": \"demo\",\n"
                          "    \"family\": \"olmoe\",\n"
                          "    \"layers\": 8,\n"
                          "    \"experts\": 16,\n"
                          "    \"top_k\": 4\n"
                          "  },\n"
                          "  \"edits\": [\n"
                          "    {\n"
                          "      \"op\": \"soft\",\n"
                          "      \"strength\": 0.5,\n"
                          "      \"experts\": {\n"
                          "        \"3\": [5, 1],\n"
                          "        \"*\": \"*\"\n"
                          "      },\n"
                          "      \"tokens\": {\n"
                          "        \"label\": \"language\",\n"
                          "        \"is\": \"fr\"\n"
                          "      },\n"
                          "      \"phase\": \"decode\"\n"
                          "    },\n"
                          "    {\n"
                          "      \"op\": \"bias\",\n"
                          "      \"strength\": -1,\n"
                          "      \"enabled\": false,\n"
                          "      \"vectors\": {\n"
                          "        \"3\": [0.1, -2, 1e-09]\n"
                          "      },\n"
                          "      \"tokens\": {\n"
                          "        \"pattern\": \"\\\\bé+\"\n"
                          "      }\n"
                          "    }\n"
                          "  ],\n"
                          "  \"policies\": [\n"
                          "    {\n"
                          "      \"policy\": \"top-k\",\n"
                          "      \"k\": 2,\n"
                          "      \"sum\": \"rescale\",\n"
                          "      \"layers\": [0, 2],\n"
                          "      \"tokens\": \"prompt\"\n"
                          "    }\n"
                          "  ],\n"
                          "  \"found\": {\n"
                          "    \"tau\": 0.30000000000000004,\n"
                          "    \"list\": [1, null]\n"
                          "  }\n"
                          "}\n";

/// The whole recipe with one piece replaced.
std::string with(const std::string &piece, const std::string &by)
{
    std::string text = whole;
    const auto at = text.find(piece);
    return at == std::string::npos ? "piece not found" : text.replace(at, piece.size(), by);
}

} // namespace

class TestRecipe : public QObject {
    Q_OBJECT
private slots:
    void aPositionIsReadAndWritten()
    {
        const auto at = [](const std::string &position) {
            return parseRecipe(
                "{\"expertscope_recipe\": 1, \"edits\": [{\"op\": \"exclude\", \"experts\": {\"1\": [2]}, \"tokens\": {\"position\": "
                    + position + "}}]}",
                "r.json");
        };
        const Recipe recipe = at("7");
        QCOMPARE(recipe.edits[0].tokens.kind, TokenSpan::Kind::Position);
        QCOMPARE(recipe.edits[0].tokens.position, 7);
        QCOMPARE(parseRecipe(recipeJson(recipe), "again.json"), recipe);
        for (const char *wrong : {"-1", "1.5", "\"7\"", "{}"})
            QVERIFY_EXCEPTION_THROWN(at(wrong), Error);
    }

    void readsWhatItMeans()
    {
        const Recipe recipe = parseRecipe(whole, "r.json");
        QCOMPARE(recipe.name, std::string{"French"});
        QCOMPARE(recipe.model.topK, 4);
        QCOMPARE(recipe.edits.size(), std::size_t{2});
        const Edit &soft = recipe.edits[0];
        QCOMPARE(soft.op, std::string{"soft"});
        QVERIFY(soft.enabled);
        QCOMPARE(soft.settings, (ParamValues{{"strength", "0.5"}}));
        QCOMPARE(soft.experts, (std::vector<LayerExperts>{{3, false, {5, 1}}, {everyLayer, true, {}}}));
        QCOMPARE(soft.tokens.kind, TokenSpan::Kind::Label);
        QCOMPARE(soft.tokens.value, std::string{"fr"});
        QCOMPARE(soft.phase, RunPhase::Decode);
        QVERIFY(!recipe.edits[1].enabled);
        QCOMPARE(recipe.edits[1].vectors.at(3), (std::vector<float>{0.1f, -2.0f, 1e-9f}));
        QCOMPARE(recipe.edits[1].tokens.pattern, std::string{"\\bé+"});
        QCOMPARE(recipe.policies[0].layers, (std::vector<int>{0, 2}));
        QCOMPARE(recipe.policies[0].tokens.kind, TokenSpan::Kind::Prompt);
        QCOMPARE(recipe.foundJson, std::string{"{\"tau\":0.30000000000000004,\"list\":[1,null]}"});
        QVERIFY(recipe.measuredJson.empty());
    }

    void writesWhatItRead()
    {
        QCOMPARE(QString::fromStdString(recipeJson(parseRecipe(whole, "r"))), QString::fromStdString(whole));
        const Recipe none = parseRecipe("{\"expertscope_recipe\": 1}", "r");
        QCOMPARE(none, Recipe{});
        QCOMPARE(parseRecipe(recipeJson(none), "r"), none);
    }

    void filesAppearWhole()
    {
        QTemporaryDir folder;
        const std::filesystem::path file = folder.filePath("r.json").toStdString();
        const Recipe recipe = parseRecipe(whole, "r");
        writeRecipe(recipe, file, false);
        QCOMPARE(readRecipe(file), recipe);
        expectInputError([&] { writeRecipe(recipe, file, false); }, "", "r.json");
        expectInputError([&] { readRecipe(folder.filePath("none.json").toStdString()); }, "", "none.json");
    }

    void brokenFilesNameTheField_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addColumn<std::string>("words");
        QTest::addColumn<std::string>("place");
        const auto row = [](const char *name, const std::string &text, const char *words, const char *place) {
            QTest::newRow(name) << text << std::string{words} << std::string{place};
        };
        row("nothing", "", "not a JSON object", "r.json");
        row("list", "[]", "not a JSON object", "r.json");
        row("cut", whole.substr(0, 300), "not a JSON object", "r.json");
        row("deep", std::string(100000, '['), "nested too deeply", "r.json");
        row("other file", "{\"name\": \"x\"}", "it is not a routing recipe", "r.json");
        row("version", with("recipe\": 1", "recipe\": 2"), "schema 1", "expertscope_recipe");
        row("unknown field", with("\"notes\"", "\"note\""), "no field of that name", "note");
        row("twice", with("\"notes\"", "\"name\""), "occurs twice", "name");
        row("layer twice", with("\"*\": \"*\"", "\"3\": [2]"), "occurs twice", "3");
        row("name", with("\"French\"", "7"), "not a text", "name");
        row("edits", "{\"expertscope_recipe\": 1, \"edits\": 3}", "not a list", "edits");
        row("no op", with("\"op\": \"soft\",", ""), "\"op\" is missing", "edits[0]");
        row("layer", with("\"3\": [5", "\"x\": [5"), "named by its number", "edits[0].experts.x");
        row("negative layer", with("\"3\": [5", "\"-3\": [5"), "named by its number", "edits[0].experts.-3");
        row("layer written otherwise", with("\"3\": [5", "\"03\": [5"), "named by its number", "edits[0].experts.03");
        row("expert", with("5, 1", "5, 1.5"), "whole number", "edits[0].experts.3[1]");
        row("huge expert", with("5, 1", "5, 99999999999999999999"), "whole number", "edits[0].experts.3[1]");
        row("negative expert", with("5, 1", "5, -1"), "whole number", "edits[0].experts.3[1]");
        row("experts", with("\"*\": \"*\"", "\"*\": \"all\""), "neither a list", "edits[0].experts.*");
        row("vector", with("1e-09", "\"1\""), "not a number", "edits[1].vectors.3[2]");
        row("large number", with("1e-09", "1e39"), "not a number", "edits[1].vectors.3[2]");
        row("vector of every layer", with("\"vectors\": {\n        \"3\"", "\"vectors\": {\n        \"*\""), "named by its number",
            "edits[1].vectors.*");
        row("flag", with("\"enabled\": false", "\"enabled\": 0"), "true or false", "edits[1].enabled");
        row("tokens", with("\"tokens\": \"prompt\"", "\"tokens\": \"first\""), "tokens are", "policies[0].tokens");
        row("label without value", with(",\n        \"is\": \"fr\"", ""), "\"is\" is missing", "edits[0].tokens");
        row("phase", with("\"decode\"", "\"later\""), "a phase is", "edits[0].phase");
        row("layers", with("[0, 2]", "2"), "neither a list", "policies[0].layers");
        row("setting", with("\"k\": 2", "\"k\": [2]"), "a setting is", "policies[0].k");
        row("found", with("\"found\": {", "\"measured\": 1, \"found\": {"), "not an object", "measured");
        row("bad UTF-8", with("French", "Fr\xff"), "not a JSON object", "r.json");
    }

    void brokenFilesNameTheField()
    {
        QFETCH(std::string, text);
        QFETCH(std::string, words);
        QFETCH(std::string, place);
        QVERIFY(text != "piece not found");
        expectInputError([&] { parseRecipe(text, "r.json"); }, words, place);
    }

    void differencesInWords()
    {
        const Recipe from = parseRecipe(whole, "r");
        Recipe to = from;
        QCOMPARE(recipeDifference(from, to), std::string{});
        to.edits[0].settings[0].second = "0.25";
        to.edits.pop_back();
        to.notes.clear();
        to.policies.push_back(to.policies[0]);
        const QString text = QString::fromStdString(recipeDifference(from, to));
        QVERIFY2(text.contains("edits/0/strength: 0.5 -> 0.25\n"), qPrintable(text));
        QVERIFY2(text.contains("- edits/1: {\"op\":\"bias\""), qPrintable(text));
        QVERIFY2(text.contains("- notes: \"two edits\"\n"), qPrintable(text));
        QVERIFY2(
            text.contains("+ policies/-: {\"policy\":\"top-k\"") || text.contains("+ policies/1: {\"policy\":\"top-k\""), qPrintable(text));
    }
};

QTEST_APPLESS_MAIN(TestRecipe)
#include "test_recipe.moc"
