// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/families/decoder.h"

namespace expertscope {

namespace {

/// Which layers see only a window: layer_types where given, else every second layer below max_window_layers.
void placeWindows(const ConfigReader &config, ModelConfig &model)
{
    if (!config.boolean("use_sliding_window", false))
        return;
    const int window = config.integer32("sliding_window", {1, 1 << 28}, 4096);
    const int below = config.integer32("max_window_layers", {0, 1 << 20}, 28);
    const std::vector<std::string> types = config.texts("layer_types");
    if (!types.empty() && types.size() != model.layers.size())
        config.fail("layer_types", "does not have one entry per layer");
    for (int l = 0; l < static_cast<int>(model.layers.size()); ++l) {
        const auto i = static_cast<std::size_t>(l);
        const bool windowed = types.empty() ? l % 2 == 0 && l < below : types[i] == "sliding_attention";
        model.layers[i].attention.slidingWindow = windowed ? window : 0;
    }
}

ModelConfig configureQwen2Moe(const ConfigReader &config)
{
    ModelConfig model = readDecoder(config, {1e-6f, 10000, 32768, 16});
    MoeFfn moe = readExperts(config, {"num_experts", "num_local_experts"}, "moe_intermediate_size", 4);
    moe.normalise = config.boolean("norm_topk_prob", false);
    moe.sharedWidth = config.integer32("shared_expert_intermediate_size", {1, 1 << 20});
    moe.sharedGate = true;
    for (LayerConfig &layer : model.layers) {
        layer.attention.qkvBias = config.boolean("qkv_bias", true);
        layer.attention.outBias = false;
    }
    placeExperts(config, moe, model);
    placeWindows(config, model);
    return model;
}

TensorNames withSharedNames(TensorNames names)
{
    const std::string shared = "model.layers.{l}.mlp.shared_expert.";
    names.sharedGate = shared + "gate_proj.weight";
    names.sharedUp = shared + "up_proj.weight";
    names.sharedDown = shared + "down_proj.weight";
    names.sharedRouter = "model.layers.{l}.mlp.shared_expert_gate.weight";
    return names;
}

std::vector<TensorNames> qwen2MoeLayouts()
{
    const TensorNames names = withSharedNames(decoderNames());
    return {withExpertNames(names), withFusedNames(names)};
}

} // namespace

const FamilyKind qwen2MoeFamily{
    "qwen2_moe",
    "Qwen2 MoE",
    "Softmax over all experts, the k largest are taken as they are; a shared expert is added to every token, times a sigmoid gate. "
    "Some layers may be dense.",
    configureQwen2Moe,
    qwen2MoeLayouts,
};

} // namespace expertscope
