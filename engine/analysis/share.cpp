// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/share.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace expertscope {

Share share(std::int64_t count, std::int64_t of)
{
    Share s{.count = count, .of = of};
    if (of <= 0)
        return s;
    constexpr double z = 1.959963984540054;
    const auto n = static_cast<double>(of);
    const double p = static_cast<double>(count) / n;
    const double centre = p + z * z / (2 * n);
    const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    const double scale = 1 + z * z / n;
    s.value = p;
    s.low = count == 0 ? 0.0 : std::max(0.0, (centre - half) / scale);
    s.high = count == of ? 1.0 : std::min(1.0, (centre + half) / scale);
    return s;
}

Lift lift(const Share &share, double reference)
{
    constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
    if (!(reference > 0) || share.of == 0)
        return {undefined, undefined, undefined};
    return {share.value / reference, share.low / reference, share.high / reference};
}

} // namespace expertscope
