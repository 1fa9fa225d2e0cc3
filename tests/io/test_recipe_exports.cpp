// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What a recipe becomes for other tools: the Python script, which is text that must not let in more than the recipe says, and files of
// vectors, read back. That the script steers as Expertscope does is shown by tests/reference/check_steering_export.py.
#include "engine/core/error.h"
#include "engine/steering/interventions.h"
#include "engine/steering/policies.h"
#include "engine/steering/resolved.h"
#include "error_check.h"
#include "io/exporters/router_vectors.h"
#include "io/exporters/transformers_parts.h"
#include "io/exporters/transformers_script.h"
#include "io/importers/npy.h"
#include "io/importers/zip_directory.h"
#include "io/recipe.h"
#include "io/safetensors.h"

#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <cstring>
#include <limits>

using namespace expertscope;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// Three layers, the middle one dense, of 6 experts of which 2 are chosen.
ModelConfig small()
{
    ModelConfig config;
    config.family = "small";
    MoeFfn moe;
    moe.experts = 6;
    moe.topK = 2;
    moe.normalise = true;
    config.layers = {{{}, moe}, {{}, DenseFfn{8}}, {{}, moe}};
    return config;
}

Recipe spelled(const std::string &edits, const std::string &policies = {})
{
    return resolved(
        parseRecipe("{\"expertscope_recipe\": 1, \"name\": \"n\", \"edits\": [" + edits + "], \"policies\": [" + policies + "]}", "test"),
        small());
}

std::string refusal(const std::function<void()> &action)
{
    try {
        action();
    } catch (const Error &error) {
        return error.kind == ErrorKind::Check ? error.message : "of another kind: " + error.message;
    }
    return "accepted";
}

/// From the first of these lines to before the second.
std::string section(const std::string &text, const std::string &from, const std::string &to)
{
    const std::size_t begin = text.find(from);
    return begin == std::string::npos ? text : text.substr(begin, text.find(to, begin) - begin);
}

int count(const std::string &text, const std::string &what)
{
    int n = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++n;
    return n;
}

/// What Python makes of programs, or "no Python". The action is run for each, with its syntax tree t.
QString compiled(const std::vector<std::string> &programs, const char *action)
{
    const QString python = QStandardPaths::findExecutable("python3");
    if (python.isEmpty())
        return "no Python";
    QProcess process;
    process.start(python,
        {"-c", QString{"import ast, sys\nfor p in sys.stdin.buffer.read().decode().split(chr(0))[:-1]:\n t = ast.parse(p)\n "} + action});
    for (const std::string &program : programs)
        process.write(QByteArray::fromStdString(program).append('\0'));
    process.closeWriteChannel();
    process.waitForFinished(-1);
    return QString::fromUtf8(process.readAllStandardOutput() + process.readAllStandardError()).trimmed();
}

} // namespace

class TestRecipeExports : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    std::vector<float> npyValues(const std::string &npz, const std::string &member)
    {
        const QString path = m_folder.filePath("vectors.npz");
        writeFile(path.toStdString(), npz);
        const MappedBytes file = mapFile(path.toStdString());
        for (const ZipEntry &entry : zipEntries(file.bytes, "npz"))
            if (entry.name == member + ".npy") {
                NpyArray array{openZipEntry(file, entry, "npz"), "npz"};
                std::vector<float> values(static_cast<std::size_t>(array.count()));
                array.readReals(values);
                return values;
            }
        return {};
    }

private slots:
    void valuesOfTheRecipeStandInTheScript();
    void everyKindIsExportedOrRefused();
    void onlyWhatIsUsedIsInTheScript();
    void textOfTheRecipeIsNoCode();
    void refusalsSayWhy();
    void sumsOfConstants();
    void vectorsRefuseWhatIsNotConstant();
    void filesAreReadBack();
};

