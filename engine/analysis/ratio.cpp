// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/ratio.h"

#include <algorithm>
#include <cmath>

namespace expertscope {

void Ratio::add(double sequenceY, double sequenceX)
{
    if (sequenceX <= 0)
        return;
    y += sequenceY;
    x += sequenceX;
    yy += sequenceY * sequenceY;
    xy += sequenceX * sequenceY;
    xx += sequenceX * sequenceX;
    ++sequences;
}

double Ratio::value() const
{
    return x > 0 ? y / x : noNumber;
}

double Ratio::error() const
{
    if (sequences < 2 || !(x > 0))
        return noNumber;
    const double r = y / x, s = static_cast<double>(sequences);
    return std::sqrt(std::max(0.0, yy - 2 * r * xy + r * r * xx) * s / (s - 1)) / x;
}

Interval Ratio::interval(double most) const
{
    const double half = 1.959963984540054 * error();
    if (std::isnan(half))
        return {};
    return {std::max(0.0, value() - half), std::min(most, value() + half)};
}

} // namespace expertscope
