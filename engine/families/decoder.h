// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// What the supported families share: the Llama-like decoder's config fields and tensor names.
// A family adds what is its own: router rule, norms, biases, windows, which layers hold experts.
#pragma once

#include "engine/families/config_reader.h"
#include "engine/families/families.h"

#include <initializer_list>
#include <optional>

namespace expertscope {

/// A family's class defaults for fields a config.json may leave out.
struct DecoderDefaults {
    float normEps;
    double ropeTheta;
    int maxPositions;
    std::optional<int> kvHeads; ///< nothing = as many as query heads
};

/// Sizes, attention and positions; every layer gets the same attention and an empty DenseFfn.
ModelConfig readDecoder(const ConfigReader &config, const DecoderDefaults &defaults);

/// E (under the first of `expertKeys` present), k and I of one MoE block; softmax scores, nothing else.
MoeFfn readExperts(
    const ConfigReader &config, std::initializer_list<std::string_view> expertKeys, std::string_view widthKey, int defaultTopK);

/// Makes layer N MoE iff (N + 1) % decoder_sparse_step == 0 and mlp_only_layers does not list it; the others dense.
void placeExperts(const ConfigReader &config, const MoeFfn &moe, ModelConfig &model);

/// Tensor names of attention, norms, embedding and head, and dense MLPs.
TensorNames decoderNames();
/// Adds "mlp.gate" and one tensor per expert (N1).
TensorNames withExpertNames(TensorNames names);
/// Adds "mlp.gate" and fused expert tensors (N3).
TensorNames withFusedNames(TensorNames names);

} // namespace expertscope
