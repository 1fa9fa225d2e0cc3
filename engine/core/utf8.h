// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Is it UTF-8, and what to do where it is not.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace expertscope {

/// Offset of the first byte that is not part of well-formed UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF).
std::optional<std::size_t> firstInvalidUtf8(std::string_view bytes);
/// The text with each ill-formed subsequence replaced by U+FFFD (one per maximal subpart, as Unicode recommends).
std::string wellFormedUtf8(std::string_view bytes);

} // namespace expertscope
