// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/batch_plan.h"

#include <algorithm>

namespace expertscope {

std::vector<std::vector<SequencePart>> planBatches(std::span<const std::int64_t> lengths, std::int64_t batchTokens)
{
    std::vector<std::vector<SequencePart>> batches;
    std::int64_t room = 0;
    const auto add = [&](const SequencePart &part) {
        const std::int64_t count = part.end - part.begin;
        if (count > room || (part.cut && part.begin == 0)) {
            batches.emplace_back();
            room = batchTokens;
        }
        batches.back().push_back(part);
        room -= count;
    };
    for (std::size_t s = 0; s < lengths.size(); ++s)
        for (std::int64_t begin = 0; begin < lengths[s]; begin += batchTokens)
            add({s, begin, std::min(begin + batchTokens, lengths[s]), lengths[s] > batchTokens});
    return batches;
}

} // namespace expertscope
