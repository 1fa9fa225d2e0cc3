// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Norms of heads and rotary position embedding, half-split pairs, while a head is in the cache.
#include "engine/core/parallel.h"
#include "engine/cpu/ops.h"

#include <algorithm>
#include <cmath>

namespace expertscope::cpu {

namespace {

constexpr std::size_t keptTables = 4; // models have at most a few kinds of layers, each with its own frequencies

const RopeTable &tableFor(CpuContext &context, std::span<const std::int32_t> positions, const AttentionConfig &config)
{
    for (const RopeTable &table : context.ropeTables)
        if (std::equal(positions.begin(), positions.end(), table.positions.begin(), table.positions.end())
            && table.invFreq == config.ropeInvFreq && table.scale == config.ropeScale)
            return table;
    if (context.ropeTables.size() == keptTables)
        context.ropeTables.erase(context.ropeTables.begin());
    RopeTable &table = context.ropeTables.emplace_back();
    table.positions.assign(positions.begin(), positions.end());
    table.invFreq = config.ropeInvFreq;
    table.scale = config.ropeScale;
    const std::size_t half = table.invFreq.size();
    table.cosine.resize(positions.size() * half);
    table.sine.resize(positions.size() * half);
    parallelFor(static_cast<std::int64_t>(positions.size()), 64, [&](std::int64_t begin, std::int64_t end) {
        for (auto t = static_cast<std::size_t>(begin); t < static_cast<std::size_t>(end); ++t)
            for (std::size_t d = 0; d < half; ++d) {
                // The angle is rounded to f32 as the reference does: at long contexts that is what models were trained with.
                const float angle = static_cast<float>(positions[t]) * table.invFreq[d];
                table.cosine[t * half + d] = static_cast<float>(std::cos(static_cast<double>(angle))) * table.scale;
                table.sine[t * half + d] = static_cast<float>(std::sin(static_cast<double>(angle))) * table.scale;
            }
    });
    return table;
}

} // namespace

void rope(
    CpuContext &context, const Tensor &x, const HeadNorm *norm, std::span<const std::int32_t> positions, const AttentionConfig &config)
{
    const RopeTable &table = tableFor(context, positions, config);
    const auto half = static_cast<std::int64_t>(table.invFreq.size());
    const std::int64_t heads = x.shape[1];
    const std::int64_t depth = x.shape[2];
    const std::int64_t tokensPerTask = std::max<std::int64_t>(1, 32 * 1024 / std::max<std::int64_t>(1, heads * depth));
    parallelFor(x.shape[0], tokensPerTask, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t t = begin; t < end; ++t)
            for (std::int64_t h = 0; h < heads; ++h) {
                float *const head = x.f32() + (t * heads + h) * depth;
                if (norm)
                    normaliseRow(context, head, norm->weight, norm->eps, head);
                context.kernels.rotate(head, table.cosine.data() + t * half, table.sine.data() + t * half, half);
            }
    });
}

} // namespace expertscope::cpu
