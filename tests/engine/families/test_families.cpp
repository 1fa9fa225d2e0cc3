// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// config.json to ModelConfig: what each family reads, its defaults, and what is refused in which words.
#include "engine/core/error.h"
#include "engine/families/families.h"

#include <QFile>
#include <QTest>
#include <nlohmann/json.hpp>

#include <cmath>

using namespace expertscope;
using nlohmann::json;

namespace {

/// The fields no family can do without, in the names all of them read.
json smallest(std::string_view family)
{
    json config = {
        {"model_type", family},
        {"hidden_size", 64},
        {"vocab_size", 100},
        {"num_hidden_layers", 3},
        {"num_attention_heads", 4},
        {"num_key_value_heads", 2},
        {"intermediate_size", 48},
        {"num_experts", 8},
        {"num_experts_per_tok", 2},
    };
    if (family.starts_with("qwen"))
        config["moe_intermediate_size"] = 24;
    if (family == "qwen2_moe")
        config["shared_expert_intermediate_size"] = 40;
    return config;
}

ModelConfig read(const json &config, std::string_view generation = {})
{
    return configure(config.dump(), generation);
}

QString refusal(const std::string &config)
{
    try {
        configure(config, {});
        return "accepted";
    } catch (const Error &error) {
        if (error.kind != ErrorKind::Input || error.message.empty() || error.where.empty() || error.remedy.empty())
            return "an error that lacks a part: " + QString{error.what()};
        return error.what();
    }
}

std::string fixture(const char *folder)
{
    QFile file{QString{TEST_DATA_DIR} + "/families/" + folder + "/config.json"};
    return file.open(QIODevice::ReadOnly) ? file.readAll().toStdString() : std::string{};
}

} // namespace

class TestFamilies : public QObject {
    Q_OBJECT

    static void everyFamily()
    {
        QTest::addColumn<QString>("id");
        for (const FamilyKind &family : families())
            QTest::addRow("%s", std::string{family.id}.c_str())
                << QString::fromUtf8(family.id.data(), static_cast<qsizetype>(family.id.size()));
    }

private slots:
    void listIsComplete_data() { everyFamily(); }
    void listIsComplete()
    {
        QFETCH(QString, id);
        const FamilyKind &family = familyOf(id.toStdString());
        QCOMPARE(QString::fromUtf8(family.id.data()), id);
        QVERIFY(!family.title.empty());
        QVERIFY(family.help.size() > 40 && family.help.ends_with('.'));

        const ModelConfig config = read(smallest(family.id));
        QCOMPARE(config.family, id.toStdString());
        QCOMPARE(config.layers.size(), 3u);
        QCOMPARE(config.moeLayers(), (std::vector<int>{0, 1, 2}));
        QCOMPARE(config.maxExperts(), 8);
        QCOMPARE(config.maxTopK(), 2);
        QCOMPARE(config.layers[0].attention.headDim, 16);
        QCOMPARE(config.layers[0].attention.ropeInvFreq.size(), 8u);
        QCOMPARE(config.layers[0].attention.slidingWindow, 0);
        QVERIFY(!config.tiedHead);

        for (const TensorNames &names : family.layouts()) {
            for (const std::string *name : {&names.embedding, &names.finalNorm, &names.head, &names.q, &names.out, &names.router})
                QVERIFY(!name->empty());
            QVERIFY(names.expertGate.empty() != names.fusedGateUp.empty());
            QVERIFY(names.expertGate.empty() == names.expertDown.empty() && names.fusedGateUp.empty() == names.fusedDown.empty());
            QCOMPARE(config.layers[0].moe()->sharedWidth > 0, !names.sharedDown.empty());
        }
    }