void TestRecipeExports::valuesOfTheRecipeStandInTheScript()
{
    const std::string text = transformersScript(
        spelled("{\"op\": \"soft\", \"strength\": 0.25, \"experts\": {\"*\": [5, 1]}, \"phase\": \"decode\"},"
                "{\"op\": \"mask\", \"experts\": {\"2\": \"*\"}, \"enabled\": false},"
                "{\"op\": \"force-max\", \"experts\": {\"2\": [3, 0, 4]}, \"extra\": \"skip\", \"tokens\": {\"label\": \"language\", "
                "\"is\": \"fr\"}},"
                "{\"op\": \"bias\", \"vectors\": {\"0\": [0.1, -2, 0, 0, 0, 1e-9]}, \"tokens\": \"prompt\"},"
                "{\"op\": \"weight-set\", \"experts\": {\"0\": [0]}}",
            "{\"policy\": \"temperature\", \"t\": 2}, {\"policy\": \"top-p\", \"layers\": [2], \"variant\": \"cap-renormalise\"}"),
        small());
    const std::string expected{
        "TOP_K = 2  # experts a token takes by the model's own rule\n"
        "NORMALISE = True  # whether their weights are made to sum to 1\n"
        "LAYERS = [0, 2]  # whose routers are hooked\n\n"
        "TEMPERATURES = [\n"
        "    {\"policy\": \"temperature\", \"layers\": [0, 2], \"t\": 2},\n"
        "]\n"
        "LOGIT_EDITS = [\n"
        "    {\"op\": \"soft\", \"layers\": {0: [5, 1], 2: [5, 1]}, \"strength\": 0.25, \"phase\": \"decode\"},\n"
        "    {\"op\": \"force-max\", \"layers\": {2: [3, 0]}, \"epsilon\": 1e-06, \"tokens\": {\"label\": \"language\", \"is\": "
        "\"fr\"}},\n"
        "    {\"op\": \"bias\", \"layers\": {0: [0.1, -2, 0, 0, 0, 1e-09]}, \"strength\": 1, \"tokens\": \"prompt\"},\n"
        "]\n"
        "EXCLUSIONS = []\n"
        "WEIGHT_EDITS = [\n"
        "    {\"op\": \"weight-set\", \"layers\": {0: [0]}, \"strength\": 0.5},\n"
        "]\n"
        "POLICIES = [\n"
        "    {\"policy\": \"top-p\", \"layers\": [2], \"theta\": 0.4, \"variant\": \"cap-renormalise\", \"k_max\": 0, \"k_min\": "
        "1, \"sum\": \"renormalise\"},\n"
        "]\n"};
    const std::string values = section(text, "TOP_K", "\n\nclass Run");
    QVERIFY2(values == expected, values.c_str());
}

void TestRecipeExports::everyKindIsExportedOrRefused()
{
    std::vector<std::string> scripts;
    for (const InterventionKind &kind : interventionKinds()) {
        const std::string id{kind.id};
        const std::string text =
            transformersScript(spelled("{\"op\": \"" + id + "\", "
                                   + (kind.takesVectors ? "\"vectors\": {\"0\": [1, 2, 3, 4, 5, 6]}}" : "\"experts\": {\"0\": [1]}}")),
                small());
        if (id == "exclude") // part of route()
            QCOMPARE(count(text, "{\"op\": \"exclude\", \"layers\": {0: [1]}}"), 1);
        else
            QCOMPARE(count(text, "\ndef " + QString::fromStdString(id).replace('-', '_').toStdString() + "("), 1);
        scripts.push_back(text);
    }
    for (const PolicyKind &kind : policyKinds()) {
        const std::string id{kind.id};
        const Recipe recipe = spelled({}, "{\"policy\": \"" + id + "\"}");
        std::string text;
        const std::string refused = refusal([&] { text = transformersScript(recipe, small()); });
        if (refused == "accepted") {
            scripts.push_back(text);
            continue;
        }
        QVERIFY2(refused.starts_with("a transformers script cannot hold the policy \"" + id + "\": "), refused.c_str());
        QVERIFY2(refused.find("does not know") == std::string::npos, refused.c_str());
    }
    const QString python = compiled(scripts, "pass");
    QVERIFY2(python.isEmpty() || python == "no Python", qPrintable(python));
}

