// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A recipe as a Python script that steers the same model in Hugging Face transformers, with hooks on its routers.
// tests/reference/check_steering_export.py compares what the script does with Expertscope's own run.
#pragma once

#include "engine/core/model_config.h"
#include "engine/core/recipe.h"

#include <string>

namespace expertscope {

/// `recipe` as resolved() of engine/steering gives it: layers and experts listed, every setting given. Nothing of the recipe's own
/// text becomes code. Throws Error (Check) naming what cannot be exported: an op or policy that a hook cannot do, tokens chosen by a
/// pattern, two policies that choose experts of the same layer, a family that routes by another rule than softmax and top-k.
std::string transformersScript(const Recipe &recipe, const ModelConfig &config);

} // namespace expertscope
