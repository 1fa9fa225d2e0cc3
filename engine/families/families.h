// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The list of supported architectures: how a config.json becomes a ModelConfig, and what its tensors are called.
// A new family is one .cpp that defines a FamilyKind and one line in families.cpp.
#pragma once

#include "engine/core/model_config.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace expertscope {

class ConfigReader;

/// Stored names with "{l}" for the layer and "{e}" for the expert. Empty where the family has no such tensor.
struct TensorNames {
    std::string embedding, finalNorm, head;
    std::string inputNorm, ffnNorm;
    std::string q, k, v, out, qBias, kBias, vBias, outBias, qNorm, kNorm;
    std::string denseGate, denseUp, denseDown;
    std::string router, selectionBias;
    std::string expertGate, expertUp, expertDown; ///< one tensor per expert (layouts N1, N2)
    std::string fusedGateUp, fusedDown; ///< [E, 2I, H] gate rows first, [E, H, I] (layout N3); instead of the three above
    std::string sharedGate, sharedUp, sharedDown, sharedRouter;
};

struct FamilyKind {
    std::string_view id; ///< config.json's model_type
    std::string_view title; ///< "OLMoE"
    std::string_view help; ///< one or two sentences: router rule and what is special
    ModelConfig (*configure)(const ConfigReader &config);
    std::vector<TensorNames> (*layouts)(); ///< every way checkpoints of the family are stored
};

std::span<const FamilyKind> families();

/// The ModelConfig of a config.json; generationConfigJson may be empty. Throws Error (Input): not JSON, no or unknown
/// model_type, a dense or quantised model, a field absent, of the wrong type or absurd.
ModelConfig configure(std::string_view configJson, std::string_view generationConfigJson);
/// Throws Error (Input) that lists the families there are.
const FamilyKind &familyOf(std::string_view modelType);

extern const FamilyKind mixtralFamily, olmoeFamily, qwen2MoeFamily, qwen3MoeFamily;

} // namespace expertscope
