// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The text around a token, joined from the bytes of its neighbours.
#pragma once

#include "engine/core/trace.h"

#include <string>

namespace expertscope {

/// A place in the trace with the text around it; texts are empty where the trace holds no token text.
struct TokenContext {
    std::int64_t token = -1; ///< row of the trace
    std::string before; ///< begins with a whole UTF-8 character
    std::string text; ///< the token's own bytes, not always valid UTF-8
    std::string after; ///< ends with a whole UTF-8 character
};

/// The token and up to `around` tokens on either side in the same sequence.
TokenContext contextOf(const RoutingTrace &trace, std::int64_t token, std::int64_t around);

} // namespace expertscope