    void classDefaults()
    {
        QVERIFY(!read(smallest("olmoe")).layers[0].moe()->normalise);
        QVERIFY(!read(smallest("qwen2_moe")).layers[0].moe()->normalise);
        QVERIFY(!read(smallest("qwen3_moe")).layers[0].moe()->normalise);
        QVERIFY(read(smallest("mixtral")).layers[0].moe()->normalise);
        QVERIFY(read(smallest("qwen2_moe")).layers[0].attention.qkvBias);
        QVERIFY(!read(smallest("qwen2_moe")).layers[0].attention.outBias);
        QVERIFY(!read(smallest("qwen3_moe")).layers[0].attention.qkvBias);
        QCOMPARE(read(smallest("qwen3_moe")).normEps, 1e-6f);
        QCOMPARE(read(smallest("olmoe")).normEps, 1e-5f);
        QVERIFY(std::fabs(read(smallest("mixtral")).layers[0].attention.ropeInvFreq[4] - 1e-3f) < 1e-9f); // theta 1e6
        json olmoe = smallest("olmoe");
        olmoe.erase("num_key_value_heads");
        QCOMPARE(read(olmoe).layers[0].attention.kvHeads, 4);
    }

    void fourthAndFifthGenerationReadAlike()
    {
        json four = smallest("qwen3_moe");
        four["rope_theta"] = 5e5;
        four["rope_scaling"] = {{"type", "linear"}, {"factor", 2.0}};
        four["torch_dtype"] = "bfloat16";
        json five = smallest("qwen3_moe");
        five.erase("num_experts");
        five["num_local_experts"] = 8;
        five["rope_parameters"] = {{"rope_type", "linear"}, {"factor", 2.0}, {"rope_theta", 5e5}};
        five["dtype"] = "bfloat16";
        QCOMPARE(read(four).layers[1].attention.ropeInvFreq, read(five).layers[1].attention.ropeInvFreq);
        QCOMPARE(read(five).maxExperts(), 8);
    }

    void layersThatAreDense()
    {
        json config = smallest("qwen2_moe");
        config["num_hidden_layers"] = 6;
        config["decoder_sparse_step"] = 2;
        config["mlp_only_layers"] = {3};
        QCOMPARE(read(config).moeLayers(), (std::vector<int>{1, 5}));
        QCOMPARE(std::get<DenseFfn>(read(config).layers[0].ffn).width, 48);
    }

    void windows()
    {
        json mixtral = smallest("mixtral");
        mixtral["sliding_window"] = 9;
        QCOMPARE(read(mixtral).layers[2].attention.slidingWindow, 9);
        json qwen3 = smallest("qwen3_moe");
        qwen3["sliding_window"] = 9;
        QCOMPARE(read(qwen3).layers[2].attention.slidingWindow, 0);
        qwen3["use_sliding_window"] = true;
        QCOMPARE(read(qwen3).layers[2].attention.slidingWindow, 9);
        json qwen2 = smallest("qwen2_moe");
        qwen2["use_sliding_window"] = true;
        qwen2["sliding_window"] = 9;
        qwen2["max_window_layers"] = 2;
        QCOMPARE(read(qwen2).layers[0].attention.slidingWindow, 9);
        QCOMPARE(read(qwen2).layers[1].attention.slidingWindow, 0);
        QCOMPARE(read(qwen2).layers[2].attention.slidingWindow, 0);
        qwen2["layer_types"] = {"full_attention", "sliding_attention", "full_attention"};
        QCOMPARE(read(qwen2).layers[0].attention.slidingWindow, 0);
        QCOMPARE(read(qwen2).layers[1].attention.slidingWindow, 9);
    }

