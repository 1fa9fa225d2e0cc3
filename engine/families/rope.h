// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding: a config's parameters to inverse frequencies, scaling already applied.
// Kinds: default, linear, llama3 and yarn, in the 4.x form (rope_theta, rope_scaling) and the 5.x form (rope_parameters).
#pragma once

#include "engine/core/model_config.h"
#include "engine/families/config_reader.h"

namespace expertscope {

/// Fills ropeInvFreq [headDim/2] and ropeScale of `attention` (headDim set). Throws Error (Input) on a kind that is not supported.
void readRope(const ConfigReader &config, double defaultTheta, int maxPositions, AttentionConfig &attention);

} // namespace expertscope
