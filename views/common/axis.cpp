// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/axis.h"

#include <QLocale>

#include <algorithm>
#include <cmath>

namespace expertscope {

namespace {

double roundStep(double span, int most)
{
    const double raw = span / std::max(1, most);
    const double power = std::pow(10.0, std::floor(std::log10(raw)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= raw * (1 - 1e-9))
            return factor * power;
    }
    return 10 * power;
}

} // namespace

std::vector<double> roundTicks(double low, double high, int most)
{
    std::vector<double> ticks;
    if (!(high > low) || !std::isfinite(high - low))
        return ticks;
    const double step = roundStep(high - low, most);
    const double slack = step * 1e-6;
    for (double k = std::ceil((low - slack) / step); k * step <= high + slack && ticks.size() < 64; ++k)
        ticks.push_back(k == 0 ? 0.0 : k * step);
    return ticks;
}

std::vector<std::int64_t> integerTicks(std::int64_t first, std::int64_t last, int most)
{
    std::vector<std::int64_t> ticks;
    if (last < first)
        return ticks;
    const auto span = static_cast<double>(last - first);
    const auto step = std::max<std::int64_t>(1, span > 0 ? std::llround(roundStep(span, most)) : 1);
    for (std::int64_t tick = (first + step - 1) / step * step; tick <= last; tick += step)
        ticks.push_back(tick);
    return ticks;
}

QString numberText(double value)
{
    if (std::isnan(value))
        return QStringLiteral("missing");
    const double size = std::abs(value);
    if (size != 0 && (size < 1e-3 || size >= 1e6))
        return QString::number(value, 'g', 3);
    const int decimals = size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;
    QString text = QString::number(value, 'f', decimals);
    while (text.endsWith(u'0'))
        text.chop(1);
    if (text.endsWith(u'.'))
        text.chop(1);
    return text == QLatin1String("-0") ? QStringLiteral("0") : text;
}

QString countText(std::int64_t count)
{
    return QLocale(QLocale::English, QLocale::UnitedStates).toString(static_cast<qlonglong>(count));
}

QString countText(std::int64_t count, const char *noun)
{
    return countText(count) + u' ' + QLatin1String(noun) + (count == 1 ? QString() : QStringLiteral("s"));
}

} // namespace expertscope