void TestRecipeExports::onlyWhatIsUsedIsInTheScript()
{
    const std::string text = transformersScript(spelled("{\"op\": \"add\", \"experts\": {\"0\": [1]}}"), small());
    for (const auto parts : {pythonLogitEdits(), pythonWeightEdits(), pythonPolicies()})
        for (const PythonPart &part : parts)
            QCOMPARE(count(text, std::string{part.code}), part.id == "add" ? 1 : 0);
    QCOMPARE(count(text, "SKIPS"), 0);
    QCOMPARE(count(text, "def with_sum"), 0);
    QVERIFY(text.starts_with("#!/usr/bin/env python3\n\"\"\"Steers"));
}

void TestRecipeExports::textOfTheRecipeIsNoCode()
{
    const std::string harmful = "\"\"\"\n\\\nimport os\nos.remove(\"x\")\r\n'''\xF0\x9F\x98\x80\x01\\";
    Recipe recipe = spelled("{\"op\": \"add\", \"experts\": {\"0\": [1]}, \"tokens\": {\"label\": \"l\", \"is\": \"v\"}}");
    const auto scriptWith = [&](const std::string &own) {
        recipe.name = recipe.notes = recipe.model.id = recipe.edits[0].tokens.label = recipe.edits[0].tokens.value = own;
        return transformersScript(recipe, small());
    };
    const std::string text = scriptWith(harmful);
    const std::string tame = scriptWith(std::string(100, 'x')); // as long, so that lines break where they do
    QCOMPARE(count(text, "\n"), count(tame, "\n"));
    const QString python = compiled({text},
        "names = {n.targets[0].id: n.value for n in t.body if isinstance(n, ast.Assign)}\n "
        "print(all(names[n].value == '\"\"\"\\n\\\\\\nimport os\\nos.remove(\"x\")\\r\\n\\'\\'\\'\\U0001f600\\x01\\\\' for n in ('NAME', "
        "'NOTES', 'MODEL')))");
    QVERIFY2(python == "True" || python == "no Python", qPrintable(python));
}

void TestRecipeExports::refusalsSayWhy()
{
    const auto script = [](const Recipe &recipe, const ModelConfig &config = small()) {
        return refusal([&] { transformersScript(recipe, config); });
    };
    QCOMPARE(script(spelled({}, "{\"policy\": \"random\"}")),
        std::string{"a transformers script cannot hold the policy \"random\": its numbers come from Expertscope's own generator"});
    QCOMPARE(script(spelled("{\"op\": \"add\", \"experts\": {\"0\": [1]}, \"tokens\": {\"pattern\": \"a\"}}")),
        std::string{"a transformers script cannot hold the op \"add\" for tokens that match a pattern: a hook sees numbers, not text"});
    QCOMPARE(script(spelled({}, "{\"policy\": \"top-k\", \"layers\": [0]}, {\"policy\": \"min-p\"}")),
        std::string{
            "a transformers script cannot hold the policy \"min-p\": another policy already chooses or weighs the experts of layer 0"});
    QCOMPARE(
        script(spelled({}, "{\"policy\": \"top-k\", \"layers\": [0]}, {\"policy\": \"min-p\", \"layers\": [2]}")), std::string{"accepted"});
    ModelConfig sigmoid = small();
    std::get<MoeFfn>(sigmoid.layers[0].ffn).score = ScoreFunction::Sigmoid;
    QVERIFY(script(spelled("{\"op\": \"add\", \"experts\": {\"0\": [1]}}"), sigmoid).find("the family small") != std::string::npos);
}

