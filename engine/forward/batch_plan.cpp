// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/batch_plan.h"

#include <algorithm>

namespace expertscope {

std::int64_t workBytesPerToken(const ModelConfig &config)
{
    std::int64_t widest = 0;
    for (const LayerConfig &layer : config.layers) {
        const AttentionConfig &attention = layer.attention;
        std::int64_t values = 3 * config.hidden + 2 * std::int64_t{attention.heads + attention.kvHeads} * attention.headDim;
        if (const MoeFfn *moe = layer.moe())
            values += moe->topK * (config.hidden + 2 * moe->width) + 2 * moe->sharedWidth + 4 * moe->experts;
        else
            values += 2 * std::get<DenseFfn>(layer.ffn).width;
        widest = std::max(widest, values);
    }
    return widest * static_cast<std::int64_t>(sizeof(float));
}

std::int64_t fittingBatchTokens(const ModelConfig &config, const BackendInfo &backend)
{
    constexpr std::int64_t fewest = 64;
    std::int64_t tokens = backend.batchTokens;
    while (backend.memoryFreeBytes > 0 && tokens > fewest && tokens * workBytesPerToken(config) > backend.memoryFreeBytes / 4)
        tokens /= 2;
    return tokens;
}

std::vector<std::vector<SequencePart>> planBatches(std::span<const std::int64_t> lengths, std::int64_t batchTokens, std::size_t first)
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
    for (std::size_t s = first; s < lengths.size(); ++s)
        for (std::int64_t begin = 0; begin < lengths[s]; begin += batchTokens)
            add({s, begin, std::min(begin + batchTokens, lengths[s]), lengths[s] > batchTokens});
    return batches;
}

} // namespace expertscope
