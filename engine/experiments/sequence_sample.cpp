// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/experiments/sequence_sample.h"

#include "engine/analysis/statistics.h"

#include <algorithm>
#include <map>

namespace expertscope {

std::vector<int> drawnSequences(const TraceMeta &meta, std::int64_t perLanguage, std::uint64_t seed)
{
    std::map<std::string, std::vector<int>> byLanguage;
    for (std::size_t i = 0; i < meta.sequences.size(); ++i)
        if (meta.sequences[i].range().count() > 1)
            byLanguage[meta.sequences[i].language].push_back(static_cast<int>(i));
    std::vector<int> drawn;
    std::uint64_t stream = 0;
    for (auto &[language, sequences] : byLanguage) {
        Random random{seed, stream++};
        random.shuffle(std::span{sequences});
        const auto count = std::min<std::size_t>(sequences.size(), static_cast<std::size_t>(perLanguage));
        drawn.insert(drawn.end(), sequences.begin(), sequences.begin() + static_cast<std::ptrdiff_t>(count));
    }
    std::sort(drawn.begin(), drawn.end());
    return drawn;
}

TokenSequence sequenceOf(const RoutingTrace &trace, int sequence, std::int64_t most)
{
    const SequenceInfo &info = trace.meta().sequences[static_cast<std::size_t>(sequence)];
    TokenRange range = info.range();
    range.end = std::min(range.end, range.begin + most);
    return {info, trace.tokens(range).tokenId, std::min(info.nPrompt, range.count())};
}

} // namespace expertscope
