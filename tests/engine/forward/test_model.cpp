// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Loading: every way a checkpoint can fail to fit its config.json, the stored layouts, and memory.
#include "engine/core/error.h"
#include "golden.h"
#include "plain_backend.h"

#include <QTest>

#include <cstring>

using namespace expertscope;

namespace {

using Files = std::shared_ptr<ModelFiles>;

Files fixture(const char *folder = "qwen3_moe")
{
    return std::make_shared<ModelFiles>(*Golden{folder}.files());
}

QString refusal(const Files &files, Backend &backend, ErrorKind kind = ErrorKind::Input)
{
    try {
        Model::load(files, backend, {});
        return "accepted";
    } catch (const Error &error) {
        if (error.kind != kind || error.where.empty() || error.remedy.empty())
            return "an error of another kind or without a part: " + QString{error.what()};
        return error.what();
    }
}

QString refusal(const Files &files)
{
    PlainBackend backend;
    return refusal(files, backend);
}

struct SmallMemory : PlainBackend {
    BackendInfo info() const override { return {"plain", "", 100'000, 40'000}; }
};

std::vector<float> outputOf(const std::shared_ptr<const ModelFiles> &files)
{
    PlainBackend backend;
    const auto model = Model::load(files, backend, {});
    Forward forward{*model, backend, nullptr, nullptr};
    Batch batch;
    batch.append(0, std::vector<std::int32_t>{5, 9, 3, 77}, 0, -1);
    const Tensor out = forward.run(batch, nullptr, {});
    std::vector<float> values(static_cast<std::size_t>(out.count()));
    backend.download(out, values);
    return values;
}

/// Mixtral's experts as transformers 5 keeps them: fused, under mlp. Keeps the new memory alive in files->mappings.
Files fusedMixtral()
{
    const Files files = fixture("mixtral");
    auto &tensors = files->tensors;
    for (int l = 0; l < 3; ++l) {
        const std::string old = "model.layers." + std::to_string(l) + ".block_sparse_moe.";
        const std::string now = "model.layers." + std::to_string(l) + ".mlp.";
        const std::int64_t experts = 6, width = 17, hidden = 44;
        const Buffer gateUp = hostBuffer(DType::F32, {experts, 2 * width, hidden});
        const Buffer down = hostBuffer(DType::F32, {experts, hidden, width});
        for (int e = 0; e < experts; ++e) {
            const auto move = [&](const char *name, const Tensor &to) {
                const std::string key = old + "experts." + std::to_string(e) + name;
                std::memcpy(to.data, tensors.at(key).data, to.bytes());
                tensors.erase(key);
            };
            move(".w1.weight", gateUp.tensor().row(e).rows(0, width));
            move(".w3.weight", gateUp.tensor().row(e).rows(width, 2 * width));
            move(".w2.weight", down.tensor().row(e));
        }
        tensors[now + "experts.gate_up_proj"] = gateUp;
        tensors[now + "experts.down_proj"] = down;
        tensors[now + "gate.weight"] = tensors.at(old + "gate.weight");
        tensors.erase(old + "gate.weight");
        files->mappings.push_back(std::make_shared<std::pair<Buffer, Buffer>>(gateUp, down));
    }
    return files;
}

} // namespace

class TestModel : public QObject {
    Q_OBJECT
private slots:
    void describesItself()
    {
        PlainBackend backend;
        std::int64_t last = 0, total = 0;
        const Progress progress{{}, [&](std::int64_t done, std::int64_t all, std::string_view unit) {
                                    QVERIFY(done > last && done <= all && unit == "bytes");
                                    last = done;
                                    total = all;
                                }};
        const auto model = Model::load(fixture("qwen2_moe"), backend, progress);
        QCOMPARE(last, total);
        QCOMPARE(model->weightBytes(), total);
        const ModelInfo &info = model->info();
        QCOMPARE(info.family, std::string{"qwen2_moe"});
        QCOMPARE(info.quantisation, std::string{"F32"});
        QCOMPARE(info.nLayers, 4);
        QCOMPARE(info.nExperts, 8);
        QCOMPARE(info.topK, 3);
        QCOMPARE(info.nShared, 1);
        QCOMPARE(info.sha256.size(), std::size_t{64});
        QCOMPARE(Model::load(fixture("qwen3_moe_bf16"), backend, {})->info().quantisation, std::string{"BF16"});
        QCOMPARE(Model::load(fixture("qwen2_moe_f16"), backend, {})->info().quantisation, std::string{"F16"});
    }

