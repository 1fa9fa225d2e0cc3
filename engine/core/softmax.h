// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The softmax of one row of logits, for whoever reads recorded logits back.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace expertscope {

/// values[i] = exp(values[i]) / sum_j exp(values[j]), in place, shifted by the maximum; nothing happens to an empty row.
inline void softmaxInPlace(std::span<float> values)
{
    if (values.empty())
        return;
    const float top = *std::max_element(values.begin(), values.end());
    double sum = 0;
    for (float &v : values) {
        v = std::exp(v - top);
        sum += static_cast<double>(v);
    }
    for (float &v : values)
        v = static_cast<float>(static_cast<double>(v) / sum);
}

} // namespace expertscope
