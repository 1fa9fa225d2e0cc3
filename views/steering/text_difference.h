// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Which tokens of two texts are not in both, in order: what is marked when they stand side by side.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace expertscope {

struct TextDifference {
    std::vector<bool> first, second; ///< [tokens] true = not part of the longest common subsequence
};

/// Longest common subsequence of token ids; where there are several, the one that keeps the earliest tokens of the first.
/// Takes 4 |first| |second| bytes: meant for continuations of some hundred tokens.
TextDifference textDifference(std::span<const std::int32_t> first, std::span<const std::int32_t> second);

} // namespace expertscope
