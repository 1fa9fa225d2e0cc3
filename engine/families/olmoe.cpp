// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/families/decoder.h"

namespace expertscope {

namespace {

ModelConfig configureOlmoe(const ConfigReader &config)
{
    ModelConfig model = readDecoder(config, {1e-5f, 10000, 4096, {}});
    MoeFfn moe = readExperts(config, {"num_experts", "num_local_experts"}, "intermediate_size", 8);
    moe.normalise = config.boolean("norm_topk_prob", false);
    for (LayerConfig &layer : model.layers) {
        layer.attention.qkNorm = QkNorm::FullVector;
        layer.attention.clipQkv = static_cast<float>(config.number("clip_qkv", {1e-6, 1e6}, 0.0));
        layer.ffn = moe;
    }
    return model;
}

std::vector<TensorNames> olmoeLayouts()
{
    return {withExpertNames(decoderNames()), withFusedNames(decoderNames())};
}

} // namespace

const FamilyKind olmoeFamily{
    "olmoe",
    "OLMoE",
    "Softmax over all experts, the k largest are taken as they are (their weights sum to less than 1 unless norm_topk_prob is set). "
    "Queries and keys are RMS-normalised over the whole vector.",
    configureOlmoe,
    olmoeLayouts,
};

} // namespace expertscope
