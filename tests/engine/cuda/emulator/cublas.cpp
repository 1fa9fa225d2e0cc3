// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "cublas_v2.h"

#include "engine/core/tensor.h"

#include <vector>

namespace {

float number(const void *at, cudaDataType_t type, std::int64_t i)
{
    return type == CUDA_R_32F ? static_cast<const float *>(at)[i] : expertscope::bf16ToF32(static_cast<const std::uint16_t *>(at)[i]);
}

/// [count, k], one operand's vectors of length k side by side. `along`: whether k is the dimension that is contiguous.
std::vector<float> vectors(const void *at, cudaDataType_t type, int ld, bool along, int count, int k)
{
    std::vector<float> out;
    out.reserve(static_cast<std::size_t>(count) * static_cast<std::size_t>(k));
    for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t j = 0; j < k; ++j)
            out.push_back(number(at, type, along ? i * ld + j : j * ld + i));
    return out;
}

} // namespace

const char *cublasGetStatusString(cublasStatus_t)
{
    return "invalid value";
}

cublasStatus_t cublasCreate(cublasHandle_t *handle)
{
    *handle = new cublasContext;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *, std::size_t)
{
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t)
{
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t opA, cublasOperation_t opB, int m, int n, int k, const void *alpha,
    const void *a, cudaDataType_t aType, int lda, const void *b, cudaDataType_t bType, int ldb, const void *beta, void *c,
    cudaDataType_t cType, int ldc, cublasComputeType_t, cublasGemmAlgo_t)
{
    const bool fits = m > 0 && n > 0 && k > 0 && lda >= (opA == CUBLAS_OP_T ? k : m) && ldb >= (opB == CUBLAS_OP_T ? n : k) && ldc >= m;
    if (!fits || aType != bType || (cType != CUDA_R_32F && cType != CUDA_R_16BF))
        return CUBLAS_STATUS_INVALID_VALUE;
    emulator::enqueue(handle->stream, [=, scale = *static_cast<const float *>(alpha), keep = *static_cast<const float *>(beta)] {
        const std::vector<float> left = vectors(a, aType, lda, opA == CUBLAS_OP_T, m, k);
        const std::vector<float> right = vectors(b, bType, ldb, opB == CUBLAS_OP_N, n, k);
        for (std::int64_t j = 0; j < n; ++j)
            for (std::int64_t i = 0; i < m; ++i) {
                float sum = 0;
                for (std::int64_t d = 0; d < k; ++d)
                    sum += left[static_cast<std::size_t>(i * k + d)] * right[static_cast<std::size_t>(j * k + d)];
                if (cType == CUDA_R_32F) {
                    float &to = static_cast<float *>(c)[j * ldc + i];
                    to = scale * sum + (keep != 0 ? keep * to : 0);
                } else {
                    std::uint16_t &to = static_cast<std::uint16_t *>(c)[j * ldc + i];
                    to = expertscope::f32ToBf16(scale * sum + (keep != 0 ? keep * expertscope::bf16ToF32(to) : 0));
                }
            }
    });
    return CUBLAS_STATUS_SUCCESS;
}
