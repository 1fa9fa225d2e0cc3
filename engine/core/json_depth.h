// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Guards readers that hold a whole JSON document as a tree: copying such a tree recurses once a level, so a hostile file of open
// brackets would run out of stack.
#pragma once

#include <string_view>

namespace expertscope {

/// Deeper than any file of a model is, and far below what a stack holds.
constexpr int deepestJson = 100;

/// Are more than deepestJson lists and objects open at once anywhere in the text? Brackets inside strings do not count.
bool isNestedTooDeeply(std::string_view json);

} // namespace expertscope
