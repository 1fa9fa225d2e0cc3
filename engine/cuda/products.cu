// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/products.h"

#include "engine/cuda/check.h"
#include "engine/cuda/launch.h"
#include "engine/cuda/ops.h"

namespace expertscope::cuda {

namespace {

constexpr int threads = 256;

/// Eight numbers a thread, 6 bytes a number.
__global__ void round(const float *from, Bf16 *to, std::int64_t count)
{
    const std::int64_t first = (static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x) * 8;
    if (first + 8 <= count) {
        const float4 low = *reinterpret_cast<const float4 *>(from + first);
        const float4 high = *reinterpret_cast<const float4 *>(from + first + 4);
        *reinterpret_cast<uint4 *>(to + first) =
            make_uint4(packBf16(low.x, low.y), packBf16(low.z, low.w), packBf16(high.x, high.y), packBf16(high.z, high.w));
    } else
        for (std::int64_t i = first; i < count; ++i)
            to[i] = __float2bfloat16_rn(from[i]);
}

} // namespace

WeightRows allRows(const CudaWeight &weight)
{
    return someRows(weight, 0, weight.rows());
}

WeightRows someRows(const CudaWeight &weight, std::int64_t begin, std::int64_t end)
{
    const std::int64_t offset = begin * weight.cols() * static_cast<std::int64_t>(sizeBytes(weight.type()));
    return {static_cast<const std::byte *>(weight.data()) + offset, weight.type(), static_cast<int>(end - begin),
        static_cast<int>(weight.cols())};
}

Activations::Activations(Context &context, const float *x, std::int64_t rows, int width)
    : m_context{context}
    , m_f32{x}
    , m_rows{rows}
    , m_width{width}
{
}

const Bf16 *Activations::bf16()
{
    if (!m_bf16) {
        const std::int64_t count = m_rows * m_width;
        m_bf16.emplace(m_context, count, "activations in bf16");
        launch(round, blocksFor(count, threads * 8), threads, 0, m_context.stream(), m_f32, m_bf16->data(), count);
    }
    return m_bf16->data();
}

void multiply(Context &context, Activations &x, const WeightRows &weight, const float *bias, float *out)
{
    if (x.rows() <= mostFewRows) {
        multiplyFewRows(context, x.f32(), static_cast<int>(x.rows()), weight, bias, out);
        return;
    }
    const float one = 1;
    const float zero = 0;
    const bool bf16 = weight.type == DType::BF16;
    const cudaDataType_t type = bf16 ? CUDA_R_16BF : CUDA_R_32F;
    const void *const rows = bf16 ? static_cast<const void *>(x.bf16()) : x.f32();
    // row-major out [T, N] is column-major [N, T] = W [N, K] x^T [K, T]
    ES_CUBLAS(
        cublasGemmEx(context.blas(), CUBLAS_OP_T, CUBLAS_OP_N, weight.rows, static_cast<int>(x.rows()), weight.cols, &one, weight.data,
            type, weight.cols, rows, type, weight.cols, &zero, out, CUDA_R_32F, weight.rows, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
    if (bias)
        addBias(context, out, bias, x.rows(), weight.rows);
}

void linear(Context &context, const Tensor &x, const CudaWeight &weight, const float *bias, const Tensor &out)
{
    Activations rows{context, x.f32(), x.count() / weight.cols(), static_cast<int>(weight.cols())};
    multiply(context, rows, allRows(weight), bias, out.f32());
}

} // namespace expertscope::cuda
