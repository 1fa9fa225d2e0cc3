// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Theme: light, dark or the system's colours, and the size of the program's own type, applied to the whole application.
#pragma once

#include "app/settings.h"

namespace expertscope {

/// Can be called again at any time; open windows follow.
void applyTheme(Theme theme, int scalePercent);

} // namespace expertscope
