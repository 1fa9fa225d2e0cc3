// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A share of a count with its interval, and how it compares with another share: what every ranking of an analysis shows.
#pragma once

#include <cstdint>

namespace expertscope {

/// `count` of `of`, with Wilson's score interval at 95 % (Wilson 1927; z = 1.96). It takes tokens as independent; tokens of one text
/// are not, so true intervals are wider.
struct Share {
    std::int64_t count = 0;
    std::int64_t of = 0;
    double value = 0; ///< count / of in [0, 1]; 0 where `of` is 0
    double low = 0; ///< 0 where `of` is 0
    double high = 1; ///< 1 where `of` is 0
};
Share share(std::int64_t count, std::int64_t of);

/// share / reference with the share's interval divided likewise: 1 means no difference. NaN where the reference is 0.
struct Lift {
    double value = 0;
    double low = 0;
    double high = 0;
};
Lift lift(const Share &share, double reference);

} // namespace expertscope
