// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How activations are packed for products of bf16 weights: per step of 32 numbers, per term and per 16 rows one tile of
// 1 KiB: 16 lines, line p holding numbers 2p and 2p + 1 of each of the 16 rows. This is what AMX tiles are made of.
#pragma once

#include "engine/cpu/kernels.h"

namespace expertscope::cpu {

inline constexpr std::int64_t bf16Step = 32;
inline constexpr std::int64_t bf16TileBytes = 1024;
static_assert(blockRows == bf16Step, "a block of hidden numbers is one step of the next product");

} // namespace expertscope::cpu
