// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The text of a comparison as rich text: every token coloured by what the recipe did to its loss, and both continuations side by
// side with what differs marked.
#pragma once

#include "views/common/steering_model.h"

#include <QPalette>
#include <QString>

namespace expertscope {

/// A link on a token: "token:12" is its index in the text.
inline constexpr const char *tokenLink = "token:";

QString steeringHtml(const SteeringOutcome &outcome, const QPalette &palette);

} // namespace expertscope
