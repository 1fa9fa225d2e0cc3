// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The policies that choose experts by another rule than the model's. Formulas and sources stand in the kinds themselves.
#pragma once

#include "engine/steering/policies.h"

namespace expertscope {

PolicyKind topKPolicy();
PolicyKind topPPolicy();
PolicyKind minPPolicy();
PolicyKind entropyHybridPolicy();
PolicyKind rankKPolicy();
PolicyKind randomPolicy();
PolicyKind allExpertsPolicy();
PolicyKind nullThresholdPolicy();

} // namespace expertscope
