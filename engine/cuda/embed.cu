// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Rows of the embedding table, a block each. Bound: bytes (row in, row out).
#include "engine/core/error.h"
#include "engine/cuda/launch.h"
#include "engine/cuda/numbers.h"
#include "engine/cuda/ops.h"

namespace expertscope::cuda {

namespace {

constexpr int threads = 256;

template<class Stored>
__global__ void copyRows(const Stored *table, const std::int32_t *ids, float *out, int width)
{
    const Stored *const from = table + static_cast<std::int64_t>(ids[blockIdx.x]) * width;
    float *const to = out + static_cast<std::int64_t>(blockIdx.x) * width;
    for (int i = static_cast<int>(threadIdx.x); i < width; i += threads)
        to[i] = toFloat(from[i]);
}

} // namespace

void embed(Context &context, const CudaWeight &table, std::span<const std::int32_t> ids, const Tensor &out)
{
    for (std::size_t t = 0; t < ids.size(); ++t)
        if (ids[t] < 0 || ids[t] >= table.rows())
            throw Error{ErrorKind::Input,
                "token id " + std::to_string(ids[t]) + " is outside the model's vocabulary of " + std::to_string(table.rows()),
                "token " + std::to_string(t), "Use the model's own tokenizer"};
    const std::int32_t *const placed = context.inputs().place(context, Input::TokenIds, ids);
    const auto rows = static_cast<unsigned>(ids.size());
    const auto width = static_cast<int>(table.cols());
    if (table.type() == DType::BF16)
        launch(copyRows<Bf16>, rows, threads, 0, context.stream(), static_cast<const Bf16 *>(table.data()), placed, out.f32(), width);
    else
        launch(copyRows<float>, rows, threads, 0, context.stream(), static_cast<const float *>(table.data()), placed, out.f32(), width);
}

} // namespace expertscope::cuda