void TestRecipeExports::sumsOfConstants()
{
    const auto arrays = routerVectors(spelled("{\"op\": \"bias\", \"strength\": 2, \"vectors\": {\"2\": [1, 2, 3, 4, 5, 0.5]}},"
                                              "{\"op\": \"add\", \"strength\": -0.5, \"experts\": {\"*\": [1, 4]}},"
                                              "{\"op\": \"mask\", \"experts\": {\"0\": [1, 5]}}"),
        small());
    QCOMPARE(arrays.size(), std::size_t{2});
    QCOMPARE(arrays[0].name, std::string{"layers.0.router_bias"});
    QCOMPARE(arrays[0].values, (std::vector<float>{0, -infinity, 0, 0, -0.5f, -infinity}));
    QCOMPARE(arrays[1].name, std::string{"layers.2.router_bias"});
    QCOMPARE(arrays[1].values, (std::vector<float>{2, 3.5f, 6, 8, 9.5f, 1}));
    QVERIFY(routerVectors(spelled({}), small()).empty());
}

void TestRecipeExports::vectorsRefuseWhatIsNotConstant()
{
    const auto vectors = [](const Recipe &recipe) { return refusal([&] { routerVectors(recipe, small()); }); };
    for (const InterventionKind &kind : interventionKinds()) {
        const std::string id{kind.id};
        if (id == "add" || id == "bias" || id == "mask")
            continue;
        const std::string refused = vectors(spelled("{\"op\": \"" + id + "\", \"experts\": {\"0\": [1]}}"));
        QVERIFY2(refused.starts_with("bias vectors cannot hold the op \"" + id + "\": "), refused.c_str());
    }
    QCOMPARE(vectors(spelled("{\"op\": \"add\", \"experts\": {\"0\": [1]}, \"phase\": \"decode\"}")),
        std::string{"bias vectors cannot hold the op \"add\": it acts on some tokens only"});
    QCOMPARE(vectors(spelled({}, "{\"policy\": \"top-k\"}")),
        std::string{"bias vectors cannot hold the policy \"top-k\": it is another rule of routing"});
    QCOMPARE(vectors(spelled({}, "{\"policy\": \"top-k\", \"enabled\": false}")), std::string{"accepted"});
}

void TestRecipeExports::filesAreReadBack()
{
    const std::vector<NamedArray> arrays{{"layers.0.router_bias", {0.1f, -infinity, 3e-20f}}, {"layers.11.router_bias", {1}}, {"none", {}}};
    const std::string npz = npzBytes(arrays);
    for (const NamedArray &array : arrays)
        QCOMPARE(npyValues(npz, array.name), array.values);
    QCOMPARE(npz.substr(0, 4), std::string("PK\x03\x04"));
    const std::size_t data = npz.find("\n", npz.find("NUMPY")) + 1;
    QCOMPARE((data - npz.find("\x93NUMPY")) % 64, std::size_t{0});
    QCOMPARE(npzBytes({}).size(), std::size_t{22});

    const std::string safetensors = safetensorsBytes(arrays, {{"recipe", "caf\xC3\xA9"}, {"model", "m"}});
    const std::string path = m_folder.filePath("vectors.safetensors").toStdString();
    writeFile(path, safetensors);
    const SafetensorsFile file = mapSafetensors(path);
    QCOMPARE(file.tensors.size(), arrays.size());
    for (const auto &[name, tensor] : file.tensors) {
        const auto at = std::find_if(arrays.begin(), arrays.end(), [&, n = name](const NamedArray &array) { return array.name == n; });
        QVERIFY(at != arrays.end());
        QCOMPARE(static_cast<std::size_t>(tensor.count()), at->values.size());
        QVERIFY(at->values.empty() || std::memcmp(tensor.f32(), at->values.data(), at->values.size() * sizeof(float)) == 0);
    }
    QVERIFY(file.header.find("\"__metadata__\":{\"model\":\"m\",\"recipe\":\"caf\xC3\xA9\"}") != std::string::npos);
    QCOMPARE(safetensorsHeaderBytes(safetensors, safetensors.size(), "test") % 8, std::uint64_t{0});
}

QTEST_GUILESS_MAIN(TestRecipeExports)
#include "test_recipe_exports.moc"
