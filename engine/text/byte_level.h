// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The byte-level alphabet of GPT-2: each byte as one printable character, so that a vocabulary is plain text.
#pragma once

#include <string>
#include <string_view>

namespace expertscope::text {

/// Each byte of the text as its printable character.
std::string toByteLevel(std::string_view bytes);
/// The bytes a vocabulary entry stands for; its own bytes if a character of it is not of the alphabet.
std::string fromByteLevel(std::string_view token);

} // namespace expertscope::text
