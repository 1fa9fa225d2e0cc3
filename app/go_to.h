// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Go to: "token 812", "L12 E40", "seq 7" as places in the trace that is shown.
#pragma once

#include "engine/core/trace.h"
#include "views/common/selection.h"

#include <QString>

namespace expertscope {

struct GoTo {
    Selection selection;
    QString description; ///< the place in words; or, if not valid, what is wrong with the text
    bool valid = false;
};

/// Reads what the person typed; whatever it does not mention stays as in `from`. Layers go by the model's own numbers.
GoTo readGoTo(const QString &text, const TraceMeta &meta, const Selection &from);

} // namespace expertscope
