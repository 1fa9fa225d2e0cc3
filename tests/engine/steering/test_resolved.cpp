// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A recipe spelled out says the same: on a model it routes as the recipe did, and it is its own spelling.
#include "engine/families/families.h"
#include "engine/steering/resolved.h"
#include "golden.h"
#include "io/recipe.h"

#include <QTest>

#include <filesystem>

using namespace expertscope;

class TestResolved : public QObject {
    Q_OBJECT

    const ModelConfig m_config = configure(Golden{"qwen2_moe"}.files()->configJson, "{}"); ///< 4 layers, the second dense; 8 experts, k = 3

private slots:
    void nothingIsLeftToDefaults()
    {
        const Recipe out = resolved(
            parseRecipe(
                "{\"expertscope_recipe\": 1, \"edits\": ["
                "{\"op\": \"mask\", \"experts\": {\"*\": \"*\"}, \"enabled\": false},"
                "{\"op\": \"log-max\", \"experts\": {\"*\": [4, 2], \"3\": [2, 5, 7, 1]}, \"extra\": \"skip\", \"tokens\": \"prompt\"}],"
                "\"policies\": [{\"policy\": \"top-p\"}, {\"policy\": \"top-k\", \"enabled\": false}]}",
                "test"),
            m_config);
        QCOMPARE(out.edits.size(), std::size_t{1});
        const std::vector<LayerExperts> expected{{0, false, {4, 2}}, {2, false, {4, 2}}, {3, false, {4, 2, 5}}};
        QVERIFY(out.edits[0].experts == expected);
        QVERIFY(out.edits[0].settings == (ParamValues{{"epsilon", "0.01"}, {"extra", "skip"}}));
        QVERIFY(out.edits[0].tokens.kind == TokenSpan::Kind::Prompt);
        QCOMPARE(out.policies.size(), std::size_t{1});
        QCOMPARE(out.policies[0].layers, (std::vector<int>{0, 2, 3}));
        QVERIFY(out.policies[0].settings == (ParamValues{{"theta", "0.4"}, {"variant", "include-raw"}, {"k_max", "0"}, {"k_min", "1"}}));
    }

    void editsAreRowsOfATrace()
    {
        const std::vector<Intervention> rows = interventionRows(
            parseRecipe("{\"expertscope_recipe\": 1, \"edits\": ["
                        "{\"op\": \"add\", \"strength\": -1.5, \"experts\": {\"2\": [6, 1]}},"
                        "{\"op\": \"force-max\", \"experts\": {\"*\": [3]}, \"enabled\": false},"
                        "{\"op\": \"log-min\", \"experts\": {\"3\": [0]}},"
                        "{\"op\": \"bias\", \"vectors\": {\"0\": [0, 0.5, 0, 0, 0, 0, 0, 2]}}],"
                        "\"policies\": [{\"policy\": \"top-p\"}]}",
                "test"),
            m_config);
        std::vector<Intervention> expected{{2, 6, "add_bias", -1.5}, {2, 1, "add_bias", -1.5}, {3, 0, "log_min", 0}};
        for (int e = 0; e < 8; ++e)
            expected.push_back({0, e, "add_bias", e == 1 ? 0.5 : e == 7 ? 2 : 0});
        QVERIFY(rows == expected);
    }

    void itIsItsOwnSpelling()
    {
        for (const auto &entry : std::filesystem::directory_iterator{TEST_DATA_DIR "/steering/recipes"}) {
            const Recipe once = resolved(readRecipe(entry.path()), m_config);
            QVERIFY2(resolved(once, m_config) == once, entry.path().c_str());
            QVERIFY2(parseRecipe(recipeJson(once), "again") == once, entry.path().c_str());
        }
    }
};

QTEST_APPLESS_MAIN(TestResolved)
#include "test_resolved.moc"
