// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/trace.h"

#include <algorithm>

namespace expertscope {

int TraceMeta::sequenceOf(std::int64_t token) const
{
    const auto after = std::upper_bound(sequences.begin(), sequences.end(), token,
                                        [](std::int64_t t, const SequenceInfo &s) { return t < s.firstToken; });
    if (after == sequences.begin())
        return -1;
    const auto found = after - 1;
    return token < found->range().end ? static_cast<int>(found - sequences.begin()) : -1;
}

} // namespace expertscope