    void rotaryScaling_data()
    {
        // frequencies 0, 8, 12, 16, 20 and 31 of 32, computed by transformers 5.23
        QTest::addColumn<QByteArray>("parameters");
        QTest::addColumn<std::vector<double>>("expected");
        QTest::addColumn<double>("scale");
        using Expected = std::vector<double>;
        QTest::newRow("llama3") << QByteArray{R"({"rope_type":"llama3","rope_theta":500000.0,"factor":8.0,"low_freq_factor":1.0,
            "high_freq_factor":4.0,"original_max_position_embeddings":8192})"}
                                << Expected{1, 0.037606031, 0.0072926651, 0.00052484602, 3.4281024e-05, 3.7673226e-07} << 1.0;
        QTest::newRow("linear") << QByteArray{R"({"rope_type":"linear","rope_theta":10000.0,"factor":4.0})"}
                                << Expected{0.25, 0.025, 0.0079056947, 0.0024999999, 0.00079056947, 3.3338038e-05} << 1.0;
        QTest::newRow("yarn, not truncated") << QByteArray{R"({"rope_type":"yarn","rope_theta":150000.0,"factor":32.0,"beta_fast":32.0,
            "beta_slow":1.0,"truncate":false,"original_max_position_embeddings":4096})"}
                                             << Expected{1, 0.050813273, 0.0067949593, 0.00045648392, 1.8188337e-05, 3.0235114e-07}
                                             << 1.3465735902799727;
        QTest::newRow("yarn, mscale") << QByteArray{R"({"type":"yarn","rope_theta":10000.0,"factor":40.0,"beta_fast":32,"beta_slow":1,
            "mscale":0.707,"mscale_all_dim":0.707,"original_max_position_embeddings":4096})"}
                                      << Expected{1, 0.1, 0.026879361, 0.0055000004, 0.00079056941, 3.3338035e-06} << 1.0;
    }
    void rotaryScaling()
    {
        QFETCH(QByteArray, parameters);
        QFETCH(std::vector<double>, expected);
        QFETCH(double, scale);
        json config = smallest("qwen3_moe");
        config["head_dim"] = 64;
        config["rope_parameters"] = json::parse(parameters.toStdString());
        const AttentionConfig attention = read(config).layers[0].attention;
        const std::vector<std::size_t> at{0, 8, 12, 16, 20, 31};
        for (std::size_t i = 0; i < at.size(); ++i)
            QVERIFY(std::fabs(static_cast<double>(attention.ropeInvFreq[at[i]]) / expected[i] - 1) < 1e-6);
        QVERIFY(std::fabs(static_cast<double>(attention.ropeScale) / scale - 1) < 1e-6);
    }

    void endOfText()
    {
        json config = smallest("olmoe");
        config["eos_token_id"] = 7;
        config["bos_token_id"] = 1;
        QCOMPARE(read(config).eosIds, (std::vector<std::int32_t>{7}));
        QCOMPARE(read(config).bosId, 1);
        QCOMPARE(read(config, R"({"eos_token_id": [3, 4]})").eosIds, (std::vector<std::int32_t>{3, 4}));
        QCOMPARE(read(config, "{}").eosIds, (std::vector<std::int32_t>{7}));
        QVERIFY(read(smallest("olmoe")).eosIds.empty());
        QVERIFY_EXCEPTION_THROWN(read(config, "[1]"), Error);
    }

    void refused_data()
    {
        QTest::addColumn<QString>("field");
        QTest::addColumn<QByteArray>("value"); // JSON, or empty to leave the field out
        QTest::addColumn<QString>("says");
        const auto row = [](const char *field, const char *value, const char *says) {
            QTest::addRow("%s = %s", field, value) << field << QByteArray{value} << says;
        };
        for (const char *field :
            {"hidden_size", "vocab_size", "num_hidden_layers", "num_attention_heads", "num_experts", "intermediate_size"})
            row(field, "", "is missing");
        row("hidden_size", "null", "hidden_size is missing");
        row("hidden_size", "\"64\"", "hidden_size is \"64\", not a whole number");
        row("hidden_size", "64.5", "not a whole number");
        row("hidden_size", "[64]", "hidden_size is a list, not a whole number");
        row("hidden_size", "-64", "outside 2 to");
        row("hidden_size", "18446744073709551615", "outside 2 to");
        row("hidden_size", "66", "does not divide hidden_size");
        row("num_hidden_layers", "0", "outside 1 to");
        row("num_hidden_layers", "100000000", "outside 1 to");
        row("num_key_value_heads", "3", "does not divide num_attention_heads");
        row("num_key_value_heads", "0", "outside 1 to");
        row("num_experts", "1", "outside 2 to");
        row("num_experts", "70000", "outside 2 to");
        row("num_experts_per_tok", "9", "more than the 8 experts");
        row("num_experts_per_tok", "0", "outside 1 to");
        row("vocab_size", "4611686018427387904", "outside 2 to");
        row("head_dim", "15", "head_dim is odd");
        row("rms_norm_eps", "-1", "outside 0");
        row("rms_norm_eps", "\"small\"", "not a number");
        row("norm_topk_prob", "1", "not true or false");
        row("tie_word_embeddings", "\"yes\"", "not true or false");
        row("hidden_act", "\"gelu\"", "hidden_act is not \"silu\"");
        row("rope_theta", "0", "rope_theta is 0, outside");
        row("rope_scaling", R"({"rope_type": "longrope"})", "supported are default, linear, llama3 and yarn");
        row("rope_scaling", R"({"rope_type": "linear"})", "factor is missing");
        row("rope_scaling", "\"linear\"", "not an object");
        row("partial_rotary_factor", "0.5", "partial_rotary_factor");
        row("rope_parameters", R"({"full_attention": {"rope_theta": 1e4}})", "differ by layer");
        row("clip_qkv", "-3", "clip_qkv is -3, outside");
        row("eos_token_id", "-1", "eos_token_id is -1, outside");
        row("eos_token_id", "[1, \"x\"]", "eos_token_id is \"x\", not a list of whole numbers only");
        row("max_position_embeddings", "0", "outside 1 to");
        row("model_type", "", "model_type is missing");
        row("model_type", "7", "model_type is 7, not a text");
        row("model_type", "\"deepseek_v9\"", "family \"deepseek_v9\" is not supported");
        row("quantization_config", R"({"quant_method": "fp8"})", "quantised weights are not supported");
    }
    void refused()
    {
        QFETCH(QString, field);
        QFETCH(QByteArray, value);
        QFETCH(QString, says);
        json config = smallest("olmoe");
        if (value.isEmpty())
            config.erase(field.toStdString());
        else
            config[field.toStdString()] = json::parse(value.toStdString());
        const QString text = refusal(config.dump());
        QVERIFY2(text.contains(says) && text.contains("config.json"), qPrintable(text));
    }

    void refusedAltogether()
    {
        QVERIFY(refusal("").contains("this is not JSON"));
        QVERIFY(refusal("{\"model_type\": \"olmoe\"").contains("this is not JSON"));
        QVERIFY(refusal("[]").contains("not an object"));
        QVERIFY(refusal(std::string(100000, '[')).contains("nested too deeply"));
        const std::string deep = std::string(200000, '[') + std::string(200000, ']');
        QVERIFY(refusal(R"({"model_type": "olmoe", "rope_scaling": {"x": )" + deep + "}}").contains("nested too deeply"));
        QVERIFY(refusal(R"({"text_config": {"model_type": "qwen3_moe"}})").contains("wrapped for images"));
        const QString dense = refusal(R"({"model_type": "llama", "hidden_size": 64})");
        QVERIFY2(dense.contains("\"llama\" is a dense model") && dense.contains("qwen3_moe"), qPrintable(dense));
        json noExperts = smallest("qwen3_moe");
        noExperts["mlp_only_layers"] = {0, 1, 2};
        QVERIFY(refusal(noExperts.dump()).contains("none of the 3 layers has experts"));
        noExperts["mlp_only_layers"] = {0, 3};
        QVERIFY(refusal(noExperts.dump()).contains("mlp_only_layers holds 3, outside 0 to 2"));
        json longName = smallest("olmoe");
        longName["model_type"] = std::string(1000000, 'x');
        QVERIFY(refusal(longName.dump()).size() < 500);
    }

    void publishedForms()
    {
        const ModelConfig qwen2 = configure(fixture("qwen2_moe"), {});
        QCOMPARE(qwen2.moeLayers(), (std::vector<int>{0, 2, 3}));
        QCOMPARE(qwen2.layers[0].moe()->sharedWidth, 26);
        QVERIFY(qwen2.layers[0].moe()->sharedGate);
        const ModelConfig clip = configure(fixture("olmoe_clip"), {});
        QCOMPARE(clip.layers[0].attention.clipQkv, 1.1f);
        QCOMPARE(clip.layers[0].attention.qkNorm, QkNorm::FullVector);
        QCOMPARE(clip.normEps, 1e-3f);
        const ModelConfig qwen3 = configure(fixture("qwen3_moe"), {});
        QCOMPARE(qwen3.layers[0].attention.qkNorm, QkNorm::PerHead);
        QCOMPARE(qwen3.layers[0].attention.headDim, 14);
        QVERIFY(qwen3.tiedHead);
        QCOMPARE(configure(fixture("mixtral_window"), {}).layers[0].attention.slidingWindow, 7);
    }
};

QTEST_APPLESS_MAIN(TestFamilies)
#include "test_families.moc"
