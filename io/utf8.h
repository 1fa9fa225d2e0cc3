// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// How to show foreign bytes in a message.
#pragma once

#include <string>
#include <string_view>

namespace expertscope {

/// "text" in quotation marks for a message: at most 80 bytes of it, control characters and bad bytes as U+FFFD.
std::string shown(std::string_view foreign);

} // namespace expertscope
