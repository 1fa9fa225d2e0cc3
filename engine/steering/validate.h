// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Whether a recipe means something, by itself and for a model. Each error names the edit or policy, the layer and the expert, and
// what would be allowed.
#pragma once

#include "engine/core/model_config.h"
#include "engine/core/recipe.h"

#include <string>

namespace expertscope {

/// Throws Error (Check): an op, policy or setting that does not exist, a value out of range, a pattern that does not compile.
void validate(const Recipe &recipe);
/// The same, and that the recipe fits the model: its family and shape where it names them, its layers and experts, the size of its
/// vectors, and at most k experts forced in a layer for the same tokens.
void validate(const Recipe &recipe, const ModelConfig &config);

/// "edit 2 (soft)", "policy 1 (top-k)": how errors and lists name them; counted from 1.
std::string nameOf(const Recipe &recipe, const Edit &edit);
std::string nameOf(const Recipe &recipe, const PolicySetting &policy);

/// The experts of one layer that an edit acts on, in its order and each once; empty where it does not act there.
std::vector<std::int32_t> expertsIn(const Edit &edit, int layer, const MoeFfn &rule);
/// The layers a policy acts in, rising: of the MoE layers, or for one that acts on whole layers of any that it names.
std::vector<int> layersOf(const PolicySetting &policy, const ModelConfig &config);

/// The experts of one layer that a forcing edit may force, so that no token gets more than k forced ones: its own, less those
/// beyond k counted with the edits before it that act on all of its tokens. Throws Error (Check) where there are some beyond k and
/// the edit does not say to skip them.
std::vector<std::int32_t> forcedIn(const Recipe &recipe, const Edit &edit, int layer, const MoeFfn &rule);

} // namespace expertscope
