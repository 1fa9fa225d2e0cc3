// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Numbers on axes and in readouts: round ticks, integer ticks, short number and count texts.
// All text is locale-free (decimal point), so that figures and tables agree.
#pragma once

#include <QString>

#include <cstdint>
#include <vector>

namespace expertscope {

/// Round values (1, 2 or 5 times a power of ten) inside [low, high], at most `most` of them.
std::vector<double> roundTicks(double low, double high, int most);

/// Integers inside [first, last], a round step apart, at most `most` of them.
std::vector<std::int64_t> integerTicks(std::int64_t first, std::int64_t last, int most);

/// Three or four significant digits: "0.125", "12.3", "1.2e-05"; "missing" for NaN.
QString numberText(double value);

/// Digits in groups of three: "12,345".
QString countText(std::int64_t count);

/// "1 token", "12,345 tokens".
QString countText(std::int64_t count, const char *noun);

} // namespace expertscope
