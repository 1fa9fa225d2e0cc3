// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/families/decoder.h"

#include "engine/families/rope.h"

#include <algorithm>

namespace expertscope {

namespace {

// Far beyond any published model, far below what would overflow a size: what they catch is damage and malice.
constexpr int mostLayers = 1000;
constexpr int mostWidth = 1 << 20;
constexpr int mostHeads = 4096;
constexpr int mostExperts = 16384;
constexpr int mostVocab = 1 << 24;
constexpr int mostPositions = 1 << 28;

AttentionConfig readAttention(const ConfigReader &config, const DecoderDefaults &defaults, int hidden, int maxPositions)
{
    AttentionConfig attention;
    attention.heads = config.integer32("num_attention_heads", {1, mostHeads});
    attention.kvHeads = config.integer32("num_key_value_heads", {1, mostHeads}, defaults.kvHeads.value_or(attention.heads));
    if (attention.heads % attention.kvHeads != 0)
        config.fail("num_key_value_heads", "does not divide num_attention_heads");
    if (!config.has("head_dim") && hidden % attention.heads != 0)
        config.fail("num_attention_heads", "does not divide hidden_size, and there is no head_dim");
    attention.headDim = config.integer32("head_dim", {2, 4096}, hidden / attention.heads);
    if (attention.headDim < 2 || attention.headDim % 2 != 0)
        config.fail("head_dim", "is odd: positions are rotations of pairs");
    attention.qkvBias = attention.outBias = config.boolean("attention_bias", false);
    readRope(config, defaults.ropeTheta, maxPositions, attention);
    return attention;
}

} // namespace

ModelConfig readDecoder(const ConfigReader &config, const DecoderDefaults &defaults)
{
    ModelConfig model;
    model.hidden = config.integer32("hidden_size", {2, mostWidth});
    model.vocab = config.integer32("vocab_size", {2, mostVocab});
    model.maxPositions = config.integer32("max_position_embeddings", {1, mostPositions}, defaults.maxPositions);
    model.normEps = static_cast<float>(config.number("rms_norm_eps", {0, 1}, static_cast<double>(defaults.normEps)));
    model.tiedHead = config.boolean("tie_word_embeddings", false);
    if (config.text("hidden_act", "silu") != "silu")
        config.fail("hidden_act", "is not \"silu\", the only activation this family is supported with");
    const int layers = config.integer32("num_hidden_layers", {1, mostLayers});
    const AttentionConfig attention = readAttention(config, defaults, model.hidden, model.maxPositions);
    model.layers.assign(static_cast<std::size_t>(layers), LayerConfig{attention, DenseFfn{}});
    return model;
}

MoeFfn readExperts(
    const ConfigReader &config, std::initializer_list<std::string_view> expertKeys, std::string_view widthKey, int defaultTopK)
{
    MoeFfn moe;
    moe.experts = config.integer32(config.present(expertKeys), {2, mostExperts});
    moe.topK = config.integer32("num_experts_per_tok", {1, mostExperts}, defaultTopK);
    if (moe.topK > moe.experts)
        config.fail("num_experts_per_tok",
            "is " + std::to_string(moe.topK) + ", more than the " + std::to_string(moe.experts) + " experts there are");
    moe.width = config.integer32(widthKey, {1, mostWidth});
    return moe;
}

void placeExperts(const ConfigReader &config, const MoeFfn &moe, ModelConfig &model)
{
    const std::int64_t step = config.integer("decoder_sparse_step", {1, mostLayers}, 1);
    const auto layers = static_cast<std::int64_t>(model.layers.size());
    const std::vector<std::int64_t> dense = config.integers("mlp_only_layers", {0, layers - 1});
    for (std::int64_t l = 0; l < layers; ++l) {
        LayerConfig &layer = model.layers[static_cast<std::size_t>(l)];
        if ((l + 1) % step == 0 && std::find(dense.begin(), dense.end(), l) == dense.end())
            layer.ffn = moe;
        else
            layer.ffn = DenseFfn{config.integer32("intermediate_size", {1, mostWidth})};
    }
}

TensorNames decoderNames()
{
    const std::string layer = "model.layers.{l}.";
    const std::string attention = layer + "self_attn.";
    TensorNames names;
    names.embedding = "model.embed_tokens.weight";
    names.finalNorm = "model.norm.weight";
    names.head = "lm_head.weight";
    names.inputNorm = layer + "input_layernorm.weight";
    names.ffnNorm = layer + "post_attention_layernorm.weight";
    names.q = attention + "q_proj.weight";
    names.k = attention + "k_proj.weight";
    names.v = attention + "v_proj.weight";
    names.out = attention + "o_proj.weight";
    names.qBias = attention + "q_proj.bias";
    names.kBias = attention + "k_proj.bias";
    names.vBias = attention + "v_proj.bias";
    names.outBias = attention + "o_proj.bias";
    names.qNorm = attention + "q_norm.weight";
    names.kNorm = attention + "k_norm.weight";
    names.denseGate = layer + "mlp.gate_proj.weight";
    names.denseUp = layer + "mlp.up_proj.weight";
    names.denseDown = layer + "mlp.down_proj.weight";
    return names;
}

TensorNames withExpertNames(TensorNames names)
{
    const std::string expert = "model.layers.{l}.mlp.experts.{e}.";
    names.router = "model.layers.{l}.mlp.gate.weight";
    names.expertGate = expert + "gate_proj.weight";
    names.expertUp = expert + "up_proj.weight";
    names.expertDown = expert + "down_proj.weight";
    return names;
}

TensorNames withFusedNames(TensorNames names)
{
    names.router = "model.layers.{l}.mlp.gate.weight";
    names.fusedGateUp = "model.layers.{l}.mlp.experts.gate_up_proj";
    names.fusedDown = "model.layers.{l}.mlp.experts.down_proj";
    return names;
}

} // namespace expertscope
