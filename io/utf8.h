// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Is it UTF-8, and how to show foreign bytes in a message.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace expertscope {

/// Offset of the first byte that is not part of well-formed UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF).
std::optional<std::size_t> firstInvalidUtf8(std::string_view bytes);

/// "text" in quotation marks for a message: at most 80 bytes of it, control characters and bad bytes as U+FFFD.
std::string shown(std::string_view foreign);

} // namespace expertscope
