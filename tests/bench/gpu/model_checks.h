// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Whole models on a backend against the plain one and against what the reference implementation computed. Without Qt, so that it runs
// where a GPU is and nothing else.
#pragma once

#include "engine/core/backend.h"

#include <functional>
#include <memory>
#include <string>

namespace expertscope {

struct ModelCheck {
    std::string name; ///< "olmoe, force-max"
    double error = 0;
    double allowed = 0;
    std::string note; ///< what is wrong beside the error; empty = nothing
    bool passed() const { return error <= allowed && note.empty(); }
};
using MakeBackend = std::function<std::unique_ptr<Backend>()>;
using Done = std::function<void(const ModelCheck &)>;

/// Every checkpoint of tests/data/families: the residual stream of each layer, router logits and gate weights against the plain backend,
/// logits, experts and the greedy continuation against the reference. F32: 1e-4 relative, the same experts. 16-bit weights: the rms of
/// the difference is 3 % of the values' at most, which is what rounding activations to bf16 costs.
void checkGoldens(const MakeBackend &make, const Done &done);

/// Every recipe of tests/data/steering on its families, F32: the same experts, numbers within 1e-4.
void checkSteering(const MakeBackend &make, const Done &done);

/// The random model "small" in batches of several sizes, one of which cuts sequences: experts where they differ by less than 1e-2 of a
/// logit only.
void checkBatches(const MakeBackend &make, const Done &done);

/// Decode steps of that model as the backend keeps them, and the same ones operation by operation: not a bit may differ.
void checkSteps(const MakeBackend &make, const Done &done);

/// That model with too little memory for all of its experts: not a bit of the trace may differ. Of the CUDA backend only.
void checkOnDemand(const MakeBackend &make, const Done &done);

} // namespace expertscope
