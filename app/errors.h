// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The border between exceptions and the window: whatever was thrown below becomes one Error to be shown.
#pragma once

#include "engine/core/error.h"

#include <QMetaType>

namespace expertscope {

/// The exception being handled, as an Error; call it inside a catch block only. Foreign exceptions get words of their own.
Error currentError();

} // namespace expertscope

Q_DECLARE_METATYPE(expertscope::Error)
