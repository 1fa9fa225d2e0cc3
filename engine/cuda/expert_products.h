// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Products of sorted rows with the weights of their experts. Two steps: hidden = silu(gate x) * up x, output = down hidden.
// Three ways: a few rows at a time, where reading the weights is all; tiles in f32; tiles in bf16 on the matrix units.
#pragma once

#include "engine/cuda/expert_order.h"
#include "engine/cuda/numbers.h"

namespace expertscope::cuda {

/// What the kernels share. Pitches in numbers; those of hidden activations and outputs are the weights'.
struct ExpertWork {
    const ExpertPointers *experts; ///< [E]
    ExpertOrder order;
    std::int64_t mostTiles;
    int slots; ///< K: slot s belongs to token s / K
    int hidden, width; ///< H, I
    int hiddenPitch, widthPitch;
};

/// Rows of a tile, each way.
constexpr int fewRows = 8;
constexpr int tileRowsF32 = 64;
constexpr int tileRowsBf16 = 128;

/// x [T, H] f32; hidden [rows, widthPitch] f32, its padding becomes 0; y [rows, hiddenPitch] f32.
void multiplyFew(Context &context, const ExpertWork &work, DType weights, const float *x, float *hidden, float *y);
/// The same, with f32 weights.
void multiplyTilesF32(Context &context, const ExpertWork &work, const float *x, float *hidden, float *y);
/// x [T, hiddenPitch], padded with 0; hidden [rows, widthPitch]; y [rows, hiddenPitch]. Sums in f32, each result rounded once.
void multiplyTilesBf16(Context &context, const ExpertWork &work, const Bf16 *x, Bf16 *hidden, Bf16 *y);

__device__ inline float silu(float x)
{
    return x / (1 + expf(-x));
}

} // namespace expertscope::cuda
