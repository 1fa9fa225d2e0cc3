// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Numbers in sentences, as people write them.
#pragma once

#include <QString>

namespace expertscope {

/// "1 token", "12,345 tokens".
QString countOf(qint64 count, const QString &one, const QString &many);

} // namespace expertscope
