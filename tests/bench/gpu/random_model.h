// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Models of the shapes of known ones with random BF16 weights, made in memory: what is measured does not depend on what weights say.
#pragma once

#include "engine/core/model_files.h"

#include <memory>
#include <string>
#include <vector>

namespace expertscope {

/// "olmoe" (OLMoE-1B-7B), "qwen3" (Qwen3-30B-A3B), and "small", which any machine runs in a moment.
std::vector<std::string> randomModelNames();

/// All weights are views of one block of random numbers, so that 61 GB of them need 1 GB of host memory. Throws std::out_of_range for
/// another name.
std::shared_ptr<const ModelFiles> randomModel(const std::string &name);

} // namespace expertscope
