// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Embedding, norm and the operations that take each number by itself.
#include "engine/core/error.h"
#include "engine/core/parallel.h"
#include "engine/cpu/ops.h"

#include <algorithm>
#include <cmath>

namespace expertscope::cpu {

namespace {

constexpr std::int64_t numbersPerTask = 64 * 1024; // about 10 us at memory speed

std::int64_t rowsPerTask(std::int64_t width)
{
    return std::max<std::int64_t>(1, numbersPerTask / std::max<std::int64_t>(1, width));
}

} // namespace

void embed(const CpuContext &context, const CpuWeight &table, std::span<const std::int32_t> ids, float *out)
{
    for (std::size_t t = 0; t < ids.size(); ++t)
        if (ids[t] < 0 || ids[t] >= table.rows())
            throw Error{ErrorKind::Input,
                "token id " + std::to_string(ids[t]) + " is outside the model's vocabulary of " + std::to_string(table.rows()),
                "token " + std::to_string(t), "Use the model's own tokenizer"};
    const std::int64_t width = table.cols();
    parallelFor(static_cast<std::int64_t>(ids.size()), rowsPerTask(width), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t t = begin; t < end; ++t) {
            const StoredRows row = table.from(ids[static_cast<std::size_t>(t)]);
            context.kernels.widen(row.data, row.type, width, out + t * width);
        }
    });
}

void normaliseRow(const CpuContext &context, const float *x, const Tensor &weight, float eps, float *out)
{
    const std::int64_t width = weight.count();
    const float mean = context.kernels.sumOfSquares(x, width) / static_cast<float>(width);
    context.kernels.normalise(x, weight.f32(), 1.0f / std::sqrt(mean + eps), out, width);
}

void rmsNorm(const CpuContext &context, const Tensor &x, const Tensor &weight, float eps, const Tensor &out)
{
    const std::int64_t width = weight.count();
    parallelFor(x.count() / width, rowsPerTask(width), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t t = begin; t < end; ++t)
            normaliseRow(context, x.f32() + t * width, weight, eps, out.f32() + t * width);
    });
}

void add(const CpuContext &context, const Tensor &x, const Tensor &y)
{
    parallelFor(x.count(), numbersPerTask,
        [&](std::int64_t begin, std::int64_t end) { context.kernels.add(x.f32() + begin, y.f32() + begin, end - begin); });
}

void clamp(const CpuContext &context, const Tensor &x, float limit)
{
    parallelFor(x.count(), numbersPerTask,
        [&](std::int64_t begin, std::int64_t end) { context.kernels.clamp(x.f32() + begin, limit, end - begin); });
}

void scaleRowsBySigmoid(const CpuContext &context, const Tensor &x, const Tensor &g)
{
    const std::int64_t width = x.shape[1];
    parallelFor(x.shape[0], rowsPerTask(width), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t t = begin; t < end; ++t)
            context.kernels.scale(x.f32() + t * width, 1.0f / (1.0f + std::exp(-g.f32()[t])), width);
    });
}

} // namespace expertscope::cpu