    void tiedHeadIsTheEmbedding()
    {
        PlainBackend backend;
        const auto tied = Model::load(fixture("qwen3_moe"), backend, {});
        QCOMPARE(tied->head(), tied->embedding());
        const auto untied = Model::load(fixture("olmoe"), backend, {});
        QVERIFY(untied->head() != untied->embedding());
    }

    void fusedLayoutsHoldTheSameModel()
    {
        QCOMPARE(outputOf(fusedMixtral()), outputOf(fixture("mixtral")));
        QCOMPARE(outputOf(fixture("qwen3_moe_fused")), outputOf(fixture("qwen3_moe")));
    }

    void missingTensors()
    {
        const Files files = fixture();
        for (const char *name :
            {"k_proj.weight", "v_proj.weight", "q_norm.weight", "mlp.gate.weight", "o_proj.weight", "input_layernorm.weight"})
            std::erase_if(files->tensors,
                [&](const auto &item) { return item.first.ends_with(name) && item.first.find(".1.") != std::string::npos; });
        const QString text = refusal(files);
        QVERIFY2(text.contains("model.layers.1.self_attn.k_proj.weight is missing") && text.contains("and 2 more"), qPrintable(text));
    }

    void missingHead()
    {
        const Files files = fixture("olmoe");
        files->tensors.erase("lm_head.weight");
        QVERIFY(refusal(files).contains("lm_head.weight is missing"));
    }

    void wrongShape()
    {
        const Files files = fixture();
        Tensor &router = files->tensors.at("model.layers.2.mlp.gate.weight");
        router.shape = {8, 44};
        QVERIFY2(
            refusal(files).contains("model.layers.2.mlp.gate.weight has the shape [8, 44] instead of [9, 44]"), qPrintable(refusal(files)));
        router.shape = {9 * 44};
        QVERIFY(refusal(files).contains("[396] instead of [9, 44]"));
    }

    void fusedExpertsOfAnotherShape()
    {
        const Files files = fixture("qwen3_moe_fused");
        files->tensors.at("model.layers.0.mlp.experts.down_proj").shape = {9, 10, 44}; // transposed
        QVERIFY(refusal(files).contains("down_proj has the shape [9, 10, 44] instead of [9, 44, 10]"));
    }

    void wrongType()
    {
        const Files files = fixture();
        files->tensors.at("model.norm.weight").dtype = DType::I32;
        QVERIFY(refusal(files).contains("model.norm.weight is stored as I32 instead of F32, F16 or BF16"));
    }

    void tensorsNobodyKnows()
    {
        const Files files = fixture();
        const Tensor any = files->tensors.at("model.norm.weight");
        files->tensors["model.layers.0.mlp.experts.9.up_proj.weight"] = any;
        files->tensors["model.layers.1.self_attn.q_proj.bias"] = any;
        const QString text = refusal(files);
        QVERIFY2(text.contains("experts.9.up_proj.weight") && text.contains("q_proj.bias") && text.contains("qwen3_moe"), qPrintable(text));
    }

    void tensorsThatTakeNoPart()
    {
        const Files files = fixture();
        const Tensor any = files->tensors.at("model.norm.weight");
        for (const char *name :
            {"model.layers.0.self_attn.rotary_emb.inv_freq", "mtp.layers.0.weight", "model.layers.3.mlp.gate.weight", "lm_head.weight"})
            files->tensors[name] = any;
        QCOMPARE(outputOf(files), outputOf(fixture()));
        files->tensors["model.layers.x.weight"] = any;
        QVERIFY(refusal(files).contains("model.layers.x.weight"));
    }

    void configErrorsNameTheFile()
    {
        const Files files = fixture();
        files->configJson = R"({"model_type": "olmoe"})";
        QVERIFY2(refusal(files).contains("qwen3_moe/config.json: hidden_size is missing"), qPrintable(refusal(files)));
    }

    void tooLargeForMemory()
    {
        SmallMemory backend;
        const QString text = refusal(fixture(), backend, ErrorKind::Device);
        QVERIFY2(text.contains("needs 0.3 MB for its weights, and 0.0 MB are free"), qPrintable(text));
    }

    void canBeStopped()
    {
        PlainBackend backend;
        std::stop_source stop;
        const Progress progress{stop.get_token(), [&](std::int64_t done, std::int64_t total, std::string_view) {
                                    if (done > total / 2)
                                        stop.request_stop();
                                }};
        QVERIFY_EXCEPTION_THROWN(Model::load(fixture(), backend, progress), Cancelled);
    }
};

QTEST_APPLESS_MAIN(TestModel)
#include "test_model.moc"
