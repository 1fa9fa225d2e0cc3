// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Bytes written as text: base64 (RFC 4648, section 4) and the base85 of Python's base64.b85encode.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace expertscope {

/// Nothing where the text is not of that alphabet, or of a length no encoder gives.
std::optional<std::string> fromBase64(std::string_view text);
std::optional<std::string> fromBase85(std::string_view text);

} // namespace expertscope
