// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A recipe as one vector per layer that is added to the router's logits, for tools that know nothing else: where it is that simple.
#pragma once

#include "engine/core/model_config.h"
#include "engine/core/recipe.h"
#include "io/exporters/array_file.h"

#include <string>
#include <vector>

namespace expertscope {

/// "layers.3.router_bias" [E] for each layer that the recipe touches, in order: the sums of its constants, -infinity for masked
/// experts. `recipe` as resolved() of engine/steering gives it. Throws Error (Check) naming the op or policy that is no constant
/// (soft depends on the token's own logits), or that acts on some tokens only.
std::vector<NamedArray> routerVectors(const Recipe &recipe, const ModelConfig &config);

} // namespace expertscope
