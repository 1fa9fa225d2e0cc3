// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The checks of a trace as lines for people, what needs their eye first.
#pragma once

#include "engine/core/trace.h"

#include <span>
#include <string>
#include <vector>

namespace expertscope {

/// "warn  NAME  VALUE (allowed: LIMIT)", failures first, then warnings, what passed, and what could not be checked with the reason.
std::vector<std::string> checkLines(std::span<const TraceCheck> checks);

} // namespace expertscope
