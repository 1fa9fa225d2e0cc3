// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Log-probabilities over the vocabulary: logits of a block of entries at a time, folded into each row's running softmax.
#include "engine/cpu/ops.h"
#include "engine/cpu/products.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace expertscope::cpu {

namespace {

constexpr std::int64_t blocksPerPart = 16; // a part is what one task folds by itself: 512 entries

/// What one part of the vocabulary says about each row, [parts, rows].
struct Partial {
    std::vector<float> max, sum, target;
    std::vector<std::int32_t> best;
    explicit Partial(std::size_t count)
        : max(count, -std::numeric_limits<float>::infinity())
        , sum(count, 0.0f)
        , target(count, std::numeric_limits<float>::quiet_NaN())
        , best(count, 0)
    {
    }
};

} // namespace

void logProbs(CpuContext &context, const Tensor &x, const CpuWeight &head, std::span<const std::int32_t> target, std::span<float> logprob,
    std::span<std::int32_t> best)
{
    const std::int64_t depth = head.cols();
    const std::int64_t vocabulary = head.rows();
    const RowGroup all{0, static_cast<std::int64_t>(target.size())};
    const CpuWeight *const weights[]{&head};
    const ProductChoice choice = chooseProduct(context, weights, all.rows);
    PackedRows packed{context.packedScratch, {&all, 1}, {&choice, 1}, depth};
    packed.pack([&](std::int64_t row) { return x.f32() + row * depth; });

    const std::int64_t parts = (blocksOf(vocabulary) + blocksPerPart - 1) / blocksPerPart;
    Partial partial{static_cast<std::size_t>(parts * all.rows)};
    const auto ranges = static_cast<std::int64_t>(packed.ranges().size());
    parallelFor(ranges * parts, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t task = begin; task < end; ++task) {
            const PanelRange &range = packed.ranges()[static_cast<std::size_t>(task / parts)];
            const std::int64_t part = task % parts;
            const std::int64_t last = std::min(vocabulary, (part + 1) * blocksPerPart * blockRows);
            for (std::int64_t first = part * blocksPerPart * blockRows; first < last; first += blockRows)
                for (std::size_t p = range.begin; p < range.end; ++p) {
                    const Panel &panel = packed.panels()[p];
                    const std::int64_t count = std::min(blockRows, last - first);
                    alignas(64) Columns columns;
                    choice.kernel->multiply(head.from(first), count, panel.shape, panel.data, columns);
                    // Padding columns belong to no row: they are folded into copies that nobody reads.
                    std::array<float, largestWidth> max;
                    std::array<float, largestWidth> sum;
                    std::array<std::int32_t, largestWidth> where;
                    const auto rows = static_cast<std::size_t>(panel.shape.rows);
                    const auto at = static_cast<std::size_t>(part * all.rows + panel.firstRow);
                    max.fill(0);
                    sum.fill(0);
                    where.fill(0);
                    std::copy_n(partial.max.begin() + static_cast<std::ptrdiff_t>(at), rows, max.begin());
                    std::copy_n(partial.sum.begin() + static_cast<std::ptrdiff_t>(at), rows, sum.begin());
                    std::copy_n(partial.best.begin() + static_cast<std::ptrdiff_t>(at), rows, where.begin());
                    context.kernels.logSumExp(columns, count, panel.shape.width, first, max.data(), sum.data(), where.data());
                    std::copy_n(max.begin(), rows, partial.max.begin() + static_cast<std::ptrdiff_t>(at));
                    std::copy_n(sum.begin(), rows, partial.sum.begin() + static_cast<std::ptrdiff_t>(at));
                    std::copy_n(where.begin(), rows, partial.best.begin() + static_cast<std::ptrdiff_t>(at));
                    for (std::size_t r = 0; r < rows; ++r) {
                        const std::int64_t entry = target[static_cast<std::size_t>(panel.firstRow) + r];
                        if (entry >= first && entry < first + count)
                            partial.target[at + r] = columns[static_cast<std::size_t>((entry - first) * panel.shape.width) + r];
                    }
                }
        }
    });

    const auto rows = static_cast<std::size_t>(all.rows);
    for (std::size_t r = 0; r < rows; ++r) {
        float max = -std::numeric_limits<float>::infinity();
        float chosen = std::numeric_limits<float>::quiet_NaN();
        best[r] = 0;
        for (std::size_t part = 0; part < static_cast<std::size_t>(parts); ++part) {
            const std::size_t at = part * rows + r;
            if (partial.max[at] > max) {
                max = partial.max[at];
                best[r] = partial.best[at];
            }
            if (!std::isnan(partial.target[at]))
                chosen = partial.target[at];
        }
        double sum = 0;
        for (std::size_t part = 0; part < static_cast<std::size_t>(parts); ++part)
            sum += static_cast<double>(partial.sum[part * rows + r])
                * std::exp(static_cast<double>(partial.max[part * rows + r]) - static_cast<double>(max));
        logprob[r] = static_cast<float>(static_cast<double>(chosen) - static_cast<double>(max) - std::log(sum));
    }
}

} // namespace expertscope::cpu
