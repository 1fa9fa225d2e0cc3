// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/families/decoder.h"

namespace expertscope {

namespace {

ModelConfig configureMixtral(const ConfigReader &config)
{
    ModelConfig model = readDecoder(config, {1e-5f, 1e6, 131072, 8});
    MoeFfn moe = readExperts(config, {"num_local_experts", "num_experts"}, "intermediate_size", 2);
    moe.normalise = true; // fixed in the architecture, there is no flag
    for (LayerConfig &layer : model.layers) {
        layer.attention.qkvBias = layer.attention.outBias = false;
        layer.attention.slidingWindow = config.integer32("sliding_window", {1, 1 << 28}, 0);
        layer.ffn = moe;
    }
    return model;
}

std::vector<TensorNames> mixtralLayouts()
{
    const std::string block = "model.layers.{l}.block_sparse_moe.";
    TensorNames names = decoderNames();
    names.router = block + "gate.weight";
    names.expertGate = block + "experts.{e}.w1.weight";
    names.expertUp = block + "experts.{e}.w3.weight";
    names.expertDown = block + "experts.{e}.w2.weight";
    return {names, withFusedNames(decoderNames())};
}

} // namespace

const FamilyKind mixtralFamily{
    "mixtral",
    "Mixtral",
    "Softmax over all experts, the k largest are taken and their weights normalised to sum to 1. An optional sliding attention window.",
    configureMixtral,
    mixtralLayouts,
};

} // namespace expertscope
