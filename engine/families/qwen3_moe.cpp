// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/families/decoder.h"

namespace expertscope {

namespace {

ModelConfig configureQwen3Moe(const ConfigReader &config)
{
    ModelConfig model = readDecoder(config, {1e-6f, 10000, 32768, 4});
    MoeFfn moe = readExperts(config, {"num_experts", "num_local_experts"}, "moe_intermediate_size", 8);
    moe.normalise = config.boolean("norm_topk_prob", false); // releases set it
    const bool windowed = config.boolean("use_sliding_window", false);
    for (LayerConfig &layer : model.layers) {
        layer.attention.qkNorm = QkNorm::PerHead;
        layer.attention.slidingWindow = windowed ? config.integer32("sliding_window", {1, 1 << 28}, 4096) : 0;
    }
    placeExperts(config, moe, model);
    return model;
}

std::vector<TensorNames> qwen3MoeLayouts()
{
    return {withExpertNames(decoderNames()), withFusedNames(decoderNames())};
}

} // namespace

const FamilyKind qwen3MoeFamily{
    "qwen3_moe",
    "Qwen3 MoE",
    "Softmax over all experts, the k largest are taken and, with norm_topk_prob, normalised to sum to 1. Queries and keys are "
    "RMS-normalised per head; no shared expert.",
    configureQwen3Moe,
    qwen3MoeLayouts,
};

} // namespace expertscope
