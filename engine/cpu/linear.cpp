// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// out = x W^T (+ bias).
#include "engine/cpu/ops.h"
#include "engine/cpu/products.h"

#include <algorithm>

namespace expertscope::cpu {

void linear(CpuContext &context, const Tensor &x, const CpuWeight &weight, const float *bias, const Tensor &out)
{
    const std::int64_t depth = weight.cols();
    const std::int64_t width = weight.rows();
    const RowGroup all{0, x.count() / depth};
    const CpuWeight *const weights[]{&weight};
    const ProductChoice choice = chooseProduct(context, weights, all.rows);

    PackedRows packed{context.packedScratch, {&all, 1}, {&choice, 1}, depth};
    packed.pack([&](std::int64_t row) { return x.f32() + row * depth; });

    const std::int64_t blocks = blocksOf(width);
    const auto ranges = static_cast<std::int64_t>(packed.ranges().size());
    parallelFor(ranges * blocks, blocksPerTask(depth, all.rows), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t task = begin; task < end; ++task) {
            const PanelRange &range = packed.ranges()[static_cast<std::size_t>(task / blocks)];
            const std::int64_t first = task % blocks * blockRows;
            const std::int64_t count = std::min(blockRows, width - first);
            for (std::size_t p = range.begin; p < range.end; ++p) {
                const Panel &panel = packed.panels()[p];
                alignas(64) Columns columns;
                choice.kernel->multiply(weight.from(first), count, panel.shape, panel.data, columns);
                context.kernels.storeRows(columns, count, panel.shape.width, panel.shape.rows, bias ? bias + first : nullptr,
                    out.f32() + panel.firstRow * width + first, width);
            }
        }
    });
}

} // namespace expertscope::cpu
