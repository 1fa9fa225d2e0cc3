// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/words.h"

#include <QLocale>

namespace expertscope {

QString countOf(qint64 count, const QString &one, const QString &many)
{
    return QLocale{}.toString(count) + QLatin1Char{' '} + (count == 1 ? one : many);
}

} // namespace expertscope
